using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Evidence.Verification;

/// <summary>Every signature in seal/ is good over the root, the sealed policy is met, and the certificates beside them are those inside them.</summary>
internal static class SignatureCheck
{
    private const string Name = "signature";

    public static string Run(VerificationRun run, IReadOnlyList<byte[]>? anchors)
    {
        List<byte[]> certificates = [];
        Dictionary<string, TimestampToken> tokens = CheckTokens(run);
        foreach (string path in run.Entries.Values
            .Where(entry => entry.Kind == TreeEntryKind.File && entry.Path.StartsWith(BundleLayout.SealPrefix, StringComparison.Ordinal))
            .Select(entry => entry.Path)
            .Where(path => path.EndsWith(".p7s", StringComparison.Ordinal) && path != MlDsaSignature.BundlePath)
            .Order(StringComparer.Ordinal))
        {
            if (run.ReadSmall(Name, path, CadesSignature.MaxBytes) is byte[] file)
            {
                VerifyOne(run, path, file, tokens.GetValueOrDefault(path), anchors, certificates);
            }
        }

        SealPolicy? policy = SealPolicy.Parse(run.BagInfo.GetValueOrDefault("ContainerIR-Seal-Policy", ""));
        if (!run.Entries.ContainsKey(BundleLayout.ResponderSignature))
        {
            run.Fail(Name, BundleLayout.ResponderSignature, "the sealed policy demands it, and it is missing");
        }

        if (policy?.Timestamps == TimestampPolicy.Required && !run.Entries.ContainsKey(BundleLayout.ResponderSignature + ".tsr"))
        {
            run.Fail(Name, BundleLayout.ResponderSignature + ".tsr", "the sealed policy demands a time-stamp token, and it is missing");
        }

        if (policy?.PostQuantum == true && !run.Entries.ContainsKey(MlDsaSignature.BundlePath))
        {
            run.Fail(Name, MlDsaSignature.BundlePath, "the sealed policy demands it, and it is missing");
        }

        CheckPostQuantum(run);
        byte[]? pem = run.ReadSmall(Name, BundleLayout.Certificates, CertificateFile.MaxBytes);
        if (pem is not null && run.Signers.Count > 0 && !pem.AsSpan().SequenceEqual(CertificateFile.Write(certificates)))
        {
            run.Fail(Name, BundleLayout.Certificates, "it does not hold exactly the certificates inside the signatures");
        }

        return run.Signers.Count == 0 ? "no good signature" : string.Join("; ", run.Signers.Select(signer => $"{signer.Subject}: {signer.Trust}"));
    }

    private static void CheckPostQuantum(VerificationRun run)
    {
        if (run.Entries.ContainsKey(MlDsaSignature.BundlePath) && run.ReadSmall(Name, MlDsaSignature.BundlePath, MlDsaSignature.MaxBytes) is byte[] file)
        {
            Try(run, MlDsaSignature.BundlePath, () => MlDsaSignature.Verify(file, run.Root));
        }
    }

    /// <summary>Each token stamps the file it is named for. Whether its authority is trusted, only <c>openssl ts -verify -CAfile</c> judges.</summary>
    /// <returns>The good ones, by the path of the file they stamp.</returns>
    private static Dictionary<string, TimestampToken> CheckTokens(VerificationRun run)
    {
        const string suffix = ".tsr";
        Dictionary<string, TimestampToken> tokens = new(StringComparer.Ordinal);
        List<byte[]> certificates = [];
        foreach (string path in run.Entries.Keys.Where(path => path.StartsWith(BundleLayout.SealPrefix, StringComparison.Ordinal) && path.EndsWith(suffix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            if (run.ReadSmall(Name, path, TimestampToken.MaxBytes) is byte[] token && run.ReadSmall(Name, path[..^suffix.Length], CertificateFile.MaxBytes) is byte[] stamped)
            {
                Try(run, path, () =>
                {
                    TimestampToken good = TimestampToken.Verify(token, SHA256.HashData(stamped));
                    tokens[path[..^suffix.Length]] = good;
                    certificates.AddRange(good.Certificates.Where(der => !certificates.Exists(known => known.AsSpan().SequenceEqual(der))));
                });
            }
        }

        if (run.Entries.ContainsKey(BundleLayout.TokenCertificates)
            && run.ReadSmall(Name, BundleLayout.TokenCertificates, CertificateFile.MaxBytes) is byte[] pem && !pem.AsSpan().SequenceEqual(CertificateFile.Write(certificates)))
        {
            run.Fail(Name, BundleLayout.TokenCertificates, "it does not hold exactly the certificates inside the tokens");
        }

        return tokens;
    }

    private static void Try(VerificationRun run, string path, Action check)
    {
        try
        {
            check();
        }
        catch (FormatException failure)
        {
            run.Fail(Name, path, failure.Message);
        }
    }

    private static void VerifyOne(VerificationRun run, string path, byte[] file, TimestampToken? token, IReadOnlyList<byte[]>? anchors, List<byte[]> certificates)
    {
        CadesSignature signature;
        try
        {
            signature = CadesSignature.Verify(file, run.Root);
        }
        catch (FormatException failure)
        {
            run.Fail(Name, path, failure.Message);
            return;
        }

        certificates.AddRange(signature.Certificates.Where(der => !certificates.Exists(known => known.AsSpan().SequenceEqual(der))));
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(signature.Certificates[0]);

        // A token proves that the signature stood at its time; without one there is only the signer's word.
        DateTimeOffset at = token?.GeneratedAt ?? signature.SignedAt;
        if (SignerTrust.FaultOf(certificate, at) is string fault)
        {
            run.Distrust(Name, path, fault);
        }

        string? notAnchored = anchors is null ? null : WhyNotAnchored(signature, anchors, at);
        if (notAnchored is not null)
        {
            run.Distrust(Name, path, $"the signer's certificate does not lead to the authority given: {DisplayText.Shorten(notAnchored, 300)}");
        }

        string fingerprint = Convert.ToHexStringLower(SHA256.HashData(signature.Certificates[0]));
        bool isAnchored = anchors is not null && notAnchored is null;
        run.Signers.Add(new VerificationSigner(
            path, DisplayText.Shorten(certificate.Subject, 300), fingerprint, signature.SignedAt, at, TimeText(token), isAnchored, TrustText(anchors, isAnchored, fingerprint)));
    }

    private static string? WhyNotAnchored(CadesSignature signature, IReadOnlyList<byte[]> anchors, DateTimeOffset at)
    {
        try
        {
            return SignerTrust.WhyNotAnchored(signature.Certificates, anchors, at);
        }
        catch (CryptographicException failure)
        {
            return failure.Message;
        }
    }

    private static string TimeText(TimestampToken? token) => token is null
        ? "the time the signer claims: no time-stamp token proves it"
        : $"the time of the time-stamp token by {DisplayText.Shorten(token.Authority, 200)}; whether that authority is trusted, the authority file for time stamps decides";

    private static string TrustText(IReadOnlyList<byte[]>? anchors, bool isAnchored, string fingerprint) =>
        isAnchored ? "anchored: the certificate leads to the authority given"
        : anchors is not null ? "not anchored: the certificate does not lead to the authority given"
        : $"not anchored: no authority was given, so the bytes are proven but not who signed them; compare the certificate's SHA-256 {fingerprint} with what the signer tells you by another way, or give --ca";
}
