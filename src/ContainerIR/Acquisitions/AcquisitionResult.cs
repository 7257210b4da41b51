using ContainerIR.Evidence.Items;

namespace ContainerIR.Acquisitions;

/// <summary>What an acquisition left behind.</summary>
public sealed record AcquisitionResult
{
    /// <summary>Absolute path of the sealed bundle.</summary>
    public required string BundlePath { get; init; }

    /// <summary>The signed root: SHA-256 of <c>tagmanifest-sha256.txt</c>, lower-case hexadecimal.</summary>
    public required string RootSha256 { get; init; }

    /// <summary>Case it belongs to.</summary>
    public required string CaseId { get; init; }

    /// <summary>Every item, in the order of the bundle.</summary>
    public required IReadOnlyList<EvidenceItem> Items { get; init; }

    /// <summary>Everything sought and not obtained.</summary>
    public required IReadOnlyList<Gap> Gaps { get; init; }

    /// <summary>From the first request to the engine to the seal.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Why the signature has no time-stamp token though authorities were named; null when it has one or none were named. It can be added later.</summary>
    public string? TimestampFault { get; init; }

    /// <summary>Why the case index does not hold the bundle, and what to do; null when it does. The bundle is sealed all the same.</summary>
    public string? IndexProblem { get; init; }
}
