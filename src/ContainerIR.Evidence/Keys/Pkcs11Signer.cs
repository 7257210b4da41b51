using System.Security.Cryptography;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Evidence.Keys;

/// <summary>A signer whose key lies in a PKCS#11 token (smart card, HSM) and never leaves it. Each signature is checked before it is given out.</summary>
public sealed class Pkcs11Signer : ISealSigner
{
    private readonly Pkcs11Tool tool;
    private readonly string keyId;
    private readonly byte[] publicKey;

    private Pkcs11Signer(Pkcs11Tool tool, string keyId, byte[] publicKey, IReadOnlyList<byte[]> certificates)
    {
        this.tool = tool;
        this.keyId = keyId;
        this.publicKey = publicKey;
        Certificates = certificates;
    }

    /// <inheritdoc/>
    public IReadOnlyList<byte[]> Certificates { get; }

    /// <summary>The public key, SubjectPublicKeyInfo in DER.</summary>
    public ReadOnlyMemory<byte> SubjectPublicKeyInfo => publicKey;

    /// <summary>Finds the key and its certificate in the token.</summary>
    /// <param name="options">Which.</param>
    /// <param name="pin">Kept for as long as the signer lives: each signature is a new session.</param>
    /// <param name="chain">DER certificates of the CA, in any order; the signer's own too where the token does not hold it. May be empty.</param>
    /// <exception cref="OperatorException">The token is not there, the PIN is wrong, or it holds no P-256 key and certificate of that id.</exception>
    public static Pkcs11Signer Open(Pkcs11Options options, string pin, IReadOnlyList<byte[]> chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        Pkcs11Signer key = OpenKey(options, pin);
        List<byte[]> certificates = [.. chain];
        if (CertificateChain.Order(certificates, key.publicKey) is null)
        {
            certificates.Insert(0, key.tool.Run([], "--read-object", "--type", "cert", "--id", key.keyId));
        }

        return new Pkcs11Signer(key.tool, key.keyId, key.publicKey, CertificateChain.Order(certificates, key.publicKey) ?? throw new OperatorException(
            $"The certificate of id {key.keyId} in the token is not for the key of that id.", "Write the certificate of the key into the token, or give it as a PEM file."));
    }

    /// <summary>Finds the key alone: for a request for a certificate (<see cref="SigningRequest"/>). It has no certificates.</summary>
    /// <exception cref="OperatorException">As for <see cref="Open"/>.</exception>
    public static Pkcs11Signer OpenKey(Pkcs11Options options, string pin)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(pin);
        if (!Path.IsPathFullyQualified(options.ModulePath) || !File.Exists(options.ModulePath))
        {
            throw new OperatorException($"There is no PKCS#11 module {options.ModulePath}.", "Give the absolute path of the token maker's .so: --pkcs11 MODULE");
        }

        if (options.KeyId.Length is 0 or > 128 || options.KeyId.Length % 2 != 0 || !options.KeyId.All(char.IsAsciiHexDigit))
        {
            throw new OperatorException($"'{Text.DisplayText.Shorten(options.KeyId, 80)}' is no key id.", "Give it in hexadecimal, two digits a byte, as pkcs11-tool --list-objects prints it.");
        }

        Pkcs11Tool tool = new(options, pin);
        byte[] publicKey = tool.Run([], "--read-object", "--type", "pubkey", "--id", options.KeyId);
        try
        {
            using ECDsa key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(publicKey, out _);
            if (key.ExportParameters(false).Curve.Oid.Value == Oids.P256)
            {
                return new Pkcs11Signer(tool, options.KeyId, key.ExportSubjectPublicKeyInfo(), []);
            }
        }
        catch (CryptographicException)
        {
        }

        throw new OperatorException($"The key of id {options.KeyId} in the token is not on the curve P-256.", "Make one: pkcs11-tool --keypairgen --key-type EC:prime256v1");
    }

    /// <inheritdoc/>
    /// <exception cref="OperatorException">The token does not sign, or signs wrongly.</exception>
    public byte[] Sign(ReadOnlySpan<byte> content)
    {
        byte[] digest = SHA256.HashData(content);
        byte[] signature = tool.Run(digest, "--sign", "--mechanism", "ECDSA", "--signature-format", "openssl", "--id", keyId);
        using ECDsa key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(publicKey, out _);
        return key.VerifyHash(digest, signature, DSASignatureFormat.Rfc3279DerSequence)
            ? signature
            : throw new OperatorException("The token gave a signature that is not good.", "Try again; if it stays so, the token or its module is broken.");
    }
}
