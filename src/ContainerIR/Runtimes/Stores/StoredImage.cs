using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Runtimes.Stores;

/// <summary>The step of an image's history that made a layer.</summary>
/// <param name="CreatedAt">When, as the builder says; null when it does not.</param>
/// <param name="CreatedBy">By what command.</param>
/// <param name="Comment">The builder's remark.</param>
internal sealed record HistoryStep(DateTimeOffset? CreatedAt, string CreatedBy, string Comment);

/// <summary>A layer of an image as the engine stores it.</summary>
/// <param name="DiffId">SHA-256 of the layer's tar as the image's configuration names it: <c>sha256:…</c>.</param>
/// <param name="StoreId">What the store calls it: chain id (Docker), layer id (Podman).</param>
/// <param name="Directory">Where its files lie; null when the store does not say.</param>
/// <param name="TarSplitPath">What is needed to make the tar again from the files (github.com/vbatts/tar-split); null when there is none.</param>
/// <param name="History">The step that made it; null when the configuration names none.</param>
internal sealed record StoredLayer(string DiffId, string StoreId, string? Directory, string? TarSplitPath, HistoryStep? History);

/// <summary>An image as it lies on disk: its configuration and its layers, lowest first. Read from files alone, so it is the same with and without an engine.</summary>
internal sealed record StoredImage(ReadOnlyMemory<byte> Configuration, string ConfigurationPath, IReadOnlyList<StoredLayer> Layers)
{
    private const int MaxLayers = 1024;
    private const int SmallFileBytes = 64 * 1024;
    private const int DocumentBytes = 64 * 1024 * 1024;

    /// <summary>Finds an image below the data directory of Docker (<c>image/overlay2</c>) or Podman (<c>overlay-images</c>).</summary>
    /// <param name="root">The data directory, true for us.</param>
    /// <param name="driver">Storage driver.</param>
    /// <param name="imageId"><c>sha256:…</c>.</param>
    /// <exception cref="HostFileException">Its files cannot be read.</exception>
    /// <exception cref="InvalidDataException">They are not what such a store holds.</exception>
    public static StoredImage Read(string root, string driver, string imageId)
    {
        string hex = imageId.StartsWith("sha256:", StringComparison.Ordinal) ? imageId["sha256:".Length..] : imageId;
        if (!ContainerInspect.IsId(hex) || driver.Length == 0 || driver.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_')))
        {
            throw new InvalidDataException($"no image id of 64 hexadecimal digits, or no storage driver: {Evidence.Text.DisplayText.Shorten(imageId, 80)}");
        }

        return HostFile.TryStat($"{root}/overlay-images") is not null ? ReadContainersStorage(root, hex) : ReadDocker(root, driver, hex);
    }

    /// <summary>Whether the configuration's digest is the image's id.</summary>
    public bool IsConfigurationIntact(string imageId) => imageId == "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Configuration.Span));

    /// <summary>The layer that lies in a directory; null when it is none of the image's.</summary>
    public StoredLayer? LayerIn(Func<string, bool> isDirectory) => Layers.FirstOrDefault(layer => layer.Directory is { } directory && isDirectory(directory));

    // moby: image/fs.go, layer/filestore.go, daemon/graphdriver/*.
    private static StoredImage ReadDocker(string root, string driver, string hex)
    {
        string store = $"{root}/image/{driver}";
        string path = $"{store}/imagedb/content/sha256/{hex}";
        byte[] configuration = HostFile.ReadSmall(path, DocumentBytes);
        List<StoredLayer> layers = [];
        string chain = "";
        foreach ((string diffId, HistoryStep? step) in Steps(configuration))
        {
            chain = chain.Length == 0 ? diffId : "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{chain} {diffId}")));
            string at = $"{store}/layerdb/{chain.Replace(':', '/')}";
            string? cacheId = ReadWord($"{at}/cache-id");
            string? directory = cacheId is null ? null : driver is "vfs" ? $"{root}/vfs/dir/{cacheId}" : driver is "btrfs" ? $"{root}/btrfs/subvolumes/{cacheId}" : $"{root}/{driver}/{cacheId}/diff";
            layers.Add(new(diffId, chain, directory, $"{at}/tar-split.json.gz", step));
        }

        return new(configuration, path, layers);
    }

    // containers/storage: images.go, layers.go. A file of an image whose name is no plain name is stored as "=" and its base64.
    private static StoredImage ReadContainersStorage(string root, string hex)
    {
        string path = $"{root}/overlay-images/{hex}/={Convert.ToBase64String(Encoding.ASCII.GetBytes("sha256:" + hex))}";
        byte[] configuration = HostFile.ReadSmall(path, DocumentBytes);
        using JsonDocument images = ContainerInspect.Parse(HostFile.ReadSmall($"{root}/overlay-images/images.json", DocumentBytes));
        using JsonDocument all = ContainerInspect.Parse(HostFile.ReadSmall($"{root}/overlay-layers/layers.json", DocumentBytes));
        Dictionary<string, JsonElement> known = [];
        foreach (JsonElement layer in all.RootElement.ValueKind == JsonValueKind.Array ? all.RootElement.EnumerateArray() : [])
        {
            known[layer.Text("id") ?? ""] = layer;
        }

        string? id = images.RootElement.ValueKind == JsonValueKind.Array
            ? images.RootElement.EnumerateArray().Where(image => image.Text("id") == hex).Select(image => image.Text("layer")).FirstOrDefault()
            : null;
        List<string> chain = [];
        for (; id is { Length: > 0 } && known.TryGetValue(id, out JsonElement layer) && chain.Count < MaxLayers; id = layer.Text("parent"))
        {
            chain.Insert(0, id);
        }

        List<(string DiffId, HistoryStep? Step)> steps = [.. Steps(configuration)];
        List<StoredLayer> layers = [];
        for (int i = 0; i < steps.Count; i++)
        {
            string? store = i < chain.Count && ContainerInspect.IsId(chain[i]) ? chain[i] : null;
            layers.Add(new(steps[i].DiffId, store ?? "", store is null ? null : $"{root}/overlay/{store}/diff", store is null ? null : $"{root}/overlay-layers/{store}.tar-split.gz", steps[i].Step));
        }

        return new(configuration, path, layers);
    }

    /// <summary>Layers with their steps (OCI image specification, config.md: history entries marked empty_layer made none).</summary>
    private static IEnumerable<(string DiffId, HistoryStep? Step)> Steps(byte[] configuration)
    {
        using JsonDocument json = ContainerInspect.Parse(configuration);
        List<string> diffIds = json.RootElement.Object("rootfs").Texts("diff_ids");
        List<HistoryStep> steps = [.. json.RootElement.Items("history").Where(step => !step.Flag("empty_layer")).Take(MaxLayers)
            .Select(step => new HistoryStep(step.Instant("created"), step.Text("created_by") ?? "", step.Text("comment") ?? ""))];
        return [.. diffIds.Take(MaxLayers).Where(id => id.StartsWith("sha256:", StringComparison.Ordinal) && ContainerInspect.IsId(id["sha256:".Length..]))
            .Select((id, index) => (id, index < steps.Count ? steps[index] : null))];
    }

    private static string? ReadWord(string path)
    {
        try
        {
            string word = Encoding.ASCII.GetString(HostFile.ReadSmall(path, SmallFileBytes)).Trim();
            return word.Length is > 0 and < 256 && word.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') ? word : null;
        }
        catch (HostFileException)
        {
            return null;
        }
    }
}
