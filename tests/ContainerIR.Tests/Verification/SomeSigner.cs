using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Tests.Verification;

/// <summary>Signers with certificates of any kind, fit or unfit.</summary>
internal static class SomeSigner
{
    public const string EmailProtection = "1.3.6.1.5.5.7.3.4";
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    public static ISealSigner SelfSigned(
        DateTimeOffset from, DateTimeOffset to, string usage = EmailProtection, X509KeyUsageFlags flags = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation, ECCurve? curve = null)
    {
        ECDsa key = ECDsa.Create(curve ?? ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = Request(key, "Jane Examiner", usage, flags).CreateSelfSigned(from, to);
        return new FileSigner(key, [certificate.RawData]);
    }

    /// <summary>A signer with a certificate of an authority; the authority's own is the second.</summary>
    public static ISealSigner Issued(DateTimeOffset from, DateTimeOffset to)
    {
        using ECDsa authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest authority = new("O=Some Agency, CN=Some Agency Root", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        authority.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        authority.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(authority.PublicKey, false));
        using X509Certificate2 root = authority.CreateSelfSigned(from, to);
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = Request(key, "Jane Examiner", EmailProtection, X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation).Create(root, from, to, [0x12, 0x34, 0x56]);
        return new FileSigner(key, [certificate.RawData, root.RawData]);
    }

    private static CertificateRequest Request(ECDsa key, string name, string usage, X509KeyUsageFlags flags)
    {
        CertificateRequest request = new($"O=Some Agency, CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(flags, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        return request;
    }
}
