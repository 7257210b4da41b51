using System.Security.Cryptography;
using ContainerIR.Evidence.Encryption;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Time;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Evidence.Transfers;

/// <summary>What the giver says of a transfer.</summary>
public sealed record HandoverRequest
{
    /// <summary>Who is to receive.</summary>
    public required string To { get; init; }

    /// <summary>SHA-256 of the receiver's certificate, where the giver knows it: then nobody else can countersign.</summary>
    public string? ToCertificateSha256 { get; init; }

    /// <summary>What for.</summary>
    public required string Purpose { get; init; }

    /// <summary>How it travels.</summary>
    public required string Method { get; init; }

    /// <summary>Name of the giver; null for the one in the certificate.</summary>
    public string? From { get; init; }

    /// <summary>To whom the transport will be encrypted.</summary>
    public IReadOnlyList<AgeRecipient> EncryptedTo { get; init; } = [];
}

/// <summary>A handover was recorded, or not because the bundle is not as it was sealed.</summary>
/// <param name="Verification">What was found before.</param>
/// <param name="Record">The record; null where none was made.</param>
/// <param name="File">Its file in the bundle.</param>
/// <param name="RecordSha256">Its digest.</param>
public sealed record TransferResult(VerificationReport Verification, TransferRecord? Record = null, string? File = null, string? RecordSha256 = null)
{
    /// <summary>SHA-256 of the signature that was made; null where none was.</summary>
    public string? SignatureSha256 { get; init; }

    /// <summary>When the countersigning receiver signed; null at a handover.</summary>
    public DateTimeOffset? ReceivedAt { get; init; }
}

/// <summary>The giver's side of a transfer of custody.</summary>
public static class Handover
{
    /// <summary>Verifies the whole bundle, writes the next record and signs it.</summary>
    /// <param name="bundleDirectory">The sealed bundle.</param>
    /// <param name="request">To whom, what for, how.</param>
    /// <param name="giver">The keys of who holds the bundle.</param>
    /// <param name="authorities">Asked for a token over the signature; null for nobody.</param>
    /// <param name="options">Trust and progress of the verification.</param>
    /// <param name="clock">Time.</param>
    /// <param name="ct">Cancels; what is begun is ended.</param>
    /// <exception cref="OperatorException">The request is not complete, the giver does not hold the bundle, or no authority gave a good token: nothing was written.</exception>
    /// <exception cref="BundleWriteException">The record cannot be written.</exception>
    public static async Task<TransferResult> WriteAsync(
        string bundleDirectory, HandoverRequest request, ResponderIdentity giver, TimestampClient? authorities, VerifyOptions options, TimeProvider clock, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(giver);
        ArgumentNullException.ThrowIfNull(clock);
        Check(request);
        VerificationReport report = await BundleVerifier.VerifyAsync(bundleDirectory, options, ct);
        if (report.Verdict != Verdict.Verified)
        {
            return new TransferResult(report);
        }

        CheckHolder(report, giver);
        int number = report.Transfers.Count + 1;
        if (number > TransferFile.MaxNumber)
        {
            throw new OperatorException($"The bundle was handed over {TransferFile.MaxNumber} times.", "No more transfers can be recorded.");
        }

        DateTimeOffset at = clock.GetUtcNow();
        TransferRecord record = new()
        {
            Schema = TransferRecord.SchemaName,
            Number = number,
            PrevSha256 = report.Transfers.Count == 0 ? TransferFile.FirstPrev : report.Transfers[^1].RecordSha256,
            BundleId = Guid.Parse(report.BundleId!),
            BundleName = report.BundleName!,
            TagmanifestSha256 = report.RootSha256!,
            SealedOk = true,
            From = new TransferParty { Name = request.From ?? giver.Name, CertificateSha256 = giver.CertificateSha256 },
            To = new TransferParty { Name = request.To, CertificateSha256 = request.ToCertificateSha256 },
            Purpose = request.Purpose,
            Method = request.Method,
            HandedOverAt = DateTimeOffset.FromUnixTimeSeconds(at.ToUnixTimeSeconds()),
            EncryptedTo = [.. request.EncryptedTo.Select(recipient => recipient.ToString())],
            SealFiles = ListSeal(bundleDirectory),
            Certification = Certification.OfTransfer(report, request.From ?? giver.Name, request.To, number),
        };
        byte[] bytes = TransferFile.Write(record);
        byte[] signature = CadesSignature.Create(bytes, giver.Signer, at);
        IReadOnlyList<SealAddition> token = await SealTimestamp.RequestAsync(TransferFile.GiverOf(number), signature, authorities, ct);
        SealFolder.Add(bundleDirectory, [new SealAddition(TransferFile.GiverOf(number), signature), .. token, new SealAddition(TransferFile.PathOf(number), bytes)]);
        return new TransferResult(report, record, TransferFile.PathOf(number), Convert.ToHexStringLower(SHA256.HashData(bytes)))
        {
            SignatureSha256 = Convert.ToHexStringLower(SHA256.HashData(signature)),
        };
    }

    private static void Check(HandoverRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        foreach ((string? text, string option, int limit) in ((string?, string, int)[])[
            (request.To, "--to", TransferFile.MaxNameCharacters), (request.From ?? "x", "--from", TransferFile.MaxNameCharacters),
            (request.Purpose, "--purpose", TransferFile.MaxTextCharacters), (request.Method, "--method", TransferFile.MaxTextCharacters)])
        {
            if (string.IsNullOrWhiteSpace(text) || text.Length > limit || text.Any(char.IsControl))
            {
                throw new OperatorException($"The text of {option} is empty, longer than {limit} characters, or has control characters.", $"Say it in one line: {option} TEXT");
            }
        }

        if (request.ToCertificateSha256 is { } fingerprint && (fingerprint.Length != 64 || !fingerprint.All(c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'))))
        {
            throw new OperatorException("The receiver's certificate is not named by its SHA-256.", "Give the 64 digits that cir keys show prints at the receiver: --to-certificate SHA256");
        }
    }

    private static void CheckHolder(VerificationReport report, ResponderIdentity giver)
    {
        IReadOnlyList<string> holders = report.Transfers.Count == 0
            ? [.. report.Signers.Select(signer => signer.CertificateSha256)]
            : [(report.Transfers[^1].Receiver ?? report.Transfers[^1].Giver)!.CertificateSha256];
        if (!holders.Contains(giver.CertificateSha256))
        {
            throw new OperatorException(
                $"This identity does not hold the bundle: its certificate is {giver.CertificateSha256}, the holder's is {string.Join(" or ", holders)}.",
                report.Transfers.Count == 0 ? "Give with the key that sealed or witnessed it (--home, --p12, --pkcs11)." : "Give with the key that received it last (--home, --p12, --pkcs11); cir custody BUNDLE shows whose that is.");
        }
    }

    private static List<string> ListSeal(string bundleDirectory)
    {
        using BundleTree tree = BundleTree.Open(bundleDirectory);
        List<string> lines = [];
        foreach (string path in SealFolder.Files(tree).Where(path => !SealFolder.IsCertificateFile(path)))
        {
            byte[] content = SealFolder.Read(tree, path) ?? throw new OperatorException($"{path} in {bundleDirectory} is too large.", $"See what is wrong: cir verify {bundleDirectory}");
            lines.Add($"{Convert.ToHexStringLower(SHA256.HashData(content))}  {path}");
        }

        return lines;
    }
}
