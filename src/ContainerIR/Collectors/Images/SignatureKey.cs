using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;

namespace ContainerIR.Collectors.Images;

/// <summary>A key the examiner gave to verify an image's signatures with: a public key, or a certificate (a signer's own, or the authority its signers lead to).</summary>
internal sealed class SignatureKey
{
    private const string EllipticCurve = "1.2.840.10045.2.1";
    private const string Rsa = "1.2.840.113549.1.1.1";
    private const string Ed25519 = "1.3.101.112";
    private const int FileLimitBytes = 1024 * 1024;

    private readonly PublicKey key;

    private SignatureKey(string source, PublicKey key, X509Certificate2? certificate) => (Source, this.key, Certificate) = (source, key, certificate);

    /// <summary>The file it came from, display form.</summary>
    public string Source { get; }

    /// <summary>The certificate; null for a bare key.</summary>
    public X509Certificate2? Certificate { get; }

    /// <summary>SHA-256 of its SubjectPublicKeyInfo: the name of a key whatever file holds it.</summary>
    public string Sha256 => Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));

    /// <summary>It as a PEM file of its own.</summary>
    public string Pem => Certificate is { } certificate
        ? certificate.ExportCertificatePem() + "\n"
        : PemEncoding.WriteString("PUBLIC KEY", key.ExportSubjectPublicKeyInfo()) + "\n";

    /// <summary>Reads all keys and certificates of a PEM file.</summary>
    /// <exception cref="OperatorException">It cannot be read, or holds none.</exception>
    public static IReadOnlyList<SignatureKey> Load(string path)
    {
        const string remedy = "Give a PEM file with a public key (cosign public-key, openssl pkey -pubout) or a certificate: --image-key cosign.pub";
        string shown = DisplayText.Escape(path);
        List<SignatureKey> keys = [];
        try
        {
            using HostFile file = HostFile.OpenLinked(Path.GetFullPath(path));
            ReadOnlySpan<char> text = Encoding.UTF8.GetString(file.ReadAll(FileLimitBytes));
            while (PemEncoding.TryFind(text, out PemFields fields))
            {
                byte[] der = Convert.FromBase64String(text[fields.Base64Data].ToString());
                switch (text[fields.Label])
                {
                    case "PUBLIC KEY":
                        keys.Add(new(shown, PublicKey.CreateFromSubjectPublicKeyInfo(der, out _), null));
                        break;
                    case "RSA PUBLIC KEY":
                        using (var rsa = RSA.Create())
                        {
                            rsa.ImportRSAPublicKey(der, out _);
                            keys.Add(new(shown, new PublicKey(rsa), null));
                        }

                        break;
                    case "CERTIFICATE":
                        keys.Add(Of(X509CertificateLoader.LoadCertificate(der), shown));
                        break;
                    default:
                        break;
                }

                text = text[fields.Location.End..];
            }
        }
        catch (Exception failure) when (failure is IOException or CryptographicException or FormatException)
        {
            throw new OperatorException($"The image key {shown} cannot be read: {failure.Message}", remedy, failure);
        }

        return keys.Count > 0 ? keys : throw new OperatorException($"{shown} holds no public key and no certificate.", remedy);
    }

    /// <summary>The key of a certificate.</summary>
    public static SignatureKey Of(X509Certificate2 certificate, string source) => new(source, certificate.PublicKey, certificate);

    /// <summary>Whether it is the same key as another.</summary>
    public bool IsSameKey(SignatureKey other) => Sha256 == other.Sha256;

    /// <summary>
    /// A signature as cosign makes it: ECDSA in DER, RSA PKCS#1 v1.5 (or PSS), Ed25519, over SHA-256 of the payload (or the digest that fits a larger curve).
    /// </summary>
    public bool VerifiesCosign(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> signature)
    {
        try
        {
            switch (key.Oid.Value)
            {
                case EllipticCurve:
                    using (ECDsa curve = key.GetECDsaPublicKey()!)
                    {
                        return curve.VerifyData(payload, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
                            || (curve.KeySize > 256 && curve.VerifyData(payload, signature, curve.KeySize > 384 ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA384, DSASignatureFormat.Rfc3279DerSequence));
                    }

                case Rsa:
                    using (RSA rsa = key.GetRSAPublicKey()!)
                    {
                        return rsa.VerifyData(payload, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) || rsa.VerifyData(payload, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
                    }

                case Ed25519:
                    return CheckpointKey.Verify(key.EncodedKeyValue.RawData, payload.ToArray(), signature.ToArray());
                default:
                    return false;
            }
        }
        catch (CryptographicException)
        {
            // A key of another kind, a broken signature: it does not verify.
            return false;
        }
    }

    /// <summary>A signature by an algorithm of JOSE or COSE that notation allows (RFC 7518 section 3): PS256/384/512, ES256/384/512.</summary>
    public bool Verifies(string algorithm, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        HashAlgorithmName hash = algorithm[^3..] switch { "256" => HashAlgorithmName.SHA256, "384" => HashAlgorithmName.SHA384, _ => HashAlgorithmName.SHA512 };
        try
        {
            if (algorithm.StartsWith("ES", StringComparison.Ordinal) && key.Oid.Value == EllipticCurve)
            {
                using ECDsa curve = key.GetECDsaPublicKey()!;
                return curve.VerifyData(data, signature, hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            }

            if (algorithm.StartsWith("PS", StringComparison.Ordinal) && key.Oid.Value == Rsa)
            {
                using RSA rsa = key.GetRSAPublicKey()!;
                return rsa.VerifyData(data, signature, hash, RSASignaturePadding.Pss);
            }
        }
        catch (CryptographicException)
        {
        }

        return false;
    }

    /// <summary>Whether a signer's certificate is this one, has its key, or was issued below it; as of a time the signer names. Revocation is not asked for: that needs a network.</summary>
    /// <param name="signer">The signer's certificate.</param>
    /// <param name="others">Certificates the signature brings along.</param>
    /// <param name="at">When it was signed, as far as known.</param>
    /// <param name="why">Why not.</param>
    public bool Vouches(X509Certificate2 signer, IEnumerable<X509Certificate2> others, DateTimeOffset at, out string why)
    {
        why = "";
        if (IsSameKey(Of(signer, "")))
        {
            return true;
        }

        if (Certificate is null)
        {
            why = "the signer's key is another";
            return false;
        }

        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = at.LocalDateTime;
        chain.ChainPolicy.CustomTrustStore.Add(Certificate);
        chain.ChainPolicy.ExtraStore.AddRange(others.ToArray());
        if (chain.Build(signer))
        {
            return true;
        }

        why = string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct().DefaultIfEmpty("no chain"));
        return false;
    }
}
