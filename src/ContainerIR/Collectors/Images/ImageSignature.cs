using System.Text.Json;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Collectors.Images;

/// <summary>A signature over a manifest of an image, found on this host or in a layout the examiner brought.</summary>
internal sealed record ImageSignature
{
    /// <summary><c>cosign</c>, <c>notation</c>, or what else says it is a signature.</summary>
    public required string Form { get; init; }

    /// <summary>Where it was found.</summary>
    public required string Place { get; init; }

    /// <summary>Digest of the manifest it is over; empty when it does not say.</summary>
    public required string SignedDigest { get; init; }

    /// <summary><c>verified</c> by a key given; <c>not-verified</c>: no key given verifies it; <c>no-key</c>: none was given; <c>unsupported</c>.</summary>
    public required string Verdict { get; init; }

    /// <summary>What was checked and what was not, in words.</summary>
    public required string Why { get; init; }

    /// <summary>The key that verifies it: SHA-256 of its SubjectPublicKeyInfo.</summary>
    public string? Key { get; init; }

    /// <summary>Who signed, as its certificate says.</summary>
    public string? Signer { get; init; }

    /// <summary>The name it was signed under, as the payload says.</summary>
    public string? Reference { get; init; }

    /// <summary>When, as the signer says.</summary>
    public DateTimeOffset? SignedAt { get; init; }

    /// <summary>Its bytes, each with the ending of its file name.</summary>
    public IReadOnlyList<(string Ending, byte[] Content)> Raw { get; init; } = [];

    /// <summary>Writes it.</summary>
    /// <param name="json">Gets it.</param>
    /// <param name="files">Items its bytes were stored as.</param>
    /// <param name="bindsImage">What ties the signed digest to the image.</param>
    public void Write(Utf8JsonWriter json, IEnumerable<string> files, string bindsImage)
    {
        json.WriteStartObject();
        json.WriteString("form", Form);
        json.WriteString("place", DisplayText.Escape(Place));
        json.WriteString("signed_digest", DisplayText.Shorten(SignedDigest, 200));
        json.WriteString("signed_digest_is", bindsImage);
        json.WriteString("verdict", Verdict);
        json.WriteString("why", DisplayText.Shorten(Why, 1000));
        json.WriteString("key_sha256", Key);
        json.WriteString("signer", Signer is null ? null : DisplayText.Shorten(Signer, 500));
        json.WriteString("reference", Reference is null ? null : DisplayText.Shorten(Reference, 500));
        json.WriteString("signed_at", SignedAt is { } at ? at.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture) : null);
        json.WriteTexts("files", files);
        json.WriteEndObject();
    }
}
