using System.Security.Cryptography;
using System.Text.Json;
using ContainerIR.Cases;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>
/// The container's state as an OCI image layout (image-spec 1.1): layers of the image the bundle holds and, on top, the writable layer. The layout also bears the
/// <c>manifest.json</c> that <c>docker load</c> reads. Layers and configuration are those of <see cref="ImageArchive"/>.
/// </summary>
internal sealed class OciExporter : IExporter
{
    private const string LayerType = "application/vnd.oci.image.layer.v1.tar";
    private const string ConfigType = "application/vnd.oci.image.config.v1+json";
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    public string Name => "oci";

    public string Description => "the container's files as an OCI image layout (skopeo, docker load)";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        SealedItem? upper = ImageArchive.Item(bundle.Record, "rootfs-diff", "upper.tar.zst");
        using JsonDocument? image = bundle.Document("layers", "image-config.json");
        if (upper is null || image is null)
        {
            bundle.Note(upper is null ? "no image: the bundle has no whole writable layer" : "no image: the bundle has not the image's configuration (collector layers, --profile full)");
            return;
        }

        List<Blob> layers = WriteBase(bundle, folder, image.RootElement.Object("rootfs").Texts("diff_ids"), ct);
        layers.Add(WriteTop(bundle, folder, upper, ct));
        Blob config = WriteBlob(folder, ConfigType, ImageArchive.Configure(image.RootElement, [.. layers.SkipLast(1).Select(layer => layer.Digest)], layers[^1].Digest, bundle.Record));
        Blob manifest = WriteBlob(folder, ManifestType, Json(json =>
        {
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", ManifestType);
            json.WriteStartObject("config");
            config.Write(json);
            json.WriteEndObject();
            json.WriteStartArray("layers");
            foreach (Blob layer in layers)
            {
                json.WriteStartObject();
                layer.Write(json);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            Annotate(json, bundle);
        }));
        string reference = ImageArchive.ReferenceOf(bundle.Record);
        Put(folder, "oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8);
        Put(folder, "index.json", Json(json =>
        {
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", "application/vnd.oci.image.index.v1+json");
            json.WriteStartArray("manifests");
            json.WriteStartObject();
            manifest.Write(json);
            json.WriteStartObject("annotations");
            json.WriteString("org.opencontainers.image.ref.name", reference[(reference.IndexOf(':', StringComparison.Ordinal) + 1)..]);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
        }));
        Put(folder, "manifest.json", ImageArchive.Manifest(config.Path, reference, [.. layers.Select(layer => layer.Path)]));
    }

    /// <summary>A layer that was edited on the host has another digest than the image names: it is left out, as one the bundle does not hold.</summary>
    private static List<Blob> WriteBase(VerifiedBundle bundle, DerivedFolder folder, List<string> diffIds, CancellationToken ct)
    {
        List<SealedItem> items = [];
        for (int i = 0; i < diffIds.Count; i++)
        {
            if (ImageArchive.LayerItem(bundle.Record, i, diffIds[i]) is { } item)
            {
                items.Add(item);
            }
        }

        if (items.Count < diffIds.Count)
        {
            // A layer on top of some of those below it would show a state that never was.
            bundle.Note($"the bundle holds {items.Count} of {diffIds.Count} layers of the image: the layout has the container's own layer only (acquire with --profile full for all)");
            return [];
        }

        List<Blob> layers = [];
        foreach (SealedItem item in items)
        {
            Blob layer = new(LayerType, "sha256:" + item.RawSha256.ToLowerInvariant(), item.RawBytes);
            if (layers.All(each => each.Digest != layer.Digest))
            {
                using DerivedFile copy = folder.Create(layer.Path);
                RawCopy.Write(bundle, item, copy, ct);
            }

            layers.Add(layer);
        }

        return layers;
    }

    /// <summary>Read twice: the blob is named by its digest, and nothing evidence-sized is kept.</summary>
    private static Blob WriteTop(VerifiedBundle bundle, DerivedFolder folder, SealedItem upper, CancellationToken ct)
    {
        Blob layer;
        using (SHA256 hash = SHA256.Create())
        using (CryptoStream sink = new(Stream.Null, hash, CryptoStreamMode.Write))
        using (SealedContent content = bundle.Open(upper))
        {
            using CountingStream counted = new(sink);
            new OciLayerFilter(content, counted).Run(ct);
            sink.FlushFinalBlock();
            layer = new(LayerType, "sha256:" + Convert.ToHexStringLower(hash.Hash!), counted.Length);
        }

        using SealedContent again = bundle.Open(upper);
        using DerivedFile copy = folder.Create(layer.Path);
        OciLayerFilter filter = new(again, copy);
        filter.Run(ct);
        if (filter.NotRepresentable > 0)
        {
            bundle.Note($"{upper.Path}: {filter.NotRepresentable} objects bear a redirect or metacopy mark that a layer cannot say");
        }

        return layer;
    }

    private static void Annotate(Utf8JsonWriter json, VerifiedBundle bundle)
    {
        json.WriteStartObject("annotations");
        json.WriteString("org.opencontainers.image.title", DisplayText.Escape($"container {bundle.Record.ContainerName}"));
        json.WriteString("containerir.bundle-id", DisplayText.Escape(bundle.Record.BundleId));
        json.WriteString("containerir.root-sha256", bundle.RootSha256);
        json.WriteEndObject();
    }

    private static Blob WriteBlob(DerivedFolder folder, string type, byte[] content)
    {
        Blob blob = new(type, "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content)), content.Length);
        Put(folder, blob.Path, content);
        return blob;
    }

    private static void Put(DerivedFolder folder, string name, ReadOnlySpan<byte> content)
    {
        using DerivedFile file = folder.Create(name);
        file.Write(content);
    }

    private static byte[] Json(Action<Utf8JsonWriter> properties)
    {
        using MemoryStream content = new();
        using (Utf8JsonWriter json = new(content))
        {
            json.WriteStartObject();
            properties(json);
            json.WriteEndObject();
        }

        return content.ToArray();
    }

    /// <summary>A descriptor of image-spec.</summary>
    private sealed record Blob(string Type, string Digest, long SizeBytes)
    {
        public string Path => "blobs/sha256/" + Digest["sha256:".Length..];

        public void Write(Utf8JsonWriter json)
        {
            json.WriteString("mediaType", Type);
            json.WriteString("digest", Digest);
            json.WriteNumber("size", SizeBytes);
        }
    }
}
