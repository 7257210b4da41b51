using ContainerIR.Evidence.Items;

namespace ContainerIR.Evidence.Bundles;

/// <summary>A bundle that was sealed.</summary>
/// <param name="Path">Its directory.</param>
/// <param name="BundleId">Its UUID (version 7).</param>
/// <param name="RootSha256">SHA-256 of <c>tagmanifest-sha256.txt</c>, the signed root: whoever knows it can recognise the bundle for ever.</param>
/// <param name="Items">Its items, in the order they were closed.</param>
/// <param name="Gaps">What was sought and not obtained.</param>
/// <param name="PayloadBytes">Size of all files below <c>data/</c>.</param>
public sealed record SealedBundle(
    string Path, Guid BundleId, string RootSha256, IReadOnlyList<EvidenceItem> Items, IReadOnlyList<Gap> Gaps, long PayloadBytes)
{
    /// <summary>Why there is no time-stamp token though authorities were asked and the policy says <c>tsa=optional</c>; null otherwise. It can be added later.</summary>
    public string? TimestampFault { get; init; }
}
