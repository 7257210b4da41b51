using System.Formats.Asn1;
using System.Net.Mail;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ContainerIR.Evidence.Seals;

/// <summary>Who a new identity names.</summary>
/// <param name="Name">Name of the responder: the certificate's common name.</param>
/// <param name="Organisation">Organisation, or null.</param>
/// <param name="Email">Address for the certificate's subjectAltName, or null.</param>
public sealed record ResponderSubject(string Name, string? Organisation = null, string? Email = null);

/// <summary>
/// Where a responder's keys lie: <c>responder-key.pem</c> (ECDSA P-256) and <c>checkpoint-key.pem</c> (Ed25519), both encrypted PKCS#8 that
/// OpenSSL 3.0 reads, and <c>responder-cert.pem</c>, to which an organisation may append the chain that issued it.
/// </summary>
public static class IdentityFolder
{
    private const string KeyFile = "responder-key.pem";
    internal const string CertificateName = "responder-cert.pem";
    private const string CheckpointFile = "checkpoint-key.pem";
    private const int ValidYears = 5;

    /// <summary>True when the folder holds an identity.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, KeyFile));

    /// <summary>Makes new keys and a self-signed certificate.</summary>
    /// <param name="folder">Made with mode 0700 when missing.</param>
    /// <param name="subject">Whom the certificate names.</param>
    /// <param name="passphrase">Encrypts both private keys.</param>
    /// <param name="at">Now; the certificate is valid from a day before, for five years.</param>
    /// <exception cref="OperatorException">An identity is there already, the passphrase is empty, or the folder cannot be written.</exception>
    public static ResponderIdentity Create(string folder, ResponderSubject subject, ReadOnlySpan<char> passphrase, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(subject);
        if (Exists(folder))
        {
            throw new OperatorException($"{folder} holds an identity already.", "Use it, or choose another folder: keys are never overwritten.");
        }

        if (passphrase.IsEmpty)
        {
            throw new OperatorException("The passphrase is empty.", "Give one: the key signs evidence in your name.");
        }

        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] certificate = SelfSign(key, subject, at);
        byte[] seed = RandomNumberGenerator.GetBytes(CheckpointKey.KeyBytes);
        PbeParameters encryption = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, EncryptedPkcs8.Iterations);
        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            WriteNew(Path.Combine(folder, CheckpointFile), PemEncoding.WriteString("ENCRYPTED PRIVATE KEY", EncryptedPkcs8.Encrypt(Ed25519Pkcs8(seed), passphrase)));
            WriteNew(Path.Combine(folder, CertificateName), PemEncoding.WriteString("CERTIFICATE", certificate));
            WriteNew(Path.Combine(folder, KeyFile), key.ExportEncryptedPkcs8PrivateKeyPem(passphrase, encryption));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The keys cannot be written to {folder}: {failure.Message}", "Choose a folder you may write to.", failure);
        }

        return Identity(key, [certificate], seed);
    }

    /// <summary>Reads the keys.</summary>
    /// <exception cref="OperatorException">There is no identity, a file is damaged, or the passphrase is wrong.</exception>
    public static ResponderIdentity Load(string folder, ReadOnlySpan<char> passphrase)
    {
        string keyText = ReadText(folder, KeyFile);
        string checkpointText = ReadText(folder, CheckpointFile);
        IReadOnlyList<byte[]> certificates = ReadCertificates(folder);
        ECDsa key = ECDsa.Create();
        try
        {
            key.ImportFromEncryptedPem(keyText, passphrase);
            PemFields pem = PemEncoding.Find(checkpointText);
            byte[] seed = SeedOf(EncryptedPkcs8.Decrypt(Convert.FromBase64String(checkpointText[pem.Base64Data]), passphrase));
            ResponderIdentity identity = Identity(key, certificates, seed);
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(certificates[0]);
            using ECDsa? publicKey = certificate.GetECDsaPublicKey();
            return publicKey is not null && publicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo())
                ? identity
                : throw new OperatorException(
                    $"The certificate in {folder} is not for the key beside it.", $"Put the certificate of this key first in {CertificateName}.");
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException or AsnContentException or FormatException)
        {
            key.Dispose();
            throw new OperatorException(
                $"The keys in {folder} do not open: the passphrase is wrong or a file is damaged ({failure.Message}).",
                "Type the passphrase given when the identity was made; without it, make a new identity in another folder.",
                failure);
        }
    }

    /// <summary>The certificates, DER, the responder's own first. Needs no passphrase.</summary>
    /// <exception cref="OperatorException">There is none.</exception>
    public static IReadOnlyList<byte[]> ReadCertificates(string folder)
    {
        IReadOnlyList<byte[]> certificates = CertificateFile.Read(ReadText(folder, CertificateName));
        return certificates.Count > 0
            ? certificates
            : throw new OperatorException($"{Path.Combine(folder, CertificateName)} holds no certificate.", "Put the certificate of the key there, in PEM.");
    }

    private static ResponderIdentity Identity(ECDsa key, IReadOnlyList<byte[]> certificates, byte[] seed)
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(certificates[0]);
        return new ResponderIdentity(
            certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false),
            new FileSigner(key, certificates),
            new CheckpointKey(seed),
            Convert.ToHexStringLower(SHA256.HashData(certificates[0])));
    }

    private static byte[] SelfSign(ECDsa key, ResponderSubject subject, DateTimeOffset at)
    {
        X500DistinguishedNameBuilder name = new();
        name.AddCommonName(subject.Name);
        if (!string.IsNullOrEmpty(subject.Organisation))
        {
            name.AddOrganizationName(subject.Organisation);
        }

        CertificateRequest request = new(name.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(Oids.EmailProtection)], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        if (MailAddress.TryCreate(subject.Email, out MailAddress? address))
        {
            SubjectAlternativeNameBuilder alternative = new();
            alternative.AddEmailAddress(address.Address);
            request.CertificateExtensions.Add(alternative.Build());
        }

        using X509Certificate2 certificate = request.CreateSelfSigned(at.AddDays(-1), at.AddYears(ValidYears));
        return certificate.RawData;
    }

    /// <summary>OneAsymmetricKey version 1 of RFC 8410 section 7: OpenSSL 3.0 refuses version 2, which carries the public key.</summary>
    private static byte[] Ed25519Pkcs8(byte[] seed)
    {
        AsnWriter inner = new(AsnEncodingRules.DER);
        inner.WriteOctetString(seed);
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(0);
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Oids.Ed25519);
            }

            writer.WriteOctetString(inner.Encode());
        }

        return writer.Encode();
    }

    private static byte[] SeedOf(byte[] pkcs8)
    {
        AsnReader reader = new AsnReader(pkcs8, AsnEncodingRules.DER).ReadSequence();
        reader.ReadInteger();
        return reader.ReadSequence().ReadObjectIdentifier() == Oids.Ed25519
            ? new AsnReader(reader.ReadOctetString(), AsnEncodingRules.DER).ReadOctetString()
            : throw new CryptographicException("the checkpoint key is not Ed25519");
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

    private static string ReadText(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"There is no identity to read: {failure.Message}", "Make one with: cir keys new", failure);
        }
    }
}
