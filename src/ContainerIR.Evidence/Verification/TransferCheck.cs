using System.Security.Cryptography;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Transfers;

namespace ContainerIR.Evidence.Verification;

/// <summary>
/// The chain of transfers: numbered without a gap, each record linked to the one before and to all of seal/ as it was, signed by who held the bundle,
/// countersigned by who received it. A record that is not countersigned was given and not received: its giver still holds the bundle.
/// </summary>
internal static class TransferCheck
{
    private const string Name = "transfers";

    public static string Run(VerificationRun run, string? bundleId, IReadOnlyList<byte[]>? anchors)
    {
        int last = run.Entries.Keys.Select(path => TransferFile.NumberOf(path) ?? 0).DefaultIfEmpty(0).Max();
        string prev = TransferFile.FirstPrev;

        // Who may give next, by certificate; null once that cannot be known.
        List<string>? holders = [.. run.Signers.Select(signer => signer.CertificateSha256)];
        Dictionary<string, string> digests = new(StringComparer.Ordinal);
        for (int number = 1; number <= last; number++)
        {
            string path = TransferFile.PathOf(number);
            if (!run.Entries.ContainsKey(path))
            {
                run.Fail(Name, path, $"the chain has a gap: it is missing, and number {last} is there");
                (prev, holders) = ("", null);
                continue;
            }

            if (run.ReadSmall(Name, path, TransferFile.MaxBytes) is not byte[] bytes)
            {
                (prev, holders) = ("", null);
                continue;
            }

            TransferRecord? record = null;
            try
            {
                record = TransferFile.Parse(bytes);
            }
            catch (FormatException failure)
            {
                run.Fail(Name, path, failure.Message);
            }

            if (record is not null)
            {
                CheckRecord(run, path, record, number, prev, bundleId, digests);
            }

            VerificationSigner? giver = CheckSignature(run, TransferFile.GiverOf(number), bytes, record?.From.CertificateSha256, anchors);
            VerificationSigner? receiver = run.Entries.ContainsKey(TransferFile.ReceiverOf(number))
                ? CheckSignature(run, TransferFile.ReceiverOf(number), bytes, record?.To.CertificateSha256, anchors)
                : null;
            if (giver is not null && holders is not null && !holders.Contains(giver.CertificateSha256))
            {
                run.Fail(Name, TransferFile.GiverOf(number), $"the giver did not hold the bundle: that was the holder of certificate {string.Join(" or ", holders)}");
            }

            holders = (receiver ?? giver) is VerificationSigner holder ? [holder.CertificateSha256] : null;
            prev = Convert.ToHexStringLower(SHA256.HashData(bytes));
            if (record is not null)
            {
                run.Transfers.Add(new VerificationTransfer(
                    number,
                    path,
                    prev,
                    DisplayText.Shorten(record.From.Name, 300),
                    DisplayText.Shorten(record.To.Name, 300),
                    DisplayText.Shorten(record.Purpose, 3000),
                    DisplayText.Shorten(record.Method, 3000),
                    record.HandedOverAt,
                    record.EncryptedTo.Count,
                    giver,
                    receiver));
            }
        }

        int open = run.Transfers.Count(transfer => transfer.Receiver is null);
        return last == 0 ? "none" : open == 0 ? $"{last}" : $"{last}, {open} of them not countersigned by a receiver";
    }

    private static void CheckRecord(VerificationRun run, string path, TransferRecord record, int number, string prev, string? bundleId, Dictionary<string, string> digests)
    {
        if (record.Number != number)
        {
            run.Fail(Name, path, $"it says it is number {record.Number}");
        }

        // Where the record before could not be read, that is the failure.
        if (prev.Length > 0 && record.PrevSha256 != prev)
        {
            run.Fail(Name, path, number == 1 ? "it is the first, and says there is one before it" : "it is not linked to the record before it: prev_sha256 is not that file's SHA-256");
        }

        if (record.BundleId.ToString("D") != bundleId || record.BundleName != run.BagInfo.GetValueOrDefault("External-Identifier")
            || (run.Root is not null && record.TagmanifestSha256 != Convert.ToHexStringLower(SHA256.HashData(run.Root))))
        {
            run.Fail(Name, path, "it is for another bundle");
        }

        if (!record.SealedOk)
        {
            run.Fail(Name, path, "it says the bundle was not verified");
        }

        CheckSealFiles(run, path, record, number, digests);
    }

    private static void CheckSealFiles(VerificationRun run, string path, TransferRecord record, int number, Dictionary<string, string> digests)
    {
        string previous = "";
        HashSet<string> listed = [];
        foreach (string line in record.SealFiles)
        {
            if (TransferFile.ParseLine(line) is not (string sha256, string file) || SealFolder.IsCertificateFile(file) || string.CompareOrdinal(previous, file) >= 0
                || TransferFile.NumberOf(file) >= number)
            {
                run.Fail(Name, path, $"it lists what it cannot: {DisplayText.Shorten(line, 200)}");
                continue;
            }

            previous = file;
            listed.Add(file);
            if (DigestOf(run, file, digests) is not { Length: > 0 } digest)
            {
                run.Fail(Name, file, $"{path} lists it, and it is missing, no regular file, or larger than any file of seal/");
            }
            else if (digest != sha256)
            {
                run.Fail(Name, file, $"its SHA-256 is not the one in {path}");
            }
        }

        // What must have been there is listed; later additions are not known to it.
        foreach (string needed in number == 1 ? [BundleLayout.ResponderSignature] : (string[])[BundleLayout.ResponderSignature, TransferFile.PathOf(number - 1), TransferFile.GiverOf(number - 1)])
        {
            if (!listed.Contains(needed))
            {
                run.Fail(Name, path, $"it does not list {needed}");
            }
        }
    }

    /// <summary>Each file is read once, however many records list it; empty where it cannot be read.</summary>
    private static string DigestOf(VerificationRun run, string file, Dictionary<string, string> digests)
    {
        if (!digests.TryGetValue(file, out string? digest))
        {
            digest = SealFolder.Read(run.Tree, file) is { } content ? Convert.ToHexStringLower(SHA256.HashData(content)) : "";
            digests.Add(file, digest);
        }

        return digest;
    }

    private static VerificationSigner? CheckSignature(VerificationRun run, string path, byte[] record, string? certificateSha256, IReadOnlyList<byte[]>? anchors)
    {
        if (run.ReadSmall(Name, path, CadesSignature.MaxBytes) is not byte[] file)
        {
            return null;
        }

        CadesSignature signature;
        try
        {
            signature = CadesSignature.Verify(file, record);
        }
        catch (FormatException failure)
        {
            run.Fail(Name, path, failure.Message);
            return null;
        }

        VerificationSigner signer = SignatureCheck.Describe(run, Name, path, signature, anchors, out _);
        if (certificateSha256 is not null && certificateSha256 != signer.CertificateSha256)
        {
            run.Fail(Name, path, $"it is signed with certificate {signer.CertificateSha256}, and the record names {DisplayText.Shorten(certificateSha256, 80)}");
        }

        return signer;
    }
}
