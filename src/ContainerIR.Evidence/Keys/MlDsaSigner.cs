using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence.Seals;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Operators;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Pkcs;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.X509;
using BcCertificate = Org.BouncyCastle.X509.X509Certificate;

namespace ContainerIR.Evidence.Keys;

/// <summary>
/// The post-quantum key of a responder: <c>responder-mldsa65-key.pem</c> (encrypted PKCS#8) and <c>responder-mldsa65-cert.pem</c> (self-signed, RFC 9881)
/// in the identity folder.
/// </summary>
public sealed class MlDsaSigner
{
    private const string KeyFile = "responder-mldsa65-key.pem";
    private const string CertificateName = "responder-mldsa65-cert.pem";
    private const string Label = "ENCRYPTED PRIVATE KEY";
    private const int ValidYears = 5;

    private readonly MLDsaPrivateKeyParameters key;
    private readonly BcCertificate certificate;

    private MlDsaSigner(MLDsaPrivateKeyParameters key, BcCertificate certificate)
    {
        this.key = key;
        this.certificate = certificate;
    }

    /// <summary>The certificate, DER.</summary>
    public byte[] Certificate => certificate.GetEncoded();

    /// <summary>True when the folder holds such a key.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, KeyFile));

    /// <summary>The certificate in the folder, DER; null where there is none. Needs no passphrase.</summary>
    /// <exception cref="OperatorException">It cannot be read.</exception>
    public static byte[]? ReadCertificate(string folder)
    {
        try
        {
            string path = Path.Combine(folder, CertificateName);
            return File.Exists(path) && CertificateFile.Read(File.ReadAllText(path)) is [byte[] certificate, ..] ? certificate : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new OperatorException($"The ML-DSA certificate in {folder} cannot be read: {failure.Message}", "Make the folder readable for you.", failure);
        }
    }

    /// <summary>Makes key and certificate.</summary>
    /// <param name="folder">The identity folder; it must be there.</param>
    /// <param name="subject">Whom the certificate names.</param>
    /// <param name="passphrase">Encrypts the key.</param>
    /// <param name="at">Now; the certificate is valid from a day before, for five years.</param>
    /// <exception cref="OperatorException">There is such a key already, the passphrase is empty, or the folder cannot be written.</exception>
    public static MlDsaSigner Create(string folder, ResponderSubject subject, ReadOnlySpan<char> passphrase, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(subject);
        if (passphrase.IsEmpty)
        {
            throw new OperatorException("The passphrase is empty.", "Give one: the key signs evidence in your name.");
        }

        MLDsaKeyPairGenerator generator = new();
        generator.Init(new MLDsaKeyGenerationParameters(new SecureRandom(), MLDsaParameters.ml_dsa_65));
        AsymmetricCipherKeyPair pair = generator.GenerateKeyPair();
        MLDsaPrivateKeyParameters key = (MLDsaPrivateKeyParameters)pair.Private;
        BcCertificate certificate = SelfSign(pair, subject, at);
        byte[] pkcs8 = PrivateKeyInfoFactory.CreatePrivateKeyInfo(key).GetEncoded();
        try
        {
            WriteNew(Path.Combine(folder, CertificateName), PemEncoding.WriteString("CERTIFICATE", certificate.GetEncoded()));
            WriteNew(Path.Combine(folder, KeyFile), PemEncoding.WriteString(Label, EncryptedPkcs8.Encrypt(pkcs8, passphrase)));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The ML-DSA key cannot be written to {folder}: {failure.Message}", "Choose an identity folder without one that you may write to: keys are never overwritten.", failure);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pkcs8);
        }

        return new MlDsaSigner(key, certificate);
    }

    /// <summary>Reads key and certificate.</summary>
    /// <exception cref="OperatorException">There are none, a file is damaged, or the passphrase is wrong.</exception>
    public static MlDsaSigner Load(string folder, ReadOnlySpan<char> passphrase)
    {
        try
        {
            string keyText = File.ReadAllText(Path.Combine(folder, KeyFile));
            string certificateText = File.ReadAllText(Path.Combine(folder, CertificateName));
            byte[] pkcs8 = EncryptedPkcs8.Decrypt(Convert.FromBase64String(keyText[PemEncoding.Find(keyText).Base64Data]), passphrase);
            BcCertificate certificate = new(Convert.FromBase64String(certificateText[PemEncoding.Find(certificateText).Base64Data]));
            AsymmetricKeyParameter key = PrivateKeyFactory.CreateKey(pkcs8);
            CryptographicOperations.ZeroMemory(pkcs8);
            return key is MLDsaPrivateKeyParameters mlDsa && mlDsa.Parameters == MLDsaParameters.ml_dsa_65 && mlDsa.GetPublicKey().Equals(certificate.GetPublicKey())
                ? new MlDsaSigner(mlDsa, certificate)
                : throw new CryptographicException("key and certificate do not belong together");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"There is no ML-DSA key to read: {failure.Message}", "Make one with: cir keys new --pq", failure);
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException or FormatException or GeneralSecurityException)
        {
            throw new OperatorException(
                $"The ML-DSA key in {folder} does not open: the passphrase is wrong or a file is damaged ({failure.Message}).", "Type the passphrase given when it was made.", failure);
        }
    }

    /// <summary>Signs content.</summary>
    /// <returns>The DER file for <see cref="MlDsaSignature.BundlePath"/>.</returns>
    public byte[] Sign(ReadOnlySpan<byte> content) => MlDsaSignature.Create(content.ToArray(), key, certificate);

    private static BcCertificate SelfSign(AsymmetricCipherKeyPair pair, ResponderSubject subject, DateTimeOffset at)
    {
        List<Org.BouncyCastle.Asn1.DerObjectIdentifier> types = [X509Name.CN];
        List<string> values = [subject.Name];
        if (!string.IsNullOrEmpty(subject.Organisation))
        {
            types.Add(X509Name.O);
            values.Add(subject.Organisation);
        }

        X509Name name = new(types, values);
        X509V3CertificateGenerator generator = new();
        generator.SetSerialNumber(new BigInteger(1, RandomNumberGenerator.GetBytes(16)));
        generator.SetIssuerDN(name);
        generator.SetSubjectDN(name);
        generator.SetNotBefore(at.AddDays(-1).UtcDateTime);
        generator.SetNotAfter(at.AddYears(ValidYears).UtcDateTime);
        generator.SetPublicKey(pair.Public);
        generator.AddExtension(X509Extensions.BasicConstraints, true, new BasicConstraints(false));
        generator.AddExtension(X509Extensions.KeyUsage, true, new KeyUsage(KeyUsage.DigitalSignature | KeyUsage.NonRepudiation));
        generator.AddExtension(X509Extensions.ExtendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeID.id_kp_emailProtection));
        return generator.Generate(new Asn1SignatureFactory("ML-DSA-65", pair.Private, new SecureRandom()));
    }

    private static void WriteNew(string path, string text)
    {
        using FileStream file = new(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        file.Write(Encoding.ASCII.GetBytes(text + "\n"));
        file.Flush(flushToDisk: true);
    }
}
