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
/// <param name="Name">structure, root, signature, payload, journal, checkpoint, custody, transfers.</param>
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

/// <summary>A good time-stamp token (RFC 3161).</summary>
/// <param name="File">The token's file, or <c>journal.jsonl</c> with the number of its line.</param>
/// <param name="GeneratedAt">The time the authority vouches for (UTC): what is stamped existed before it.</param>
/// <param name="Authority">Distinguished name in the authority's certificate, in display form.</param>
/// <param name="SerialNumber">Serial number of the token, hexadecimal.</param>
/// <param name="IsAnchored">True where the certificate leads to an authority the examiner trusts for time.</param>
public sealed record VerificationToken(string File, DateTimeOffset GeneratedAt, string Authority, string SerialNumber, bool IsAnchored);

/// <summary>A transfer of custody. Texts are in display form.</summary>
/// <param name="Number">Place in the chain, from 1.</param>
/// <param name="File">The record.</param>
/// <param name="RecordSha256">Digest of the record.</param>
/// <param name="From">Who gave, as the record names them.</param>
/// <param name="To">Who was to receive, as the record names them.</param>
/// <param name="Purpose">What for.</param>
/// <param name="Method">How it travelled.</param>
/// <param name="HandedOverAt">When the giver says it was given.</param>
/// <param name="Recipients">To how many age recipients the transport was encrypted.</param>
/// <param name="Giver">Whose signature is good over the record; null where none is.</param>
/// <param name="Receiver">Who countersigned; null where nobody did yet.</param>
public sealed record VerificationTransfer(
    int Number,
    string File,
    string RecordSha256,
    string From,
    string To,
    string Purpose,
    string Method,
    DateTimeOffset HandedOverAt,
    int Recipients,
    VerificationSigner? Giver,
    VerificationSigner? Receiver);

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

    /// <summary>UUID of the bundle as its journal says; null where that cannot be read.</summary>
    public string? BundleId { get; init; }

    /// <summary>Name of the bundle's directory when it was sealed; null where that cannot be read.</summary>
    public string? BundleName { get; init; }

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

    /// <summary>Good time-stamp tokens, those of seal/ first, then those of the journal.</summary>
    public required IReadOnlyList<VerificationToken> Tokens { get; init; }

    /// <summary>The transfers of custody, in their order.</summary>
    public required IReadOnlyList<VerificationTransfer> Transfers { get; init; }

    /// <summary>The report as JSON (schema containerir-verification/1).</summary>
    public string ToJson() => JsonSerializer.Serialize(this, VerificationJson.Default.VerificationReport);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, Converters = [typeof(VerdictJson)])]
[JsonSerializable(typeof(VerificationReport))]
internal sealed partial class VerificationJson : JsonSerializerContext;

/// <summary>verified, unsealed, untrusted, tampered.</summary>
internal sealed class VerdictJson() : JsonStringEnumConverter<Verdict>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false);
