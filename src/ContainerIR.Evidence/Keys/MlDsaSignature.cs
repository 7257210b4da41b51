using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Time;
using Org.BouncyCastle.Asn1.Nist;
using Org.BouncyCastle.Cms;
using Org.BouncyCastle.Crypto.Operators;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.Utilities.Collections;
using BcCertificate = Org.BouncyCastle.X509.X509Certificate;

namespace ContainerIR.Evidence.Keys;

/// <summary>
/// The second, post-quantum signature: detached CMS with ML-DSA-65 (FIPS 204, RFC 9882) in its own file, <c>seal/0001-responder.mldsa65.p7s</c>.
/// OpenSSL verifies it from version 3.5; Debian 12 has 3.0 and cannot.
/// </summary>
public static class MlDsaSignature
{
    /// <summary>Where it lies in a bundle.</summary>
    public const string BundlePath = "seal/0001-responder.mldsa65.p7s";

    /// <summary>A larger file is refused; real ones have about 9 KiB.</summary>
    public const int MaxBytes = 64 * 1024;

    private static readonly string MlDsa65 = NistObjectIdentifiers.id_ml_dsa_65.Id;
    private static readonly string Sha512 = NistObjectIdentifiers.IdSha512.Id;

    /// <summary>Checks a file against content.</summary>
    /// <returns>DER certificates in it, the signer's own first.</returns>
    /// <exception cref="FormatException">It is no good ML-DSA-65 signature over this content; the message says why.</exception>
    public static IReadOnlyList<byte[]> Verify(ReadOnlyMemory<byte> file, ReadOnlySpan<byte> content)
    {
        if (file.Length > MaxBytes)
        {
            throw new FormatException($"it has more than {MaxBytes} bytes");
        }

        Asn1Shape.Check(file.Span);
        byte[] bytes = content.ToArray();
        try
        {
            CmsSignedData signed = new(new CmsProcessableByteArray(bytes), file.ToArray());
            IList<SignerInformation> signers = signed.GetSignerInfos().GetSigners();
            List<BcCertificate> certificates = [.. signed.GetCertificates().EnumerateMatches(null)];
            if (signers.Count != 1 || signers[0].SignatureAlgorithm.Algorithm.Id != MlDsa65 || signers[0].DigestAlgorithmID.Algorithm.Id != Sha512 || signers[0].SignedAttributes is null)
            {
                throw new FormatException("it is not one signature with ML-DSA-65 over signed attributes with SHA-512");
            }

            BcCertificate own = certificates.Find(signers[0].SignerID.Match) ?? throw new FormatException("the signer's certificate is not in the file");
            if (!signers[0].Verify(own))
            {
                throw new FormatException("the signature value does not match");
            }

            certificates.Remove(own);
            return [own.GetEncoded(), .. certificates.Select(certificate => certificate.GetEncoded())];
        }
        catch (Exception failure) when (failure is not (FormatException or OutOfMemoryException))
        {
            // The parser behind this answers malformed input with exceptions of many kinds: each means "no good signature".
            throw new FormatException($"it is no good ML-DSA-65 signature: {DisplayText.Shorten(failure.Message, 200)}", failure);
        }
    }

    internal static byte[] Create(byte[] content, MLDsaPrivateKeyParameters key, BcCertificate certificate)
    {
        CmsSignedDataGenerator generator = new();
        SignerInfoGenerator signer = new SignerInfoGeneratorBuilder().Build(new Asn1SignatureFactory("ML-DSA-65", key, new SecureRandom()), certificate);
        generator.AddSignerInfoGenerator(signer);
        generator.AddCertificates(CollectionUtilities.CreateStore([certificate]));
        return generator.Generate(new CmsProcessableByteArray(content), encapsulate: false).GetEncoded("DER");
    }
}
