namespace ContainerIR.Acquisitions;

/// <summary>Where an acquisition stands.</summary>
public enum AcquisitionStage
{
    /// <summary>The engine is asked which container is meant.</summary>
    Resolving,

    /// <summary>Collectors copy.</summary>
    Collecting,

    /// <summary>Manifests, custody record, checkpoint and signature are written.</summary>
    Sealing,

    /// <summary>The case index is filled from the sealed bundle.</summary>
    Indexing,

    /// <summary>All is done.</summary>
    Done,
}

/// <summary>A collector that is through.</summary>
/// <param name="Collector">Its name.</param>
/// <param name="Items">Items it wrote.</param>
/// <param name="RawBytes">Bytes it read from sources.</param>
/// <param name="Elapsed">How long it took; one that runs beside the others overlaps them.</param>
public sealed record CollectorEnd(string Collector, int Items, long RawBytes, TimeSpan Elapsed);

/// <summary>One report of progress: a picture of the moment, not a difference to the report before. May come from several threads.</summary>
/// <param name="Stage">Where the acquisition stands.</param>
/// <param name="Collector">Name of the collector that runs; null outside <see cref="AcquisitionStage.Collecting"/>.</param>
/// <param name="Item">Path inside the bundle of the item that is written; null between items.</param>
/// <param name="Items">Items complete so far.</param>
/// <param name="RawBytes">Bytes read from sources so far, all items.</param>
/// <param name="GapText">What was sought and not obtained, and why, when this report announces a gap; null else.</param>
/// <param name="BundlePath">Absolute path of the bundle, from the first report on after it was opened; null before.</param>
/// <param name="Ended">The collector this report says is through; null else.</param>
/// <param name="EffectText">What the acquisition does to the host or container, when this report announces it; null else.</param>
/// <param name="Left">How long the item that is written will take at the speed it has had; null where its size is not known before.</param>
public sealed record AcquisitionProgress(
    AcquisitionStage Stage, string? Collector, string? Item, int Items, long RawBytes, string? GapText = null, string? BundlePath = null, CollectorEnd? Ended = null, string? EffectText = null,
    TimeSpan? Left = null);
