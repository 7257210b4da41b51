using ContainerIR.Evidence.Time;

namespace ContainerIR.Evidence.Proofs;

/// <summary>What an exported proof proves.</summary>
public sealed record ItemProofReport
{
    /// <summary>Path of the item in its bundle; null where the proof does not even say that.</summary>
    public string? ItemPath { get; init; }

    /// <summary>Status of the item when it was closed: <c>complete</c>, <c>partial</c>, <c>truncated-salvaged</c>.</summary>
    public string? ItemStatus { get; init; }

    /// <summary>Origin of the checkpoint: <c>containerir/</c> and the UUID of the bundle.</summary>
    public string? Origin { get; init; }

    /// <summary>Subject of the signer's certificate, in display form.</summary>
    public string? SignedBy { get; init; }

    /// <summary>SHA-256 of the signer's certificate, lower-case hexadecimal.</summary>
    public string? CertificateSha256 { get; init; }

    /// <summary>When the signer says it signed (UTC).</summary>
    public DateTimeOffset? SignedAt { get; init; }

    /// <summary>The token over the signature; null where none is there.</summary>
    public TimestampToken? Timestamp { get; init; }

    /// <summary>Why the signer does not lead to a certificate the examiner trusts; null when it does or none were given.</summary>
    public string? WhyUntrusted { get; init; }

    /// <summary>Everything that is wrong: file and reason. Empty means proven.</summary>
    public required IReadOnlyList<string> Failures { get; init; }

    /// <summary>The item is what was sealed, by the holder of that certificate.</summary>
    public bool IsProven => Failures.Count == 0;
}
