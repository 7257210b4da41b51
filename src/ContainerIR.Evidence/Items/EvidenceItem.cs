namespace ContainerIR.Evidence.Items;

/// <summary>What is known of the bytes of one item.</summary>
public enum ItemStatus
{
    /// <summary>Every byte the source gave is stored.</summary>
    Complete,

    /// <summary>The source ended early or failed: the bytes before that are stored.</summary>
    Partial,

    /// <summary>The acquisition was interrupted: the provable prefix was kept by recovery.</summary>
    TruncatedSalvaged,

    /// <summary>The acquisition was interrupted before one provable frame was stored: no payload.</summary>
    Lost,

    /// <summary>A stated limit forbade copying it: no payload.</summary>
    Refused,
}

/// <summary>One file below <c>data/</c> of a bundle: where its bytes came from and the digests that fix them.</summary>
public sealed record EvidenceItem
{
    /// <summary>Path inside the bundle, generated ASCII, for example <c>data/0002-events/events.jsonl</c>.</summary>
    public required string Path { get; init; }

    /// <summary>Name of the collector that copied it.</summary>
    public required string Collector { get; init; }

    /// <summary>Where the bytes were read: an API path, a host path in display form, a kernel interface.</summary>
    public required string Source { get; init; }

    /// <summary>Order of volatility (RFC 3227), 0 the most volatile.</summary>
    public required int VolatilityRank { get; init; }

    /// <summary>Whether all of it is here.</summary>
    public required ItemStatus Status { get; init; }

    /// <summary>Size of the file in the bundle.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>SHA-256 of the file in the bundle, lower-case hexadecimal.</summary>
    public required string Sha256 { get; init; }

    /// <summary>SHA-512 of the file in the bundle, lower-case hexadecimal.</summary>
    public required string Sha512 { get; init; }

    /// <summary>Size of the content as read from its source, before compression.</summary>
    public required long RawBytes { get; init; }

    /// <summary>SHA-256 of the content as read from its source, lower-case hexadecimal.</summary>
    public required string RawSha256 { get; init; }

    /// <summary>When the item was opened (UTC).</summary>
    public required DateTimeOffset OpenedAt { get; init; }

    /// <summary>When its last byte was on disk (UTC).</summary>
    public required DateTimeOffset ClosedAt { get; init; }

    /// <summary>Why it is not complete; null when it is.</summary>
    public string? Error { get; init; }
}
