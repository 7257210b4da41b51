using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Collectors.Layers;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux.Overlays;

namespace ContainerIR.Collectors.Images;

/// <summary>
/// Stores an image as an OCI layout (OCI image-spec, image-layout.md): its configuration as it is, its layers as the tars their DiffIDs are the digests of, and a
/// manifest made here that names them, because the engine keeps none. Usual tools read it: <c>skopeo inspect oci:oci</c>.
/// </summary>
internal static class OciLayout
{
    private const string ConfigType = "application/vnd.oci.image.config.v1+json";
    private const string LayerType = "application/vnd.oci.image.layer.v1.tar";
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>Writes it.</summary>
    /// <param name="config">The image's configuration.</param>
    /// <param name="layers">Its layers, the lowest first.</param>
    /// <param name="name">A tag for people; null for none.</param>
    /// <param name="sink">Gets the items, below <c>oci/</c>.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>For each layer written, whether its tar has its DiffID.</returns>
    public static async Task<IReadOnlyDictionary<string, bool>> WriteAsync(byte[] config, IReadOnlyList<StoredLayer> layers, string? name, IEvidenceSink sink, CancellationToken ct)
    {
        Dictionary<string, bool> exact = [];
        List<(string DiffId, long Bytes)> written = [];
        foreach (StoredLayer layer in layers)
        {
            if (written.FindIndex(one => one.DiffId == layer.DiffId) is >= 0 and var same)
            {
                // The same layer twice (an empty one, as a rule) is one blob.
                written.Add(written[same]);
            }
            else if (await WriteLayerAsync(layer, sink, ct) is { } item)
            {
                written.Add((layer.DiffId, item.RawBytes));
                exact[layer.DiffId] = "sha256:" + item.RawSha256 == layer.DiffId;
            }
        }

        if (written.Count < layers.Count)
        {
            sink.AddGap("the image as an OCI layout", $"{layers.Count - written.Count} of its {layers.Count} layers could not be made again; those that could are in oci/blobs, without a manifest");
            return exact;
        }

        byte[] manifest = Manifest(config, written);
        await sink.AddAsync(BlobName(config), config, new ItemOptions("the image's configuration as stored"), ct);
        await sink.AddAsync(BlobName(manifest), manifest, new ItemOptions("made here: names the configuration and the layers"), ct);
        await sink.AddAsync("oci/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray(), new ItemOptions("made here"), ct);
        await sink.AddAsync("oci/index.json", Index(manifest, name), new ItemOptions("made here: names the manifest"), ct);
        return exact;
    }

    /// <summary>
    /// Copies the image out of containerd's content store, where its manifest, configuration and layers lie as they were pulled. Null and nothing written where the
    /// store does not have its manifest.
    /// </summary>
    /// <param name="folder">The store.</param>
    /// <param name="imageId">The image's id: digest of its configuration, of its manifest, or of the index that names that.</param>
    /// <param name="name">A tag for people; null for none.</param>
    /// <param name="sink">Gets the items, below <c>oci/</c>.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>Whether all of it was there; null when the image was not found.</returns>
    public static async Task<bool?> CopyAsync(BlobFolder folder, string imageId, string? name, IEvidenceSink sink, CancellationToken ct)
    {
        Dictionary<string, ManifestFacts> all = folder.Manifests(sink.AddGap, ct);
        IEnumerable<string> named = all.TryGetValue(imageId, out ManifestFacts? own) ? [imageId, .. own.Members] : [];
        ManifestFacts? image = named.Select(digest => all.GetValueOrDefault(digest)).FirstOrDefault(static manifest => manifest is { ConfigDigest.Length: > 0, Layers.Count: > 0 })
            ?? all.Values.FirstOrDefault(manifest => manifest.ConfigDigest == imageId);
        if (image is null)
        {
            return null;
        }

        bool isWhole = true;
        foreach (string digest in image.Layers.Select(static layer => layer.Digest).Append(image.ConfigDigest).Distinct())
        {
            string sought = $"blob {DisplayText.Shorten(digest, 100)} of the image";
            if (folder.PathOf(digest) is not { } path || HostFile.TryStat(path) is null)
            {
                sink.AddGap(sought, "containerd's content store does not have it: it drops layers once they are unpacked, where it is told to");
                isWhole = false;
            }
            else if (!await CopyBlobAsync(path, digest, sought, sink, ct))
            {
                isWhole = false;
            }
        }

        await sink.AddAsync(BlobName(image.Content), image.Content, new ItemOptions($"{folder.Path}: {image.Digest}"), ct);
        await sink.AddAsync("oci/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray(), new ItemOptions("made here"), ct);
        await sink.AddAsync("oci/index.json", Index(image.Content, name), new ItemOptions("made here: names the manifest"), ct);
        return isWhole;
    }

    private static async Task<bool> CopyBlobAsync(string path, string digest, string sought, IEvidenceSink sink, CancellationToken ct)
    {
        try
        {
            using HostFile file = HostFile.Open(path);
            await using Stream content = file.OpenStream((long)file.Stat.stx_size);
            EvidenceItem item = await sink.AddAsync("oci/blobs/sha256/" + digest[7..], content, new ItemOptions(file.Path), ct);
            if ("sha256:" + item.RawSha256 != digest)
            {
                sink.AddGap(sought, $"its file has the digest sha256:{item.RawSha256}: it was changed on this host, or not read whole");
                return false;
            }

            return item.Status == ItemStatus.Complete;
        }
        catch (HostFileException failure)
        {
            sink.AddGap(sought, failure.Message);
            return false;
        }
    }

    private static async Task<EvidenceItem?> WriteLayerAsync(StoredLayer layer, IEvidenceSink sink, CancellationToken ct)
    {
        string sought = $"layer {layer.Number} of the image, {layer.DiffId}";
        if (layer.Directory is null || layer.TarSplit is null)
        {
            sink.AddGap(sought, "the engine's layer store has no directory or no tar-split of it");
            return null;
        }

        PrivateTree tree;
        HostFile split;
        try
        {
            tree = PrivateTree.Open(layer.Directory);
        }
        catch (IOException failure)
        {
            sink.AddGap(sought, failure.Message);
            return null;
        }

        using (tree)
        {
            try
            {
                split = HostFile.Open(layer.TarSplit);
            }
            catch (HostFileException failure)
            {
                sink.AddGap(sought, failure.Message);
                return null;
            }

            using (split)
            {
                await using ItemWriter item = sink.Create("oci/blobs/sha256/" + layer.DiffId[7..], new ItemOptions($"{tree.DisplayPath} by {split.Path}"));
                using LayerCheck layerTar = new(tree);
                string? error = await Task.Factory.StartNew(
                    () =>
                    {
                        try
                        {
                            using Stream lines = split.OpenStream();
                            layerTar.Run(lines, item, ct);
                            return layerTar.Changes.Count == 0 ? null
                                : $"{layerTar.Changes.Count} files of it are not as they were: {string.Join("; ", layerTar.Changes.Take(5).Select(change => $"/{DisplayText.Escape(change.Path)}: {change.What}, {change.Detail}"))}";
                        }
                        catch (Exception failure) when (failure is InvalidDataException || (failure is IOException and not Evidence.BundleWriteException))
                        {
                            return $"broken tar-split: {DisplayText.Shorten(failure.Message, 200)}";
                        }
                    },
                    ct, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
                EvidenceItem written = await item.CompleteAsync(error, ct);
                if (error is not null)
                {
                    sink.AddGap(sought, error);
                }
                else if ("sha256:" + written.RawSha256 != layer.DiffId)
                {
                    sink.AddGap(sought, $"made again it has the digest sha256:{written.RawSha256}: a file of the layer was changed on this host since the image was stored");
                }

                return written;
            }
        }
    }

    private static byte[] Manifest(byte[] config, List<(string DiffId, long Bytes)> layers) => Json(json =>
    {
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", ManifestType);
        json.WriteStartObject("config");
        WriteDescriptor(json, ConfigType, "sha256:" + Digest(config), config.Length);
        json.WriteEndObject();
        json.WriteStartArray("layers");
        foreach ((string diffId, long bytes) in layers)
        {
            json.WriteStartObject();
            WriteDescriptor(json, LayerType, diffId, bytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static byte[] Index(byte[] manifest, string? name) => Json(json =>
    {
        json.WriteNumber("schemaVersion", 2);
        json.WriteStartArray("manifests");
        json.WriteStartObject();
        WriteDescriptor(json, ManifestType, "sha256:" + Digest(manifest), manifest.Length);
        if (name is not null)
        {
            json.WriteStartObject("annotations");
            json.WriteString("org.containerir.image.name", name);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndArray();
    });

    private static void WriteDescriptor(Utf8JsonWriter json, string type, string digest, long bytes)
    {
        json.WriteString("mediaType", type);
        json.WriteString("digest", digest);
        json.WriteNumber("size", bytes);
    }

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static string BlobName(byte[] blob) => string.Create(CultureInfo.InvariantCulture, $"oci/blobs/sha256/{Digest(blob)}");

    private static string Digest(byte[] blob) => Convert.ToHexStringLower(SHA256.HashData(blob));
}
