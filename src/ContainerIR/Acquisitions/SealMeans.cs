using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Acquisitions;

/// <summary>What a bundle is sealed with.</summary>
public sealed record SealMeans
{
    /// <summary>What the seal must consist of.</summary>
    public SealPolicy Policy { get; init; } = new();

    /// <summary>
    /// Asked for tokens over the first journal line, beside the collectors, and over the signature; null for nobody. A token that cannot be had is a gap and
    /// costs at most <see cref="TimestampClient.LongestWait"/> each time, unless the policy demands the second.
    /// </summary>
    public TimestampClient? Authorities { get; init; }

    /// <summary>Opens the keys; null for the identity in the home's keys folder.</summary>
    public Func<ResponderIdentity>? Identity { get; init; }
}
