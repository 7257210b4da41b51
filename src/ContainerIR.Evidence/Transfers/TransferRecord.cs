using System.Text.Json.Serialization;

namespace ContainerIR.Evidence.Transfers;

/// <summary>
/// One transfer of custody: <c>seal/custody-NNNN.json</c>. The giver states what is given, to whom and why; both sides sign these bytes. It names the
/// record before it and every file in seal/ by digest, so nothing of what was there can be changed or taken away afterwards.
/// </summary>
public sealed record TransferRecord
{
    /// <summary>The format this document obeys.</summary>
    public const string SchemaName = "containerir-transfer/1";

    /// <summary>Always <see cref="SchemaName"/>.</summary>
    public required string Schema { get; init; }

    /// <summary>Place in the chain, from 1.</summary>
    public required int Number { get; init; }

    /// <summary>SHA-256 of the record before this one, 64 zeros in the first.</summary>
    public required string PrevSha256 { get; init; }

    /// <summary>UUID (version 7) of the bundle.</summary>
    public required Guid BundleId { get; init; }

    /// <summary>Name of the bundle's directory when it was sealed.</summary>
    public required string BundleName { get; init; }

    /// <summary>The signed root: SHA-256 of <c>tagmanifest-sha256.txt</c>.</summary>
    public required string TagmanifestSha256 { get; init; }

    /// <summary>True: the giver verified the whole bundle just before.</summary>
    public required bool SealedOk { get; init; }

    /// <summary>Who gives. The certificate is that of the giver's signature.</summary>
    public required TransferParty From { get; init; }

    /// <summary>Who is to receive. Where a certificate is named, only its holder can countersign.</summary>
    public required TransferParty To { get; init; }

    /// <summary>What for: analysis, court, storage, return.</summary>
    public required string Purpose { get; init; }

    /// <summary>How it travels: by hand on a disk with a serial number, by a courier with a seal number, over a network.</summary>
    public required string Method { get; init; }

    /// <summary>When the giver says it was given (UTC, whole seconds).</summary>
    public required DateTimeOffset HandedOverAt { get; init; }

    /// <summary>age recipients the transport was encrypted to; empty where it was not.</summary>
    public required IReadOnlyList<string> EncryptedTo { get; init; }

    /// <summary>Every file in seal/ at that time but the two certificate files, as <c>sha256sum</c> lists them, by path.</summary>
    public required IReadOnlyList<string> SealFiles { get; init; }

    /// <summary>What giver and receiver certify by signing, with the digests filled in.</summary>
    public required string Certification { get; init; }
}

/// <summary>A side of a transfer.</summary>
public sealed record TransferParty
{
    /// <summary>Name of the person or body.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256 of the signing certificate, lower-case hexadecimal; null where the giver did not know it.</summary>
    public string? CertificateSha256 { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    WriteIndented = true,
    NewLine = "\n",
    MaxDepth = 4,
    Converters = [typeof(WholeSecondJson)])]
[JsonSerializable(typeof(TransferRecord))]
internal sealed partial class TransferJson : JsonSerializerContext;
