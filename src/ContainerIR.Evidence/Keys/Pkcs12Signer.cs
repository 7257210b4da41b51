using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Evidence.Keys;

/// <summary>A signer from a PKCS#12 file (<c>.p12</c>, <c>.pfx</c>; RFC 7292), as an organisation's CA hands it out: key, certificate and chain.</summary>
public static class Pkcs12Signer
{
    private const int MaxBytes = 1024 * 1024;

    /// <summary>Reads it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="passphrase">Of the file; may be empty.</param>
    /// <exception cref="OperatorException">It cannot be read or opened, or holds no single P-256 key with its certificate.</exception>
    public static ISealSigner Load(string path, ReadOnlySpan<char> passphrase)
    {
        byte[] file;
        try
        {
            file = new FileInfo(path).Length <= MaxBytes ? File.ReadAllBytes(path) : throw new IOException($"it has more than {MaxBytes} bytes");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{path} cannot be read: {failure.Message}", "Name a PKCS#12 file: --p12 FILE", failure);
        }

        X509Certificate2Collection found;
        try
        {
            found = X509CertificateLoader.LoadPkcs12Collection(file, passphrase, X509KeyStorageFlags.EphemeralKeySet | X509KeyStorageFlags.Exportable);
        }
        catch (CryptographicException failure)
        {
            throw new OperatorException(
                $"{path} does not open: the passphrase is wrong, the file is damaged, or it is encrypted in an outdated way ({failure.Message}).",
                "Try the passphrase again. A file with RC2 or 3DES is renewed by: openssl pkcs12 -legacy -in OLD -nodes | openssl pkcs12 -export -out NEW",
                failure);
        }

        List<X509Certificate2> withKey = [.. found.Where(certificate => certificate.HasPrivateKey)];
        if (withKey.Count != 1)
        {
            throw new OperatorException($"{path} holds {withKey.Count} private keys.", "Export one key with its certificate: openssl pkcs12 -export -inkey KEY -in CERT -certfile CHAIN -out FILE");
        }

        ECDsa key = withKey[0].GetECDsaPrivateKey() is { KeySize: 256 } ecdsa && ecdsa.ExportParameters(false).Curve.Oid.Value == Oids.P256
            ? ecdsa
            : throw new OperatorException($"The key in {path} is not on the curve P-256.", "Seals are ECDSA P-256 with SHA-256: have a certificate issued for such a key (cir keys csr).");
        IReadOnlyList<byte[]> chain = CertificateChain.Order([.. found.Select(certificate => certificate.RawData)], key.ExportSubjectPublicKeyInfo())
            ?? throw new OperatorException($"{path} holds no certificate for its key.", "Export both: openssl pkcs12 -export -inkey KEY -in CERT -out FILE");
        return new FileSigner(key, chain);
    }
}
