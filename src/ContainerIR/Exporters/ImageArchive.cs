using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>What was made.</summary>
/// <param name="Path">The archive.</param>
/// <param name="Reference">Name and tag the image gets.</param>
/// <param name="LayersInside">Layers of the image in the archive, besides the container's own.</param>
/// <param name="LayersOutside">Layers that the loading engine must have already: the bundle holds them only in the full profile.</param>
/// <param name="Deletions">Deletions of the container's layer.</param>
/// <param name="NotRepresentable">Objects whose redirect or metacopy mark a layer cannot say.</param>
public sealed record ExportedImage(string Path, string Reference, int LayersInside, int LayersOutside, long Deletions, long NotRepresentable);

/// <summary>
/// Makes an image of a sealed bundle: the layers of the container's image and, on top, its writable layer. <c>docker load</c> rebuilds the container's files
/// for analysis. It is derived from evidence and is none itself.
/// </summary>
public static class ImageArchive
{
    private const int MaxDocumentBytes = 64 * 1024 * 1024;
    private const string LayerOfContainer = "container";

    /// <summary>Writes the archive.</summary>
    /// <param name="bundlePath">Sealed bundle.</param>
    /// <param name="outPath">File to write; it must not exist.</param>
    /// <param name="ct">Ends it; the file is removed.</param>
    /// <exception cref="OperatorException">The bundle has not what is needed, or the file cannot be written.</exception>
    public static ExportedImage Export(string bundlePath, string outPath, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(bundlePath);
        ArgumentNullException.ThrowIfNull(outPath);
        SealedBundleFiles files = SealedBundleFiles.Open(bundlePath);
        SealedRecord record = SealedRecord.Read(files);
        SealedItem upper = Item(record, "rootfs-diff", "upper.tar.zst") ?? throw Missing("the writable layer (profile standard, overlay storage driver)");
        SealedItem configuration = Item(record, "layers", "image-config.json") ?? throw Missing("the image's configuration (collector layers)");
        string work = outPath + ".parts";
        try
        {
            Directory.CreateDirectory(work);
            return Write(files, record, upper, configuration, work, outPath, ct);
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            File.Delete(outPath);
            throw new OperatorException($"The image could not be made: {DisplayText.Escape(failure.Message)}", "See whether the bundle is whole (cir verify) and the target has room.", failure);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static ExportedImage Write(SealedBundleFiles files, SealedRecord record, SealedItem upper, SealedItem configuration, string work, string outPath, CancellationToken ct)
    {
        byte[] config = ReadWhole(files, configuration);
        using JsonDocument image = JsonDocument.Parse(config);
        List<string> diffIds = image.RootElement.Object("rootfs").Texts("diff_ids");
        List<(string Name, string File)> inside = [];
        List<string> names = [];
        for (int i = 0; i < diffIds.Count; i++)
        {
            ct.ThrowIfCancellationRequested();
            string name = string.Create(CultureInfo.InvariantCulture, $"{i + 1:D4}");
            names.Add($"{name}/layer.tar");

            if (LayerItem(record, i, diffIds[i]) is { } layer)
            {
                string file = Path.Combine(work, name);
                using (FileStream to = File.Create(file))
                {
                    using SealedContent content = files.OpenContent(layer.Path, layer.Sha256, layer.RawBytes);
                    content.CopyTo(to);
                }

                inside.Add(($"{name}/layer.tar", file));
            }
        }

        string top = Path.Combine(work, LayerOfContainer);
        (string diffId, OciLayerFilter filter) = WriteTop(files, upper, top, ct);
        names.Add($"{LayerOfContainer}/layer.tar");
        inside.Add(($"{LayerOfContainer}/layer.tar", top));
        byte[] newConfig = Configure(image.RootElement, diffIds, diffId, record);
        string reference = ReferenceOf(record);
        string configName = Convert.ToHexStringLower(SHA256.HashData(newConfig)) + ".json";
        using (FileStream archive = new(outPath, FileMode.CreateNew, FileAccess.Write))
        using (TarWriter tar = new(archive, TarEntryFormat.Pax))
        {
            Add(tar, "manifest.json", new MemoryStream(Manifest(configName, reference, names)));
            Add(tar, configName, new MemoryStream(newConfig));
            foreach ((string name, string file) in inside)
            {
                ct.ThrowIfCancellationRequested();
                using FileStream content = File.OpenRead(file);
                Add(tar, name, content);
            }
        }

        return new(outPath, reference, inside.Count - 1, diffIds.Count - (inside.Count - 1), filter.Deletions, filter.NotRepresentable);
    }

    private static (string DiffId, OciLayerFilter Filter) WriteTop(SealedBundleFiles files, SealedItem upper, string path, CancellationToken ct)
    {
        OciLayerFilter filter;
        using (SealedContent content = files.OpenContent(upper.Path, upper.Sha256, upper.RawBytes))
        using (BufferedStream to = new(File.Create(path), 1024 * 1024))
        {
            filter = new(content, to);
            filter.Run(ct);
        }

        using FileStream from = File.OpenRead(path);
        return ("sha256:" + Convert.ToHexStringLower(SHA256.HashData(from)), filter);
    }

    // The image's own configuration with one layer and one step more.
    internal static byte[] Configure(JsonElement image, List<string> diffIds, string diffId, SealedRecord record)
    {
        using MemoryStream content = new();
        using (Utf8JsonWriter json = new(content))
        {
            json.WriteStartObject();
            foreach (JsonProperty member in image.EnumerateObject().Where(member => member.Name is not ("rootfs" or "history")))
            {
                member.WriteTo(json);
            }

            json.WriteStartObject("rootfs");
            json.WriteString("type", "layers");
            json.WriteStartArray("diff_ids");
            diffIds.Append(diffId).ToList().ForEach(json.WriteStringValue);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteStartArray("history");
            foreach (JsonElement step in image.Items("history"))
            {
                step.WriteTo(json);
            }

            json.WriteStartObject();
            json.WriteString("created", DateTimeOffset.UnixEpoch.AddTicks((record.OpenedAtNs ?? 0) / 100).UtcDateTime);
            json.WriteString("created_by", $"writable layer of container {DisplayText.Escape(record.ContainerId ?? "")}, bundle {DisplayText.Escape(record.BundleId)}");
            json.WriteString("comment", "derived from evidence");
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return content.ToArray();
    }

    internal static byte[] Manifest(string configName, string reference, List<string> layers)
    {
        using MemoryStream content = new();
        using (Utf8JsonWriter json = new(content))
        {
            json.WriteStartArray();
            json.WriteStartObject();
            json.WriteString("Config", configName);
            json.WriteStartArray("RepoTags");
            json.WriteStringValue(reference);
            json.WriteEndArray();
            json.WriteStartArray("Layers");
            layers.ForEach(json.WriteStringValue);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
        }

        return content.ToArray();
    }

    private static void Add(TarWriter tar, string name, Stream content) =>
        tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = content, ModificationTime = DateTimeOffset.UnixEpoch });

    private static byte[] ReadWhole(SealedBundleFiles files, SealedItem item)
    {
        using SealedContent content = files.OpenContent(item.Path, item.Sha256, item.RawBytes);
        using MemoryStream whole = new();
        byte[] buffer = new byte[64 * 1024];
        int count;
        while ((count = content.Read(buffer)) > 0 && whole.Length <= MaxDocumentBytes)
        {
            whole.Write(buffer, 0, count);
        }

        return whole.ToArray();
    }

    /// <summary>The layer of the image that has this place. One that was edited on the host has another digest than the image names: an engine would refuse it.</summary>
    internal static SealedItem? LayerItem(SealedRecord record, int index, string diffId) =>
        Item(record, "layers", string.Create(CultureInfo.InvariantCulture, $"{index + 1:D4}.tar.zst")) is { } layer && "sha256:" + layer.RawSha256 == diffId ? layer : null;

    /// <summary>Name and tag the image of a bundle gets. The id comes from a bundle: what is no letter or digit has no place in a name.</summary>
    internal static string ReferenceOf(SealedRecord record) =>
        $"containerir/{(string.Concat((record.ContainerId ?? "").Take(12).Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant() is { Length: > 0 } id ? id : "container")}:evidence";

    internal static SealedItem? Item(SealedRecord record, string collector, string file) =>
        record.Items.FirstOrDefault(item => item.Collector == collector && item.Status == "complete" && item.Path.EndsWith("/" + file, StringComparison.Ordinal));

    private static OperatorException Missing(string what) => new($"The bundle has not {what}.", "Acquire the container again: cir acquire CONTAINER --case ID --profile full");
}
