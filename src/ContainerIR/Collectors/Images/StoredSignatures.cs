using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Images;

/// <summary>
/// Signatures Podman keeps with an image it pulled (containers/image, storage: <c>signature-DIGEST</c> beside the manifest; internal/signature: a NUL, the form's
/// name and a line feed before the content).
/// </summary>
/// <param name="root">Data directory of containers/storage, true for us.</param>
/// <param name="imageId"><c>sha256:…</c></param>
internal sealed class StoredSignatures(string root, string imageId)
{
    private const int LimitBytes = 16 * 1024 * 1024;

    private static readonly byte[] Sigstore = "\0sigstore-json\n"u8.ToArray();

    private string Folder => $"{root}/overlay-images/{imageId[7..]}";

    /// <summary>Whether the image is of such a store.</summary>
    public bool IsThere => imageId.StartsWith("sha256:", StringComparison.Ordinal) && ContainerInspect.IsId(imageId[7..]) && HostFile.TryStat(Folder) is not null;

    /// <summary>The image's manifest; null when there is none.</summary>
    public ManifestFacts? Manifest() => TryRead("manifest") is { } content ? BlobFolder.Parse("sha256:" + Convert.ToHexStringLower(SHA256.HashData(content)), content) : null;

    /// <summary>Signatures over the manifest.</summary>
    public IEnumerable<ImageSignature> Of(ManifestFacts manifest, IReadOnlyList<SignatureKey> keys)
    {
        // A name with other characters than lower case, digits and points is stored as "=" and its base64 (containers/storage, images.go).
        string name = "=" + Convert.ToBase64String(Encoding.ASCII.GetBytes("signature-" + manifest.Digest[7..]));
        byte[] all = TryRead(name) ?? [];
        string place = $"{Folder}/{name}";
        int at = 0;
        foreach (int length in Lengths(manifest.Digest, all.Length))
        {
            byte[] blob = all[at..(at + length)];
            at += length;
            ImageSignature unsupported = new() { Form = "signature of another form", Place = place, SignedDigest = manifest.Digest, Verdict = "unsupported", Why = "kept as found", Raw = [("signature", blob)] };
            yield return !blob.AsSpan().StartsWith(Sigstore)
                ? blob is [>= 0x80, ..] ? unsupported with { Form = "simple signing (OpenPGP)", Why = "kept as found: verify it with gpg" } : unsupported
                : Sigstored(blob[Sigstore.Length..], place, keys) is { } signature ? signature with { Raw = [("sigstore.json", blob[Sigstore.Length..]), ("manifest.json", manifest.Content)] }
                : unsupported with { Why = "its JSON is broken, or it is no signature of an image" };
        }
    }

    private static ImageSignature? Sigstored(byte[] content, string place, IReadOnlyList<SignatureKey> keys)
    {
        try
        {
            using JsonDocument document = ContainerInspect.Parse(content);
            JsonElement root = document.RootElement;
            return root.Text("mimeType") == CosignSignatures.PayloadType && root.Text("payload") is { } payload
                ? CosignSignatures.Check(Convert.FromBase64String(payload), root.TextMembers("annotations"), place, keys)
                : null;
        }
        catch (Exception failure) when (failure is InvalidDataException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Several signatures stand in one file; the image's metadata says how long each is.</summary>
    private List<int> Lengths(string digest, int total)
    {
        List<long> lengths = [];
        try
        {
            using JsonDocument images = ContainerInspect.Parse(HostFile.ReadSmall($"{root}/overlay-images/images.json", 64 * 1024 * 1024));
            JsonElement image = (images.RootElement.ValueKind == JsonValueKind.Array ? images.RootElement.EnumerateArray() : default).FirstOrDefault(one => "sha256:" + one.Text("id") == imageId);
            using JsonDocument metadata = ContainerInspect.Parse(Encoding.UTF8.GetBytes(image.Text("metadata") ?? "{}"));
            lengths = metadata.RootElement.Object("signatures-sizes").Numbers(digest);
            lengths = lengths.Count > 0 ? lengths : metadata.RootElement.Numbers("signature-sizes");
        }
        catch (Exception failure) when (failure is HostFileException or InvalidDataException)
        {
        }

        return total == 0 ? [] : lengths.Count is > 0 and < 1000 && lengths.All(length => length is > 0 and <= LimitBytes) && lengths.Sum() == total ? [.. lengths.Select(length => (int)length)] : [total];
    }

    private byte[]? TryRead(string name)
    {
        try
        {
            return HostFile.ReadSmall($"{Folder}/{name}", LimitBytes);
        }
        catch (HostFileException)
        {
            return null;
        }
    }
}
