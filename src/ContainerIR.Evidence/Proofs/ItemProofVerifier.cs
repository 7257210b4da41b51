using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Journals;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Evidence.Proofs;

/// <summary>Checks an exported proof (<see cref="ItemProof"/>). Its directory is not trusted; every failure is reported, not the first.</summary>
public static class ItemProofVerifier
{
    /// <summary>Checks a proof.</summary>
    /// <param name="proofDirectory">What <see cref="ItemProof.ExportAsync"/> made.</param>
    /// <param name="anchors">DER certificates the examiner trusts; null: who signed is reported, not judged.</param>
    /// <param name="ct">Stops.</param>
    /// <exception cref="OperatorException">There is no such directory.</exception>
    public static async Task<ItemProofReport> VerifyAsync(string proofDirectory, IReadOnlyList<byte[]>? anchors, CancellationToken ct)
    {
        using BundleTree tree = BundleTree.Open(proofDirectory);
        List<string> failures = [];
        ItemProofReport report = new() { Failures = failures };
        byte[]? line = Take(ItemProofLayout.Line);
        byte[]? proofText = Take(ItemProofLayout.Proof);
        byte[]? verifierKey = Take(BundleLayout.CheckpointKey);
        byte[]? root = Take(BundleLayout.TagManifest);
        byte[]? signature = Take(BundleLayout.ResponderSignature);
        ItemLine? item = line is null ? null : Try(ItemProofLayout.Line, () => ReadLine(line));
        if (line is not null && proofText is not null && verifierKey is not null)
        {
            report = report with { Origin = Try(ItemProofLayout.Proof, () => CheckInclusion(line, proofText, verifierKey, root ?? [])) };
        }

        if (root is not null && signature is not null)
        {
            CadesSignature? cades = Try(BundleLayout.ResponderSignature, () => CadesSignature.Verify(signature, root));
            report = cades is null ? report : Describe(report, cades, anchors, failures);
            byte[]? token = ItemProof.TryReadSmall(tree, BundleLayout.ResponderToken);
            report = token is null ? report : report with { Timestamp = Try(BundleLayout.ResponderToken, () => TimestampToken.Verify(token, SHA256.HashData(signature))) };
        }

        if (item is not null)
        {
            report = report with { ItemPath = item.Path, ItemStatus = DisplayText.Shorten(item.Status, 40) };
            await CheckItemAsync(tree, item, failures, ct);
        }

        return report;

        byte[]? Take(string path)
        {
            byte[]? bytes = ItemProof.TryReadSmall(tree, path);
            if (bytes is null)
            {
                failures.Add($"{path}: it is missing, no regular file, or too large");
            }

            return bytes;
        }

        T? Try<T>(string path, Func<T> check)
            where T : class
        {
            try
            {
                return check();
            }
            catch (FormatException failure)
            {
                failures.Add($"{path}: {DisplayText.Shorten(failure.Message, 300)}");
                return null;
            }
        }
    }

    private static ItemLine ReadLine(byte[] line) =>
        line.AsSpan().IndexOf((byte)'\n') == line.Length - 1
            ? ItemLine.Of(JournalFormat.Parse(line.AsMemory(0, line.Length - 1), "")) ?? throw new FormatException("it closes no item")
            : throw new FormatException("it is not one line");

    private static string CheckInclusion(byte[] line, byte[] proofText, byte[] verifierKey, byte[] root)
    {
        TlogProof proof = TlogProof.Parse(Encoding.UTF8.GetString(proofText));
        byte[] note = Encoding.UTF8.GetBytes(proof.Checkpoint);
        Checkpoint checkpoint = Checkpoint.Verify(proof.Checkpoint, Encoding.UTF8.GetString(verifierKey));
        byte[]? computed = proof.Inclusion.RootOf(MerkleTree.LeafHash(line), checkpoint.Size);
        if (computed is null || !computed.AsSpan().SequenceEqual(checkpoint.Root))
        {
            throw new FormatException($"{ItemProofLayout.Line} is not line {proof.Inclusion.Index} of the journal the checkpoint signs");
        }

        string[] lines = Encoding.Latin1.GetString(root).Split('\n');
        foreach ((string path, byte[] bytes) in ((string, byte[])[])[(BundleLayout.Checkpoint, note), (BundleLayout.CheckpointKey, verifierKey)])
        {
            if (!lines.Contains($"{Convert.ToHexStringLower(SHA256.HashData(bytes))}  {path}"))
            {
                throw new FormatException($"the signed root does not list this {path}");
            }
        }

        return checkpoint.Origin;
    }

    private static ItemProofReport Describe(ItemProofReport report, CadesSignature cades, IReadOnlyList<byte[]>? anchors, List<string> failures)
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(cades.Certificates[0]);
        if (SignerTrust.FaultOf(certificate, cades.SignedAt) is { } fault)
        {
            failures.Add($"{BundleLayout.ResponderSignature}: {fault}");
        }

        return report with
        {
            SignedBy = DisplayText.Escape(certificate.Subject),
            CertificateSha256 = Convert.ToHexStringLower(SHA256.HashData(cades.Certificates[0])),
            SignedAt = cades.SignedAt,
            WhyUntrusted = anchors is null ? null : SignerTrust.WhyNotAnchored(cades.Certificates, anchors, cades.SignedAt),
        };
    }

    private static async Task CheckItemAsync(BundleTree tree, ItemLine item, List<string> failures, CancellationToken ct)
    {
        await using FileStream? file = tree.OpenRead(item.Path);
        if (file is null)
        {
            failures.Add($"{item.Path}: it is missing or no regular file");
        }
        else if (file.Length != item.StoredBytes || Convert.ToHexStringLower(await SHA256.HashDataAsync(file, ct)) != item.Sha256)
        {
            failures.Add($"{item.Path}: it is not what the journal closed: size or SHA-256 differs");
        }
    }
}
