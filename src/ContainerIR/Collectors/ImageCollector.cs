using System.Text.Json;
using ContainerIR.Collectors.Images;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux.Overlays;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// The image the container was made from: the engine's documents as received, its configuration as stored, what is known of its layers, its base and its
/// signatures; and the layers themselves, as an OCI layout, where they are asked for.
/// </summary>
/// <remarks>Source: Docker Engine API, GET /images/{id}/json and /images/{id}/history; Docker's layer store (image/overlay2).</remarks>
internal sealed class ImageCollector(CollectionContext context) : ICollector
{
    private const int DocumentLimitBytes = 64 * 1024 * 1024;

    public string Name => "image";

    public Volatility Volatility => Volatility.Archive;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        string id = container.ImageId.Length > 0 ? container.ImageId : container.ImageName;
        if (id.Length == 0)
        {
            sink.AddGap("image", "the engine names none");
            return;
        }

        EngineProcess? engine = EngineProcess.Find(context.Runtime.Endpoint);
        string prefix = engine?.PathPrefix() ?? "";
        ImageFacts facts = await ImageFacts.ReadAsync(context.Runtime, container, prefix, ct);
        foreach ((string sought, string reason) in facts.Gaps)
        {
            sink.AddGap(sought, reason);
        }

        List<StoredLayer> layers = facts.EngineRoot is { } engineRoot ? new LayerStore(engineRoot, container.StorageDriver ?? "overlay2").Find(facts.DiffIds) : [];
        if (facts.Config is { } config)
        {
            await sink.AddAsync("image-config.json", config, new ItemOptions(facts.ConfigPath!), ct);
        }

