using System.Text.Json;
using System.Text.Json.Serialization;

namespace ContainerIR.Evidence.Verification;

/// <summary>The verdict in a word.</summary>
public enum Verdict
{
    /// <summary>Every byte is as it was sealed, and every signature is good. Who signed: see <see cref="VerificationReport.Signers"/>.</summary>
    Verified,

    /// <summary>It has no signed root: it was never sealed, or the root was taken away. Nothing in it is proven.</summary>
    Unsealed,

    /// <summary>Every byte is as it was sealed, but the signer's certificate is not fit, or does not lead to the authority named.</summary>
    Untrusted,

    /// <summary>Something is not as it was sealed.</summary>
    Tampered,
}

/// <summary>One group of checks and how it ended.</summary>
/// <param name="Name">structure, root, signature, payload, journal, checkpoint, custody.</param>
/// <param name="Ok">True when nothing failed.</param>
/// <param name="Detail">What was looked at, with numbers.</param>
public sealed record VerificationCheck(string Name, bool Ok, string Detail);

/// <summary>One thing that is not as it must be.</summary>
/// <param name="Check">Name of the check.</param>
/// <param name="File">Path inside the bundle in display form; empty where it concerns the whole.</param>
/// <param name="Reason">What is wrong.</param>
public sealed record VerificationFailure(string Check, string File, string Reason);

/// <summary>Who signed the root.</summary>
/// <param name="File">Signature file.</param>
/// <param name="Subject">Distinguished name in the certificate, in display form.</param>
/// <param name="CertificateSha256">Fingerprint of the certificate.</param>
/// <param name="SignedAt">The time the signer claims.</param>
/// <param name="JudgedAt">The time at which the certificate was judged valid or not.</param>
/// <param name="TimeUsed">Where <paramref name="JudgedAt"/> comes from, in a sentence.</param>
/// <param name="IsAnchored">True where the certificate leads to an authority the examiner named.</param>
/// <param name="Trust">The same in a sentence for the reader.</param>
public sealed record VerificationSigner(string File, string Subject, string CertificateSha256, DateTimeOffset SignedAt, DateTimeOffset JudgedAt, string TimeUsed, bool IsAnchored, string Trust);

/// <summary>What verification found.</summary>
public sealed record VerificationReport
{
    /// <summary>Name and version of what this document is.</summary>
    public const string SchemaName = "containerir-verification/1";

    /// <summary>Always <see cref="SchemaName"/>.</summary>
    public string Schema { get; } = SchemaName;

    /// <summary>Path of the bundle as given.</summary>
    public required string Bundle { get; init; }

    /// <summary>The verdict.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>SHA-256 of the signed root; null where there is none.</summary>
    public string? RootSha256 { get; init; }

    /// <summary>The sealed policy; null where it cannot be read.</summary>
    public string? Policy { get; init; }

    /// <summary>Files below data/.</summary>
    public required int PayloadFiles { get; init; }

    /// <summary>Bytes below data/ that were hashed.</summary>
    public required long PayloadBytes { get; init; }

    /// <summary>Lines of the journal.</summary>
    public required long JournalLines { get; init; }

    /// <summary>The checks, in the order they were made.</summary>
    public required IReadOnlyList<VerificationCheck> Checks { get; init; }

    /// <summary>Every failure, not the first. Beyond 10,000 they are counted in the last.</summary>
    public required IReadOnlyList<VerificationFailure> Failures { get; init; }

    /// <summary>Who signed.</summary>
    public required IReadOnlyList<VerificationSigner> Signers { get; init; }

    /// <summary>The report as JSON (schema containerir-verification/1).</summary>
    public string ToJson() => JsonSerializer.Serialize(this, VerificationJson.Default.VerificationReport);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, Converters = [typeof(VerdictJson)])]
[JsonSerializable(typeof(VerificationReport))]
internal sealed partial class VerificationJson : JsonSerializerContext;

/// <summary>verified, unsealed, untrusted, tampered.</summary>
internal sealed class VerdictJson() : JsonStringEnumConverter<Verdict>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false);
