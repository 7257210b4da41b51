using System.Formats.Asn1;
using System.Net.Mail;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Evidence.Keys;

/// <summary>A request for a certificate (PKCS#10, RFC 2986) for an organisation's CA. It asks for what a seal needs.</summary>
public static class SigningRequest
{
    /// <summary>Makes it, in PEM.</summary>
    /// <param name="subject">Whom the certificate is to name.</param>
    /// <param name="subjectPublicKeyInfo">The P-256 public key (RFC 5280).</param>
    /// <param name="sign">Signs content with the key: ECDSA over its SHA-256, DER. <see cref="ISealSigner.Sign"/> fits.</param>
    public static string Create(ResponderSubject subject, ReadOnlySpan<byte> subjectPublicKeyInfo, Func<byte[], byte[]> sign)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(sign);
        X500DistinguishedNameBuilder name = new();
        name.AddCommonName(subject.Name);
        if (!string.IsNullOrEmpty(subject.Organisation))
        {
            name.AddOrganizationName(subject.Organisation);
        }

        PublicKey publicKey = PublicKey.CreateFromSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
        CertificateRequest request = new(name.Build(), publicKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(Oids.EmailProtection)], critical: false));
        if (MailAddress.TryCreate(subject.Email, out MailAddress? address))
        {
            SubjectAlternativeNameBuilder alternative = new();
            alternative.AddEmailAddress(address.Address);
            request.CertificateExtensions.Add(alternative.Build());
        }

        return request.CreateSigningRequestPem(new ElsewhereGenerator(publicKey, sign)) + "\n";
    }

    /// <summary>Makes it for the key of a signer that has a certificate already (a self-signed one, or one to be renewed).</summary>
    public static string Create(ResponderSubject subject, ISealSigner signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(signer.Certificates[0]);
        return Create(subject, certificate.PublicKey.ExportSubjectPublicKeyInfo(), content => signer.Sign(content));
    }

    /// <summary>Lets .NET encode what a key it never sees signs.</summary>
    private sealed class ElsewhereGenerator(PublicKey publicKey, Func<byte[], byte[]> sign) : X509SignatureGenerator
    {
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm)
        {
            AsnWriter writer = new(AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Oids.EcdsaWithSha256);
            }

            return writer.Encode();
        }

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => sign(data);

        protected override PublicKey BuildPublicKey() => publicKey;
    }
}