        await sink.AddDocumentAsync(context.Runtime, EngineDocument.ImageHistory, id, "image-history.json", $"GET /images/{DisplayText.Escape(id)}/history", ct);
        await AddInspectAsync(container, id, facts, layers, sink, ct);
        string? root = await RootAsync(prefix, ct);
        await SignatureFacts.CollectAsync(container, await TextsOfAsync(id, "RepoDigests", ct), await AllTagsAsync(ct), prefix, root, engine?.Pid, context.Signatures, sink, ct);
        await AddLayersAsync(container, facts, layers, root, sink, ct);
    }

    private async Task AddInspectAsync(ContainerRef container, string id, ImageFacts facts, List<StoredLayer> layers, IEvidenceSink sink, CancellationToken ct)
    {
        string source = $"{(context.Runtime.IsLive ? "" : context.Runtime.Endpoint + ", in place of ")}GET /images/{DisplayText.Escape(id)}/json";
        byte[] document;
        try
        {
            await using Stream content = await context.Runtime.OpenDocumentAsync(EngineDocument.ImageInspect, id, ct);
            document = content.ReadAtMost(DocumentLimitBytes);
        }
        catch (Exception failure) when (failure is IOException or OperatorException)
        {
            sink.AddGap(source, failure.Message + " (an image removed by force leaves its layers to the container; the filesystem collector reads those)");
            return;
        }

        await sink.AddAsync("image-inspect.json", document, new ItemOptions(source), ct);
        try
        {
            using JsonDocument json = ContainerInspect.Parse(document);
            List<(StoredLayer, LayerCounts?)> counted = [.. layers.Select(layer => (layer, CountOf(layer, sink, ct)))];
            List<EventRow> events = [.. EngineEvents.Read(context.Events.Rewind(), container.Id, container.ImageId).Where(row => row.Type is "image" or "builder" && IsOf(row, container, json.RootElement)).Take(1000)];
            await sink.AddJsonAsync("image.json", "derived from image-inspect.json, the image's configuration, the layer store and the events", writer => Write(writer, container, json.RootElement, facts, counted, events), ct);
        }
        catch (InvalidDataException failure)
        {
            sink.AddGap("layers and digests of the image", failure.Message);
        }
    }

    private async Task AddLayersAsync(ContainerRef container, ImageFacts facts, List<StoredLayer> layers, string? engineRoot, IEvidenceSink sink, CancellationToken ct)
    {
        if (!context.ImageLayers && context.Profile < Profile.Full)
        {
            return;
        }

        if (facts.Config is null || layers.Count == 0)
        {
            await ImageLayers.CopyAsync(container, engineRoot, sink, ct);
            return;
        }

        await OciLayout.WriteAsync(facts.Config, layers, DisplayText.Escape(container.ImageName), sink, ct);
    }

    private static LayerCounts? CountOf(StoredLayer layer, IEvidenceSink sink, CancellationToken ct)
    {
        try
        {
            if (layer.Directory is { } directory)
            {
                using PrivateTree tree = PrivateTree.Open(directory);
                return LayerStore.Count(tree, ct);
            }

            sink.AddGap($"files of layer {layer.Number} of the image", "the layer store does not name its directory");
        }
        catch (IOException failure) when (failure is not BundleWriteException)
        {
            sink.AddGap($"files of layer {layer.Number} of the image", failure.Message);
        }

        return null;
    }

    /// <summary>An event of an image names it by id, by name or by digest.</summary>
    private static bool IsOf(EventRow row, ContainerRef container, JsonElement image) =>
        row.Type == "builder" || row.OfContainer || row.ActorId == container.ImageId || row.ActorId == container.ImageName || row.Name == container.ImageName
        || image.Texts("RepoTags").Contains(row.ActorId) || image.Texts("RepoDigests").Contains(row.ActorId);

    private async Task<List<string>> TextsOfAsync(string id, string field, CancellationToken ct)
    {
        try
        {
            await using Stream content = await context.Runtime.OpenDocumentAsync(EngineDocument.ImageInspect, id, ct);
            using JsonDocument document = ContainerInspect.Parse(content.ReadAtMost(DocumentLimitBytes));
            return document.RootElement.Texts(field);
        }
        catch (Exception failure) when (failure is IOException or OperatorException or InvalidDataException)
        {
            // The same request was made for image-inspect.json, and its failure is a gap there.
            return [];
        }
    }

    /// <summary>The engine's data directory, true for us; null when it does not answer, which is a gap of other requests.</summary>
    private async Task<string?> RootAsync(string prefix, CancellationToken ct)
    {
        try
        {
            return (await context.Runtime.ReadFactsAsync(ct)).RootDirectory is { Length: > 0 } root ? prefix + root : null;
        }
        catch (Exception failure) when (failure is IOException or OperatorException or InvalidDataException)
        {
            return null;
        }
    }

    private async Task<List<string>> AllTagsAsync(CancellationToken ct)
    {
        try
        {
            await using Stream content = await context.Runtime.OpenDocumentAsync(EngineDocument.ImageList, "", ct);
            using JsonDocument document = ContainerInspect.Parse(content.ReadAtMost(DocumentLimitBytes));
            return SignatureFacts.Tags(document.RootElement);
        }
        catch (Exception failure) when (failure is IOException or OperatorException or InvalidDataException)
        {
            // ImageFacts asked for the same list, and its failure is a gap there.
            return [];
        }
    }

    private static void Write(Utf8JsonWriter json, ContainerRef container, JsonElement image, ImageFacts facts, List<(StoredLayer Layer, LayerCounts? Counts)> layers, List<EventRow> events)
    {
        json.WriteString("id", DisplayText.Escape(image.Text("Id") ?? ""));
        json.WriteString("named_in_container", DisplayText.Escape(container.ImageName));
        json.WriteTexts("tags", image.Texts("RepoTags"));
        json.WriteTexts("repository_digests", image.Texts("RepoDigests"));
        json.WriteString("created", DisplayText.Escape(image.Text("Created") ?? ""));
        json.WriteString("last_tagged", image.Object("Metadata").Text("LastTagTime") is { } tagged ? DisplayText.Escape(tagged) : null);
        json.WriteString("author", DisplayText.Escape(image.Text("Author") ?? ""));
        json.WriteString("comment", DisplayText.Escape(image.Text("Comment") ?? ""));
        json.WriteString("parent", DisplayText.Escape(image.Text("Parent") ?? ""));
        json.WriteString("architecture", DisplayText.Escape(image.Text("Architecture") ?? ""));
        json.WriteString("os", DisplayText.Escape(image.Text("Os") ?? ""));
        json.WriteNumber("size_bytes", image.Number("Size") ?? 0);
        json.WriteStartObject("labels");
        foreach ((string name, string value) in image.Object("Config").TextMembers("Labels").Take(1000))
        {
            json.WriteString(DisplayText.Shorten(name, 300), DisplayText.Shorten(value, 1000));
        }

        json.WriteEndObject();
        json.WriteTexts("layer_diff_ids", image.Object("RootFS").Texts("Layers"));

        // A tag moves: the name the container was made by may name another image by now.
        json.WriteBoolean("name_still_points_here", image.Texts("RepoTags").Contains(container.ImageName.Contains(':') ? container.ImageName : container.ImageName + ":latest"));
        json.WriteStartObject("base_image");
        json.WriteNumber("layers", facts.Base.Layers);
        json.WriteString("confidence", facts.Base.Confidence);
        json.WriteString("why", facts.Base.Why);
        json.WriteTexts("images", facts.Base.Images.SelectMany(one => one.Tags.Append(one.Id)));
        json.WriteEndObject();
        WriteLayers(json, facts, layers);
        json.WriteStartArray("events");
        foreach (EventRow row in events)
        {
            json.WriteStartObject();
            json.WriteString("at", row.TimeNs is { } at ? Rfc3339.Format(at) : null);
            json.WriteString("type", row.Type);
            json.WriteString("action", row.Action);
            json.WriteString("actor", row.ActorId);
            json.WriteNumber("row", row.Number);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteLayers(Utf8JsonWriter json, ImageFacts facts, List<(StoredLayer Layer, LayerCounts? Counts)> layers)
    {
        List<HistoryStep> steps = [.. facts.History.Where(step => !step.IsEmpty)];
        json.WriteStartArray("layers");
        foreach ((StoredLayer layer, LayerCounts? counts) in layers)
        {
            json.WriteStartObject();
            json.WriteNumber("number", layer.Number);
            json.WriteString("diff_id", DisplayText.Escape(layer.DiffId));
            json.WriteString("chain_id", DisplayText.Escape(layer.ChainId));
            json.WriteString("directory", layer.Directory is { } directory ? DisplayText.Escape(directory) : null);
            json.WriteString("origin", facts.Base.Layers == 0 ? "image" : layer.Number <= facts.Base.Layers ? "base" : "application");
            json.WriteString("made_by", steps.Count == layers.Count ? DisplayText.Shorten(steps[layer.Number - 1].CreatedBy, 2000) : null);
            json.WriteStartArray("blobs");
            foreach ((string digest, string repository) in layer.Blobs)
            {
                json.WriteStartObject();
                json.WriteString("digest", DisplayText.Escape(digest));
                json.WriteString("repository", DisplayText.Escape(repository));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            if (counts is not null)
            {
                json.WriteNumber("files", counts.Files);
                json.WriteNumber("directories", counts.Directories);
                json.WriteNumber("others", counts.Others);
                json.WriteNumber("bytes", counts.Bytes);
                json.WriteBoolean("count_is_cut", counts.IsCut);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
