using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ContainerIR.Evidence.Seals;

/// <summary>
/// A detached CMS signature (RFC 5652) of the profile CAdES-BES (ETSI EN 319 122-1): one signer, ECDSA P-256 with SHA-256, signing time, and
/// signingCertificateV2, which binds the certificate. Given the certificates, the time and the signature value there is exactly one encoding;
/// a file that differs from it in any byte is refused, so nothing can hide in what CMS leaves unsigned.
/// </summary>
/// <param name="Certificates">DER certificates in the file, the signer's own first.</param>
/// <param name="SignedAt">The signing time the signer claims (UTC, whole seconds).</param>
internal sealed record CadesSignature(IReadOnlyList<byte[]> Certificates, DateTimeOffset SignedAt)
{
    public const int MaxBytes = 256 * 1024;

    private static readonly Asn1Tag Context0 = new(TagClass.ContextSpecific, 0, isConstructed: true);

    /// <summary>Signs content.</summary>
    /// <returns>The DER file.</returns>
    public static byte[] Create(ReadOnlySpan<byte> content, ISealSigner signer, DateTimeOffset at)
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(signer.Certificates[0]);
        byte[] attributes = EncodeAttributes(SHA256.HashData(content), certificate, at);
        return Encode(signer.Certificates, certificate, attributes, signer.Sign(attributes));
    }

    /// <summary>Checks a file against content. Trust in the certificate is another question: <see cref="SignerTrust"/>.</summary>
    /// <exception cref="FormatException">It is not a good signature over this content; the message says why.</exception>
    public static CadesSignature Verify(ReadOnlyMemory<byte> file, ReadOnlySpan<byte> content)
    {
        try
        {
            (List<byte[]> certificates, byte[] issuer, byte[] serial, DateTimeOffset at, byte[] signature) = Parse(file);
            int own = certificates.FindIndex(der => IsOf(der, issuer, serial));
            if (own < 0)
            {
                throw new FormatException("the signer's certificate is not in the file");
            }

            certificates.Insert(0, certificates[own]);
            certificates.RemoveAt(own + 1);
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(certificates[0]);
            byte[] attributes = EncodeAttributes(SHA256.HashData(content), certificate, at);
            if (!Encode(certificates, certificate, attributes, signature).AsSpan().SequenceEqual(file.Span))
            {
                throw new FormatException("it does not sign this content, or is not encoded as this format demands");
            }

            using ECDsa key = certificate.GetECDsaPublicKey() ?? throw new FormatException("the certificate holds no elliptic-curve key");
            if (key.ExportParameters(false).Curve.Oid.Value != Oids.P256)
            {
                throw new FormatException("the key is not on the curve P-256");
            }

            return key.VerifyData(attributes, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
                ? new CadesSignature(certificates, at)
                : throw new FormatException("the signature value does not match");
        }
        catch (Exception failure) when (failure is AsnContentException or CryptographicException or ArgumentException)
        {
            throw new FormatException(failure.Message, failure);
        }
    }

    /// <summary>The certificates in a file, the signer's own first; nothing is verified.</summary>
    /// <exception cref="FormatException">It is no such file.</exception>
    public static IReadOnlyList<byte[]> CertificatesOf(ReadOnlyMemory<byte> file)
    {
        try
        {
            (List<byte[]> certificates, byte[] issuer, byte[] serial, _, _) = Parse(file);
            int own = certificates.FindIndex(der => IsOf(der, issuer, serial));
            return own < 0
                ? throw new FormatException("the signer's certificate is not in the file")
                : [certificates[own], .. certificates.Where((_, i) => i != own)];
        }
        catch (Exception failure) when (failure is AsnContentException or CryptographicException or ArgumentException)
        {
            throw new FormatException(failure.Message, failure);
        }
    }

    private static bool IsOf(byte[] der, byte[] issuer, byte[] serial)
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der);
        return certificate.IssuerName.RawData.AsSpan().SequenceEqual(issuer) && certificate.SerialNumberBytes.Span.SequenceEqual(serial);
    }

    /// <summary>Takes out what the encoding is free in; everything else is compared by encoding again.</summary>
    private static (List<byte[]> Certificates, byte[] Issuer, byte[] Serial, DateTimeOffset At, byte[] Signature) Parse(ReadOnlyMemory<byte> file)
    {
        AsnReader contentInfo = new AsnReader(file, AsnEncodingRules.DER).ReadSequence();
        contentInfo.ReadObjectIdentifier();
        AsnReader signedData = contentInfo.ReadSequence(Context0).ReadSequence();
        signedData.ReadInteger();
        signedData.ReadSetOf();
        signedData.ReadSequence();
        AsnReader certificateSet = signedData.ReadSetOf(Context0);
        List<byte[]> certificates = [];
        while (certificateSet.HasData && certificates.Count < 16)
        {
            certificates.Add(certificateSet.ReadEncodedValue().ToArray());
        }

        AsnReader signerInfo = signedData.ReadSetOf().ReadSequence();
        signerInfo.ReadInteger();
        AsnReader sid = signerInfo.ReadSequence();
        byte[] issuer = sid.ReadEncodedValue().ToArray();
        byte[] serial = sid.ReadIntegerBytes().ToArray();
        signerInfo.ReadSequence();
        AsnReader attributes = signerInfo.ReadSetOf(Context0);
        DateTimeOffset? at = null;
        while (attributes.HasData)
        {
            AsnReader attribute = attributes.ReadSequence();
            if (attribute.ReadObjectIdentifier() == Oids.SigningTime)
            {
                at = attribute.ReadSetOf().ReadUtcTime();
            }
        }

        signerInfo.ReadSequence();
        return (certificates, issuer, serial, at ?? throw new FormatException("it has no signing time"), signerInfo.ReadOctetString());
    }

    /// <summary>The signed attributes as the signature covers them: a SET OF in DER (RFC 5652 section 5.4).</summary>
    private static byte[] EncodeAttributes(byte[] contentSha256, X509Certificate2 certificate, DateTimeOffset at)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSetOf())
        {
            Attribute(Oids.ContentType, () => writer.WriteObjectIdentifier(Oids.Data));
            Attribute(Oids.SigningTime, () => writer.WriteUtcTime(at, 2049));
            Attribute(Oids.MessageDigest, () => writer.WriteOctetString(contentSha256));
            Attribute(Oids.SigningCertificateV2, () =>
            {
                using (writer.PushSequence())
                using (writer.PushSequence())
                using (writer.PushSequence())
                {
                    // hashAlgorithm is SHA-256 by default and must then be left out.
                    writer.WriteOctetString(SHA256.HashData(certificate.RawData));
                    using (writer.PushSequence())
                    {
                        using (writer.PushSequence())
                        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 4, isConstructed: true)))
                        {
                            writer.WriteEncodedValue(certificate.IssuerName.RawData);
                        }

                        writer.WriteInteger(certificate.SerialNumberBytes.Span);
                    }
                }
            });
        }

        return writer.Encode();

        void Attribute(string type, Action value)
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(type);
                using (writer.PushSetOf())
                {
                    value();
                }
            }
        }
    }

    private static byte[] Encode(IReadOnlyList<byte[]> certificates, X509Certificate2 certificate, byte[] attributes, byte[] signature)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.SignedData);
            using (writer.PushSequence(Context0))
            using (writer.PushSequence())
            {
                writer.WriteInteger(1);
                using (writer.PushSetOf())
                {
                    Algorithm(Oids.Sha256);
                }

                Algorithm(Oids.Data);
                using (writer.PushSetOf(Context0))
                {
                    foreach (byte[] der in certificates)
                    {
                        writer.WriteEncodedValue(der);
                    }
                }

                using (writer.PushSetOf())
                using (writer.PushSequence())
                {
                    writer.WriteInteger(1);
                    using (writer.PushSequence())
                    {
                        writer.WriteEncodedValue(certificate.IssuerName.RawData);
                        writer.WriteInteger(certificate.SerialNumberBytes.Span);
                    }

                    Algorithm(Oids.Sha256);

                    // [0] IMPLICIT SET OF: the same bytes with another tag.
                    byte[] tagged = [0xA0, .. attributes.AsSpan(1)];
                    writer.WriteEncodedValue(tagged);
                    Algorithm(Oids.EcdsaWithSha256);
                    writer.WriteOctetString(signature);
                }
            }
        }

        return writer.Encode();

        void Algorithm(string oid)
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(oid);
            }
        }
    }
}
