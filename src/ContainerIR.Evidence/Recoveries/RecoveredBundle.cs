using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Evidence.Recoveries;

/// <summary>How an interrupted bundle is to be recovered.</summary>
public sealed record RecoveryOptions
{
    /// <summary>Name and version of the program.</summary>
    public required string Agent { get; init; }

    /// <summary>Makes a decoder of frames.</summary>
    public required Func<IFrameDecoder> MakeFrameDecoder { get; init; }

    /// <summary>What the seal must consist of; null for what the acquisition intended, as its journal says.</summary>
    public SealPolicy? Policy { get; init; }

    /// <summary>Asked for a token over the signature; null for nobody.</summary>
    public TimestampClient? Authorities { get; init; }

    /// <summary>Time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>What recovery made of an interrupted bundle.</summary>
/// <param name="Bundle">The sealed rest.</param>
/// <param name="Salvaged">Items of which the provable prefix was kept.</param>
/// <param name="Lost">Items of which nothing can be proven.</param>
/// <param name="UnprovenFolder">Where the bytes that cannot be proven were put, beside the bundle; null when there were none. They are not evidence.</param>
public sealed record RecoveredBundle(SealedBundle Bundle, IReadOnlyList<EvidenceItem> Salvaged, IReadOnlyList<EvidenceItem> Lost, string? UnprovenFolder);
