using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Journals;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Evidence.Bundles;

/// <summary>
/// Writes everything a bundle has besides payload and journal, and seals it. The signature is made over the root before the root gets its name:
/// <c>tagmanifest-sha256.txt</c> is the last file to appear, so a crash at any point leaves an unsealed bundle or a sealed one.
/// </summary>
internal sealed class BundleSealer(BundleFolder folder, JournalWriter journal, TimeProvider clock)
{
    public required Guid BundleId { get; init; }

    public required string Name { get; init; }

    public required string CaseId { get; init; }

    public required string Agent { get; init; }

    public required IReadOnlyList<EvidenceItem> Items { get; init; }

    public required IReadOnlyList<WrittenFile> Payload { get; init; }

    public required IReadOnlyList<Gap> Gaps { get; init; }

    public required IReadOnlyList<Effect> Effects { get; init; }

    public bool Recovered { get; init; }

    /// <summary>Asked for a token over the signature; null for nobody.</summary>
    public TimestampClient? Authorities { get; init; }

    /// <summary>Refuses what the policy demands and nobody can give, before anything is begun.</summary>
    public static void CheckMeans(ResponderIdentity identity, SealPolicy policy, TimestampClient? authorities)
    {
        if (policy.Timestamps == TimestampPolicy.Required && authorities is null)
        {
            throw new OperatorException("The seal policy demands a time-stamp token (tsa=required), and no authority is named.", "Name one: --tsa URL, or seal with tsa=optional.");
        }

        if (policy.PostQuantum && identity.PostQuantum is null)
        {
            throw new OperatorException("The seal policy demands a signature with ML-DSA-65 (pq=mldsa65), and the identity has no such key.", "Make one: cir keys new --pq");
        }
    }

    public async Task<SealedBundle> SealAsync(CustodyRecord record, ResponderIdentity identity, SealPolicy policy)
    {
        CheckMeans(identity, policy, Authorities);
        DateTimeOffset at = clock.GetUtcNow();
        long payloadBytes = Payload.Sum(file => file.SizeBytes);
        List<WrittenFile> tags = [];
        WrittenFile manifest = Put(BundleLayout.ManifestSha256, ManifestFile.Write(Payload, file => file.Sha256));
        Put(BundleLayout.ManifestSha512, ManifestFile.Write(Payload, file => file.Sha512));
        Put(BundleLayout.BagIt, Encoding.ASCII.GetBytes(BundleLayout.BagItText));
        BagInfo info = new(Name, BundleId, CaseId, payloadBytes, Payload.Count, at, Agent, policy);
        Put(BundleLayout.BagInfo, Encoding.ASCII.GetBytes(info.ToText()));
        Put(BundleLayout.Readme, LabGuide.Readme);
        Put(BundleLayout.VerifyScript, LabGuide.VerifyScript);

        journal.Append("seal", json =>
        {
            json.WriteNumber("items", Items.Count);
            json.WriteNumber("gaps", Gaps.Count);
            json.WriteNumber("payload_bytes", payloadBytes);
            json.WriteString("manifest_sha256", manifest.Sha256);
            json.WriteString("policy", policy.ToString());
            json.WriteString("certificate_sha256", identity.CertificateSha256);
        });
        string head = journal.Head;
        (WrittenFile journalFile, MerkleTree tree) = journal.Finish();
        tags.Add(journalFile);

        string origin = Checkpoint.OriginOf(BundleId);
        Checkpoint checkpoint = new(origin, tree.Size, tree.Root());
        Put(BundleLayout.Checkpoint, Encoding.UTF8.GetBytes(checkpoint.Sign(identity.Checkpoints)));
        Put(BundleLayout.CheckpointKey, Encoding.ASCII.GetBytes(identity.Checkpoints.VerifierKey(origin) + "\n"));

        CustodyDocument custody = new()
        {
            Schema = CustodyDocument.SchemaName,
            BundleId = BundleId,
            BundleName = Name,
            Recovered = Recovered,
            Record = record with
            {
                Who = record.Who with { CertificateSha256 = identity.CertificateSha256 },
                When = record.When with { SealedAt = at },
            },
            Items = Items,
            Gaps = Gaps,
            Effects = Effects,
            JournalLines = tree.Size,
            JournalHead = head,
            Certification = Certify(record, at, manifest.Sha256, head),
        };
        byte[] custodyText = [.. JsonSerializer.SerializeToUtf8Bytes(custody, CustodyJson.Default.CustodyDocument), (byte)'\n'];
        Put(BundleLayout.Custody, custodyText);

        byte[] root = ManifestFile.Write(tags, file => file.Sha256);
        byte[] signature = CadesSignature.Create(root, identity.Signer, at);
        folder.WriteWhole(BundleLayout.ResponderSignature, signature);
        folder.WriteWhole(BundleLayout.Certificates, CertificateFile.Write(identity.Signer.Certificates));
        if (policy.PostQuantum)
        {
            folder.WriteWhole(MlDsaSignature.BundlePath, identity.PostQuantum!.Sign(root));
        }

        string? timestampFault = await StampAsync(signature, policy);
        folder.WriteWhole(BundleLayout.TagManifest, root);
        return new SealedBundle(folder.Root, BundleId, Convert.ToHexStringLower(SHA256.HashData(root)), Items, Gaps, payloadBytes) { TimestampFault = timestampFault };

        WrittenFile Put(string path, ReadOnlySpan<byte> content)
        {
            WrittenFile written = folder.WriteWhole(path, content);
            tags.Add(written);
            return written;
        }
    }

    /// <summary>Puts a token over the signature. Where the policy demands it and none can be had, the root is not written: the bundle stays unsealed.</summary>
    /// <returns>Why there is no token though authorities were asked; null otherwise.</returns>
    private async Task<string?> StampAsync(byte[] signature, SealPolicy policy)
    {
        if (Authorities is null || policy.Timestamps == TimestampPolicy.None)
        {
            return null;
        }

        try
        {
            SealTimestamp.Put(folder, await Authorities.RequestAsync(SHA256.HashData(signature), CancellationToken.None));
            return null;
        }
        catch (OperatorException failure) when (policy.Timestamps == TimestampPolicy.Optional)
        {
            return failure.Message;
        }
    }

    /// <summary>The wording follows Federal Rules of Evidence 902(13) and 902(14): a process, a qualified person, and digests that identify the copy.</summary>
    private string Certify(CustodyRecord record, DateTimeOffset at, string manifestSha256, string journalHead)
    {
        int incomplete = Items.Count(item => item.Status != ItemStatus.Complete);
        return string.Create(CultureInfo.InvariantCulture, $"""
            I, {record.Who.Name}, certify that the {Items.Count} items of evidence bundle {Name} were copied by {record.Tool.Name} {record.Tool.Version} from the sources named in this record, that each was hashed with SHA-256 and SHA-512 while it was copied, that {incomplete} of them are not complete and {Gaps.Count} sources could not be had for the reasons stated, and that the digests identify the copies: manifest-sha256.txt has SHA-256 {manifestSha256}; the last line of the journal has SHA-256 {journalHead}. Sealed {at.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}.
            """);
    }
}
