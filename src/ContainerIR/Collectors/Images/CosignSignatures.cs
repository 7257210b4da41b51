using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Images;

/// <summary>
/// Signatures of cosign: a "simple signing" payload that names a manifest's digest, and a signature over its bytes in an annotation (github.com/sigstore/cosign,
/// specs/SIGNATURE_SPEC.md).
/// </summary>
internal static class CosignSignatures
{
    public const string PayloadType = "application/vnd.dev.cosign.simplesigning.v1+json";
    private const string SignatureNote = "dev.cosignproject.cosign/signature";
    private const string CertificateNote = "dev.sigstore.cosign/certificate";
    private const string ChainNote = "dev.sigstore.cosign/chain";

    /// <summary>Signatures a manifest holds; none when it is not cosign's.</summary>
    public static IEnumerable<ImageSignature> Of(BlobFolder folder, ManifestFacts manifest, IReadOnlyList<SignatureKey> keys)
    {
        foreach (ManifestLayer layer in manifest.Layers)
        {
            if (layer.MediaType == PayloadType)
            {
                byte[]? payload = folder.Read(layer.Digest);
                yield return payload is null
                    ? new() { Form = "cosign", Place = $"{folder.Path}: {manifest.Digest}", SignedDigest = "", Verdict = "unsupported", Why = $"its payload {layer.Digest} is not there, or not what its digest says" }
                    : Check(payload, layer.Annotations, $"{folder.Path}: {manifest.Digest}", keys) with { Raw = [("manifest.json", manifest.Content), ("payload.json", payload)] };
            }
            else if (Unsupported(layer.MediaType) is { } what && manifest.Subject.Length > 0)
            {
                yield return new()
                {
                    Form = what,
                    Place = $"{folder.Path}: {manifest.Digest}",
                    SignedDigest = manifest.Subject,
                    Verdict = "unsupported",
                    Why = "kept as found: verify it with cosign",
                    Raw = [("manifest.json", manifest.Content), .. folder.Read(layer.Digest, 16 * 1024 * 1024) is { } content ? [("bundle.json", content)] : Array.Empty<(string, byte[])>()],
                };
            }
        }
    }

    /// <summary>Checks one.</summary>
    /// <param name="payload">What was signed, byte for byte.</param>
    /// <param name="notes">Annotations: signature and, where signed by a short-lived certificate, that.</param>
    /// <param name="place">Where it was found.</param>
    /// <param name="keys">Keys given.</param>
    public static ImageSignature Check(byte[] payload, IReadOnlyDictionary<string, string> notes, string place, IReadOnlyList<SignatureKey> keys)
    {
        (string digest, string? reference, string? fault) = ReadPayload(payload);
        ImageSignature found = new() { Form = "cosign", Place = place, SignedDigest = digest, Reference = reference, Verdict = "no-key", Why = "no key was given to verify it with (--image-key)" };
        byte[] signature = SignatureOf(notes.GetValueOrDefault(SignatureNote));
        fault ??= signature.Length == 0 ? "it has no signature in base64" : null;
        if (fault is not null)
        {
            return found with { Verdict = "not-verified", Why = fault };
        }

        using X509Certificate2? certificate = CertificateOf(notes.GetValueOrDefault(CertificateNote));
        found = found with { Signer = certificate is null ? null : SignerOf(certificate) };
        if (keys.Count == 0)
        {
            return found;
        }

        if (keys.FirstOrDefault(key => key.VerifiesCosign(payload, signature)) is { } own)
        {
            return found with { Verdict = "verified", Key = own.Sha256, Why = $"the signature is of the key in {own.Source}" };
        }

        if (certificate is not null)
        {
            if (!SignatureKey.Of(certificate, place).VerifiesCosign(payload, signature))
            {
                return found with { Verdict = "not-verified", Why = "the signature is not of the certificate it brings along" };
            }

            X509Certificate2Collection chain = ChainOf(notes.GetValueOrDefault(ChainNote));
            foreach (SignatureKey key in keys)
            {
                if (key.Vouches(certificate, chain, certificate.NotBefore, out _))
                {
                    return found with
                    {
                        Verdict = "verified",
                        Key = key.Sha256,
                        Why = $"the signature is of the certificate it brings along, which leads to {key.Source}; taken as of the begin of that certificate's validity: the transparency log's entry was not checked",
                    };
                }
            }
        }

        return found with { Verdict = "not-verified", Why = "no key given verifies it: it is of another key, or was changed" };
    }

    private static string? Unsupported(string mediaType) => mediaType switch
    {
        _ when mediaType.StartsWith("application/vnd.dev.sigstore.bundle", StringComparison.Ordinal) => "sigstore bundle",
        "application/vnd.dsse.envelope.v1+json" => "attestation",
        _ => null,
    };

    private static (string Digest, string? Reference, string? Fault) ReadPayload(byte[] payload)
    {
        try
        {
            using JsonDocument document = ContainerInspect.Parse(payload);
            JsonElement critical = document.RootElement.Object("critical");
            string digest = critical.Object("image").Text("docker-manifest-digest") ?? "";
            string? reference = critical.Object("identity").Text("docker-reference");

            // An attestation's or another program's payload signed by the same key must not pass for an image's (SIGNATURE_SPEC: the type MUST be checked).
            return critical.Text("type") == "cosign container image signature"
                ? (digest, reference, digest.Length > 0 ? null : "its payload names no manifest")
                : (digest, reference, "its payload does not say that it is a signature of a container image");
        }
        catch (InvalidDataException)
        {
            return ("", null, "its payload is not JSON");
        }
    }

    private static byte[] SignatureOf(string? text)
    {
        try
        {
            return Convert.FromBase64String(text ?? "");
        }
        catch (FormatException)
        {
            return [];
        }
    }

    private static X509Certificate2? CertificateOf(string? pem)
    {
        try
        {
            return pem is null ? null : X509Certificate2.CreateFromPem(pem);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static X509Certificate2Collection ChainOf(string? pem)
    {
        X509Certificate2Collection chain = [];
        try
        {
            chain.ImportFromPem(pem ?? "");
        }
        catch (CryptographicException)
        {
            chain.Clear();
        }

        return chain;
    }

    /// <summary>Fulcio writes who it was into the alternative names.</summary>
    private static string SignerOf(X509Certificate2 certificate)
    {
        string names = string.Join(", ", certificate.Extensions.Where(static extension => extension.Oid?.Value == "2.5.29.17").Select(static extension => extension.Format(multiLine: false)));
        return $"{certificate.Subject} {names}".Trim();
    }
}
