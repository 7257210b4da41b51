using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ContainerIR.Evidence.Seals;

/// <summary>Whether a signer's certificate is fit for its use, and whether it leads to a certificate the examiner named.</summary>
internal static class SignerTrust
{
    /// <summary>What is wrong with the certificate itself; null when nothing is.</summary>
    public static string? FaultOf(X509Certificate2 certificate, DateTimeOffset at)
    {
        if (at < certificate.NotBefore || at > certificate.NotAfter)
        {
            return $"the certificate is valid from {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u}, not at {at.ToUniversalTime():u}";
        }

        foreach (X509Extension extension in certificate.Extensions)
        {
            if (extension is X509KeyUsageExtension usage && (usage.KeyUsages & (X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation)) == 0)
            {
                return "the certificate is not for signatures (keyUsage)";
            }

            if (extension is X509EnhancedKeyUsageExtension extended && !extended.EnhancedKeyUsages.Cast<Oid>().Any(oid => oid.Value == Oids.EmailProtection))
            {
                return "the certificate is not for signed documents (extendedKeyUsage lacks emailProtection)";
            }
        }

        return null;
    }

    /// <summary>Why the certificate does not lead to one of the anchors; null when it does. Nothing is fetched from any network.</summary>
    public static string? WhyNotAnchored(IReadOnlyList<byte[]> certificates, IReadOnlyList<byte[]> anchors, DateTimeOffset at, string usage = Oids.EmailProtection)
    {
        using X509Certificate2 signer = X509CertificateLoader.LoadCertificate(certificates[0]);
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = at.LocalDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(usage));
        foreach (byte[] der in anchors)
        {
            chain.ChainPolicy.CustomTrustStore.Add(X509CertificateLoader.LoadCertificate(der));
        }

        foreach (byte[] der in certificates.Skip(1))
        {
            chain.ChainPolicy.ExtraStore.Add(X509CertificateLoader.LoadCertificate(der));
        }

        return chain.Build(signer)
            ? null
            : string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct().DefaultIfEmpty("no chain"));
    }
}
