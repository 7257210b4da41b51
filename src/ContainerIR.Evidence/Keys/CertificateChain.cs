using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Evidence.Keys;

/// <summary>Certificates a CA gave, put into the order a seal bundles them in: the signer's own, then each issuer.</summary>
public static class CertificateChain
{
    private const int MaxLength = 8;

    /// <summary>Reads PEM and orders it for a key.</summary>
    /// <param name="path">A PEM file: certificates in any order.</param>
    /// <param name="subjectPublicKeyInfo">The public key (RFC 5280) the first certificate must be for.</param>
    /// <param name="at">Now: the first certificate must be valid and fit for signing.</param>
    /// <exception cref="OperatorException">No certificate in it is for the key, or that one is not fit.</exception>
    public static IReadOnlyList<byte[]> Read(string path, ReadOnlySpan<byte> subjectPublicKeyInfo, DateTimeOffset at)
    {
        IReadOnlyList<byte[]> certificates;
        try
        {
            certificates = new FileInfo(path).Length <= CertificateFile.MaxBytes
                ? CertificateFile.Read(File.ReadAllText(path))
                : throw new IOException($"it has more than {CertificateFile.MaxBytes} bytes");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new OperatorException($"{path} cannot be read: {failure.Message}", "Give the certificates of your CA in PEM.", failure);
        }

        IReadOnlyList<byte[]> chain = Order(certificates, subjectPublicKeyInfo)
            ?? throw new OperatorException($"None of the {certificates.Count} certificates in {path} is for this key.", "Give the certificate the CA issued for the request of: cir keys csr");
        using X509Certificate2 own = X509CertificateLoader.LoadCertificate(chain[0]);
        return SignerTrust.FaultOf(own, at) is { } fault
            ? throw new OperatorException($"The certificate in {path} cannot seal: {fault}.", "Have one issued with keyUsage digitalSignature, nonRepudiation and extendedKeyUsage emailProtection.")
            : chain;
    }

    /// <summary>Gives an identity the certificate a CA issued for its key, with the chain. The certificate before stays beside it as <c>.old</c>.</summary>
    /// <param name="identityFolder">The folder of <see cref="IdentityFolder"/>; no passphrase is needed.</param>
    /// <param name="path">A PEM file: certificates in any order.</param>
    /// <param name="at">Now.</param>
    /// <exception cref="OperatorException">As for <see cref="Read"/>, or the folder cannot be written.</exception>
    public static IReadOnlyList<byte[]> Install(string identityFolder, string path, DateTimeOffset at)
    {
        using X509Certificate2 before = X509CertificateLoader.LoadCertificate(IdentityFolder.ReadCertificates(identityFolder)[0]);
        IReadOnlyList<byte[]> chain = Read(path, before.PublicKey.ExportSubjectPublicKeyInfo(), at);
        string place = Path.Combine(identityFolder, IdentityFolder.CertificateName);
        try
        {
            File.WriteAllBytes(place + ".new", CertificateFile.Write(chain));
            File.Replace(place + ".new", place, place + ".old");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The certificate cannot be written to {identityFolder}: {failure.Message}", "Make the folder writable for you.", failure);
        }

        return chain;
    }

    /// <summary>The certificate for this key, then its issuers as far as they are there; null if none is for the key.</summary>
    internal static IReadOnlyList<byte[]>? Order(IReadOnlyList<byte[]> certificates, ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        List<X509Certificate2> left = [];
        foreach (byte[] der in certificates)
        {
            try
            {
                left.Add(X509CertificateLoader.LoadCertificate(der));
            }
            catch (CryptographicException)
            {
                return null;
            }
        }

        X509Certificate2? next = null;
        foreach (X509Certificate2 certificate in left)
        {
            if (certificate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(subjectPublicKeyInfo))
            {
                next = certificate;
                break;
            }
        }

        List<byte[]> chain = [];
        while (next is not null && chain.Count < MaxLength)
        {
            chain.Add(next.RawData);
            left.Remove(next);
            X509Certificate2 current = next;
            next = left.Find(candidate => candidate.SubjectName.RawData.AsSpan().SequenceEqual(current.IssuerName.RawData));
        }

        return chain.Count > 0 ? chain : null;
    }
}
