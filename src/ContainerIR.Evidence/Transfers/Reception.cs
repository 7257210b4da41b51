using System.Security.Cryptography;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Time;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Evidence.Transfers;

/// <summary>The receiver's side of a transfer of custody.</summary>
public static class Reception
{
    /// <summary>Verifies the whole bundle and countersigns the last record.</summary>
    /// <param name="bundleDirectory">The bundle as it was received.</param>
    /// <param name="receiver">The keys of who receives it.</param>
    /// <param name="authorities">Asked for a token over the signature; null for nobody.</param>
    /// <param name="options">Trust and progress of the verification.</param>
    /// <param name="clock">Time.</param>
    /// <param name="ct">Cancels; what is begun is ended.</param>
    /// <returns>The verification, and the record that was countersigned where the bundle is as it was sealed.</returns>
    /// <exception cref="OperatorException">
    /// Nothing was handed over, it was received already or is for somebody else, or no authority gave a good token: nothing was written.
    /// </exception>
    /// <exception cref="BundleWriteException">The signature cannot be written.</exception>
    public static async Task<TransferResult> CountersignAsync(
        string bundleDirectory, ResponderIdentity receiver, TimestampClient? authorities, VerifyOptions options, TimeProvider clock, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        ArgumentNullException.ThrowIfNull(clock);
        VerificationReport report = await BundleVerifier.VerifyAsync(bundleDirectory, options, ct);
        if (report.Verdict != Verdict.Verified)
        {
            return new TransferResult(report);
        }

        if (report.Transfers.Count == 0)
        {
            throw new OperatorException($"{bundleDirectory} was not handed over to anybody.", "The giver records it first: cir handover BUNDLE --to NAME --purpose TEXT --method TEXT");
        }

        VerificationTransfer last = report.Transfers[^1];
        if (last.Receiver is not null)
        {
            throw new OperatorException($"{last.File} is countersigned already, by {last.Receiver.Subject}.", "To pass it on: cir handover. To see the chain: cir custody BUNDLE");
        }

        byte[] bytes;
        using (BundleTree tree = BundleTree.Open(bundleDirectory))
        {
            bytes = SealFolder.Read(tree, last.File) ?? throw Changed(bundleDirectory);
        }

        if (Convert.ToHexStringLower(SHA256.HashData(bytes)) != last.RecordSha256)
        {
            throw Changed(bundleDirectory);
        }

        TransferRecord record = TransferFile.Parse(bytes);
        if (record.To.CertificateSha256 is { } meant && meant != receiver.CertificateSha256)
        {
            throw new OperatorException(
                $"{last.File} is for the holder of certificate {meant}; this identity has {receiver.CertificateSha256}.", "Receive with that key (--home, --p12, --pkcs11), or send the bundle on to whom it is for.");
        }

        if (last.Giver?.CertificateSha256 == receiver.CertificateSha256)
        {
            throw new OperatorException("This identity gave the bundle: it cannot receive it too.", "The receiver countersigns with a key of their own; cir keys new makes one.");
        }

        DateTimeOffset at = clock.GetUtcNow();
        string path = TransferFile.ReceiverOf(last.Number);
        byte[] signature = CadesSignature.Create(bytes, receiver.Signer, at);
        IReadOnlyList<SealAddition> token = await SealTimestamp.RequestAsync(path, signature, authorities, ct);
        SealFolder.Add(bundleDirectory, [new SealAddition(path, signature), .. token]);
        return new TransferResult(report, record, last.File, last.RecordSha256)
        {
            SignatureSha256 = Convert.ToHexStringLower(SHA256.HashData(signature)),
            ReceivedAt = DateTimeOffset.FromUnixTimeSeconds(at.ToUnixTimeSeconds()),
        };
    }

    private static OperatorException Changed(string bundle) => new($"{bundle} changed while it was verified.", $"See what is wrong: cir verify {bundle}");
}
