using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Images;

/// <summary>What a signature envelope of the Notary Project holds, whichever of its two forms it has.</summary>
/// <param name="Algorithm">As JOSE names it: <c>PS256</c>, <c>ES384</c>…</param>
/// <param name="Payload">What was signed: JSON that names a manifest.</param>
/// <param name="Signed">The bytes the signature is over.</param>
/// <param name="Signature">The signature.</param>
/// <param name="Certificates">The signer's certificate, then what is above it; DER.</param>
/// <param name="Critical">Names of headers that must be understood (RFC 7515 section 4.1.11, RFC 9052 section 3.1).</param>
/// <param name="SignedAt">When, as the signer says.</param>
internal sealed record SignatureEnvelope(
    string Algorithm, byte[] Payload, byte[] Signed, byte[] Signature, IReadOnlyList<byte[]> Certificates, IReadOnlyList<string> Critical, DateTimeOffset? SignedAt);

/// <summary>
/// Signatures of the Notary Project (notation): an envelope over the descriptor of a manifest, signed with a certificate (github.com/notaryproject/specifications,
/// signature-specification.md). Signature, payload and chain are checked; revocation, time-stamp tokens and trust policies are not.
/// </summary>
internal static class NotationSignatures
{
    public const string ArtifactType = "application/vnd.cncf.notary.signature";
    public const string PayloadType = "application/vnd.cncf.notary.payload.v1+json";
    private const string Jws = "application/jose+json";
    private const string Cose = "application/cose";
    private const string NotChecked = "revocation, its time-stamp token and a trust policy's identities were not checked";

    // What notation marks so, but for plugins; in COSE algorithm and content type may stand there by their labels.
    private static readonly string[] Understood = ["io.cncf.notary.signingScheme", "io.cncf.notary.expiry", "io.cncf.notary.authenticSigningTime", "1", "3"];
    private static readonly string[] Algorithms = ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    /// <summary>Signatures a manifest holds; none when it is not notation's.</summary>
    public static IEnumerable<ImageSignature> Of(BlobFolder folder, ManifestFacts manifest, IReadOnlyList<SignatureKey> keys)
    {
        if (manifest.ArtifactType != ArtifactType && manifest.ConfigType != ArtifactType)
        {
            yield break;
        }

        foreach (ManifestLayer layer in manifest.Layers.Where(layer => layer.MediaType is Jws or Cose))
        {
            string place = $"{folder.Path}: {manifest.Digest}";
            byte[]? envelope = folder.Read(layer.Digest, 4 * 1024 * 1024);
            yield return envelope is null
                ? new() { Form = "notation", Place = place, SignedDigest = manifest.Subject, Verdict = "unsupported", Why = $"its envelope {layer.Digest} is not there, or not what its digest says" }
                : Check(envelope, layer.MediaType, manifest.Subject, place, keys) with { Raw = [("manifest.json", manifest.Content), (layer.MediaType == Jws ? "jws.json" : "cose", envelope)] };
        }
    }

    /// <summary>Checks one.</summary>
    /// <param name="content">The envelope.</param>
    /// <param name="mediaType">Which form it has.</param>
    /// <param name="subject">Digest of the manifest it is attached to; empty when it does not say.</param>
    /// <param name="place">Where it was found.</param>
    /// <param name="keys">Keys given.</param>
    public static ImageSignature Check(byte[] content, string mediaType, string subject, string place, IReadOnlyList<SignatureKey> keys)
    {
        ImageSignature found = new() { Form = "notation", Place = place, SignedDigest = subject, Verdict = "not-verified", Why = "" };
        SignatureEnvelope envelope;
        List<X509Certificate2> certificates = [];
        try
        {
            envelope = mediaType == Cose ? CoseEnvelope.Parse(content) : ParseJws(content);
            certificates.AddRange(envelope.Certificates.Select(X509CertificateLoader.LoadCertificate));
        }
        catch (Exception failure) when (failure is InvalidDataException or CryptographicException)
        {
            return found with { Why = $"its envelope is broken: {DisplayText.Shorten(failure.Message, 200)}" };
        }

        string digest = DigestOf(envelope.Payload) ?? "";
        found = found with { SignedDigest = digest, Signer = certificates.FirstOrDefault()?.Subject, SignedAt = envelope.SignedAt };
        if (digest.Length == 0 || certificates.Count == 0 || !Algorithms.Contains(envelope.Algorithm))
        {
            return found with { Why = digest.Length == 0 ? "its payload names no manifest" : certificates.Count == 0 ? "it brings no certificate along" : $"its algorithm {DisplayText.Shorten(envelope.Algorithm, 40)} is none notation allows" };
        }

        if (envelope.Critical.FirstOrDefault(name => !Understood.Contains(name)) is { } unknown)
        {
            return found with { Why = $"it demands that {DisplayText.Shorten(unknown, 100)} be understood, which is not: verify it with notation" };
        }

        if (!SignatureKey.Of(certificates[0], place).Verifies(envelope.Algorithm, envelope.Signed, envelope.Signature))
        {
            return found with { Why = "the signature is not of the certificate it brings along: it was changed" };
        }

        if (subject.Length > 0 && subject != digest)
        {
            return found with { Why = $"it is attached to {DisplayText.Shorten(subject, 100)}, but signs another manifest" };
        }

        if (keys.Count == 0)
        {
            return found with { Verdict = "no-key", Why = "whole, but no key or authority was given to verify it with (--image-key)" };
        }

        string why = "";
        foreach (SignatureKey key in keys)
        {
            if (key.Vouches(certificates[0], certificates.Skip(1), envelope.SignedAt ?? certificates[0].NotBefore, out why))
            {
                return found with { Verdict = "verified", Key = key.Sha256, Why = $"the signature is of a certificate {key.Source} vouches for, as of the time the signer names; {NotChecked}" };
            }
        }

        return found with { Why = $"the signature is of its certificate, but no key given vouches for that: {why}" };
    }

    // RFC 7515, JSON serialisation; signed is ASCII(BASE64URL(protected) "." BASE64URL(payload)), as it stands.
    private static SignatureEnvelope ParseJws(byte[] content)
    {
        using JsonDocument document = ContainerInspect.Parse(content);
        JsonElement root = document.RootElement;
        string protectedText = root.Text("protected") ?? "", payloadText = root.Text("payload") ?? "";
        using JsonDocument header = ContainerInspect.Parse(FromUrl(protectedText));
        if (header.RootElement.Text("cty") != PayloadType)
        {
            throw new InvalidDataException("it is over no payload of notation");
        }

        return new(
            header.RootElement.Text("alg") ?? "",
            FromUrl(payloadText),
            Encoding.ASCII.GetBytes($"{protectedText}.{payloadText}"),
            FromUrl(root.Text("signature") ?? ""),
            [.. root.Object("header").Texts("x5c").Take(32).Select(FromBase64)],
            header.RootElement.Texts("crit"),
            header.RootElement.Text("io.cncf.notary.signingTime") is { } at && DateTimeOffset.TryParse(at, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null);
    }

    private static string? DigestOf(byte[] payload)
    {
        try
        {
            using JsonDocument document = ContainerInspect.Parse(payload);
            return document.RootElement.Object("targetArtifact").Text("digest");
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static byte[] FromUrl(string text) => FromBase64(text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - (text.Length % 4)) % 4));

    private static byte[] FromBase64(string text)
    {
        try
        {
            return Convert.FromBase64String(text);
        }
        catch (FormatException failure)
        {
            throw new InvalidDataException("broken base64", failure);
        }
    }
}
