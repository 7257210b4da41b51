using System.Globalization;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Time;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Evidence.Seals;

/// <summary>A witness signed, or did not because the bundle is not as it was sealed.</summary>
/// <param name="Verification">What was found before signing.</param>
/// <param name="File">The signature's file in the bundle; null where it was not made.</param>
public sealed record WitnessResult(VerificationReport Verification, string? File);

/// <summary>A further signature over the signed root, <c>seal/NNNN-witness.p7s</c>: by somebody who saw the acquisition, or who verified the bundle.</summary>
public static class WitnessSignature
{
    private const int MaxNumber = 9999;

    /// <summary>Verifies the whole bundle and signs its root.</summary>
    /// <param name="bundleDirectory">The sealed bundle.</param>
    /// <param name="witness">The keys.</param>
    /// <param name="authorities">Asked for a token over the signature; null for nobody.</param>
    /// <param name="options">Trust and progress of the verification.</param>
    /// <param name="clock">Time.</param>
    /// <param name="ct">Cancels; what is begun is ended.</param>
    /// <exception cref="OperatorException">This certificate signed already, or no authority gave a good token: nothing was written.</exception>
    /// <exception cref="BundleWriteException">The signature cannot be written.</exception>
    public static async Task<WitnessResult> AddAsync(
        string bundleDirectory, ResponderIdentity witness, TimestampClient? authorities, VerifyOptions options, TimeProvider clock, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(witness);
        ArgumentNullException.ThrowIfNull(clock);
        VerificationReport report = await BundleVerifier.VerifyAsync(bundleDirectory, options, ct);
        if (report.Verdict != Verdict.Verified)
        {
            return new WitnessResult(report, null);
        }

        if (report.Signers.FirstOrDefault(signer => signer.CertificateSha256 == witness.CertificateSha256) is VerificationSigner signed)
        {
            throw new OperatorException($"This identity signed the bundle already: {signed.File}.", "A witness is somebody else: choose another identity with --home, --p12 or --pkcs11.");
        }

        int number = report.Signers.Select(signer => SealFolder.NumberOf(signer.File)).Max() + 1;
        if (number > MaxNumber)
        {
            throw new OperatorException($"The bundle has {MaxNumber} signatures.", "No more can be added.");
        }

        byte[] root;
        using (BundleTree tree = BundleTree.Open(bundleDirectory))
        {
            root = SealFolder.Read(tree, BundleLayout.TagManifest) ?? throw new OperatorException($"{bundleDirectory} changed while it was verified.", $"See what is wrong: cir verify {bundleDirectory}");
        }

        string path = string.Create(CultureInfo.InvariantCulture, $"{BundleLayout.SealPrefix}{number:0000}-witness.p7s");
        byte[] signature = CadesSignature.Create(root, witness.Signer, clock.GetUtcNow());
        SealFolder.Add(bundleDirectory, [new SealAddition(path, signature), .. await SealTimestamp.RequestAsync(path, signature, authorities, ct)]);
        return new WitnessResult(report, path);
    }
}
