using System.Globalization;
using System.Text;
using System.Text.Json;
using ContainerIR.Collectors.Layers;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using ContainerIR.Runtimes.Stores;

namespace ContainerIR.Collectors;

/// <summary>
/// The layers below the writable one, checked: each is made into its tar again and must have the digest the image names. A layer that was edited on the host
/// has a row that says so, and the files that differ. In the full profile the tars are kept.
/// </summary>
/// <remarks>Source: the engine's own store: the image's configuration, its layers' files, and the tar-split record of each.</remarks>
internal sealed class LayersCollector(CollectionContext context) : ICollector
{
    public const string RowsItem = "layers.jsonl";
    public const string ChangesItem = "layer-changes.jsonl";
    public const string ConfigurationItem = "image-config.json";

    public string Name => "layers";

    public Volatility Volatility => Volatility.Archive;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        const string sought = "integrity of the image's layers";
        StoredImage image;
        try
        {
            EngineFacts facts = await context.Runtime.ReadFactsAsync(ct);
            string prefix = EngineProcess.Find(context.Runtime.Endpoint)?.PathPrefix() ?? "";
            image = StoredImage.Read(prefix + facts.RootDirectory, container.StorageDriver ?? facts.StorageDriver, container.ImageId);
        }
        catch (Exception failure) when (failure is HostFileException or InvalidDataException or OperatorException or IOException)
        {
            sink.AddGap(sought, $"the engine's store of images cannot be read (an engine with a containerd store has none): {failure.Message}");
            return;
        }

        await sink.AddAsync(ConfigurationItem, image.Configuration, new ItemOptions(DisplayText.Escape(image.ConfigurationPath)), ct);
        await using RowLines rows = new(sink.Create(RowsItem, new("derived from the files of the layers")));
        await using RowLines changes = new(sink.Create(ChangesItem, new("derived from the files of the layers")));
        if (!image.IsConfigurationIntact(container.ImageId))
        {
            await rows.WriteAsync(
                json =>
                {
                    json.WriteString("verdict", "edited");
                    json.WriteString("reason", "the image's configuration does not have the image's id as its digest");
                },
                ct);
        }

        // vfs copies what is below into each layer: what has no member in its tar is not extra there.
        bool isApart = container.StorageDriver != "vfs";
        for (int i = 0; i < image.Layers.Count; i++)
        {
            Checked layer = await CheckAsync(image.Layers[i], i, isApart, sink, ct);
            await rows.WriteAsync(json => Write(json, i, image.Layers[i], layer), ct);
            foreach (LayerChange change in layer.Changes)
            {
                await changes.WriteAsync(json => Write(json, i, image.Layers[i], change), ct);
            }
        }

        await rows.CompleteAsync(null, ct);
        await changes.CompleteAsync(null, ct);
    }

    private async Task<Checked> CheckAsync(StoredLayer layer, int number, bool isApart, IEvidenceSink sink, CancellationToken ct)
    {
        string sought = $"layer {layer.DiffId}";
        if (layer.Directory is null || layer.TarSplitPath is null)
        {
            sink.AddGap(sought, "the store does not say where it lies");
            return new("unchecked", null, 0, [], null);
        }

        try
        {
            using var tree = PrivateTree.Open(Encoding.UTF8.GetBytes(layer.Directory));
            using HostFile record = HostFile.Open(layer.TarSplitPath);
            using LayerCheck check = new(tree);
            string? item = context.Profile >= Profile.Full ? string.Create(CultureInfo.InvariantCulture, $"{number + 1:D4}.tar.zst") : null;
            await using ItemWriter? tar = item is null ? null : sink.Create(item, new(layer.Directory, ItemForm.Frames));
            string digest = await Task.Factory.StartNew(
                () =>
                {
                    using Stream pieces = record.OpenStream();
                    return check.Run(pieces, tar, ct);
                },
                ct, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
            bool isIntact = digest == layer.DiffId;
            if (tar is not null)
            {
                await tar.CompleteAsync(isIntact ? null : "the layer was edited: files that are not the image's stand in it as they are now", ct);
            }

            if (!isIntact)
            {
                using Stream pieces = record.OpenStream();
                check.Locate(pieces, ct);
            }

            if (isApart)
            {
                check.FindExtra(ct);
            }

            if (check.IsCut)
            {
                sink.AddGap($"{sought}: all that differs", "more names or differences than are kept");
            }

            return new(isIntact && check.Changes.Count == 0 ? "intact" : "edited", digest, check.TarBytes, check.Changes, item);
        }
        catch (Exception failure) when (failure is HostFileException or InvalidDataException || (failure is IOException && failure is not BundleWriteException))
        {
            sink.AddGap(sought, $"not checked: {DisplayText.Escape(failure.Message)}");
            return new("unchecked", null, 0, [], null);
        }
    }

    private static void Write(Utf8JsonWriter json, int number, StoredLayer layer, Checked found)
    {
        json.WriteNumber("number", number + 1);
        json.WriteString("verdict", found.Verdict);
        json.WriteString("diff_id", layer.DiffId);
        json.WriteString("recomputed_diff_id", found.Digest);
        json.WriteString("store_id", layer.StoreId);
        json.WriteString("directory", layer.Directory is null ? null : DisplayText.Escape(layer.Directory));
        json.WriteNumber("tar_bytes", found.TarBytes);
        json.WriteNumber("changes", found.Changes.Count);
        if (found.Item is { } item)
        {
            json.WriteString("tar", item);
        }

        LayerOrigins.Write(json, layer.History);
    }

    private static void Write(Utf8JsonWriter json, int number, StoredLayer layer, LayerChange change)
    {
        json.WriteNumber("number", number + 1);
        json.WriteString("diff_id", layer.DiffId);
        ByteJson.Write(json, "path", [(byte)'/', .. change.Path]);
        json.WriteString("what", change.What);
        json.WriteString("detail", change.Detail);
    }

    private sealed record Checked(string Verdict, string? Digest, long TarBytes, IReadOnlyList<LayerChange> Changes, string? Item);
}
