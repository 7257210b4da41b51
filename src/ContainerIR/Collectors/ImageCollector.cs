using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>The image the container was made from: the engine's documents as received, and what they say of names, digests and layers.</summary>
/// <remarks>Source: Docker Engine API, GET /images/{id}/json and /images/{id}/history.</remarks>
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

        await AddInspectAsync(container, id, sink, ct);
        await sink.AddDocumentAsync(context.Runtime, EngineDocument.ImageHistory, id, "image-history.json", $"GET /images/{DisplayText.Escape(id)}/history", ct);
    }

    private async Task AddInspectAsync(ContainerRef container, string id, IEvidenceSink sink, CancellationToken ct)
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
            await sink.AddJsonAsync("image.json", "derived from image-inspect.json", writer => Write(writer, container, json.RootElement), ct);
        }
        catch (InvalidDataException failure)
        {
            sink.AddGap("layers and digests of the image", failure.Message);
        }
    }

    private static void Write(Utf8JsonWriter json, ContainerRef container, JsonElement image)
    {
        json.WriteString("id", DisplayText.Escape(image.Text("Id") ?? ""));
        json.WriteString("named_in_container", DisplayText.Escape(container.ImageName));
        WriteTexts(json, "tags", image.Texts("RepoTags"));
        WriteTexts(json, "repository_digests", image.Texts("RepoDigests"));
        json.WriteString("created", DisplayText.Escape(image.Text("Created") ?? ""));
        json.WriteString("author", DisplayText.Escape(image.Text("Author") ?? ""));
        json.WriteString("comment", DisplayText.Escape(image.Text("Comment") ?? ""));
        json.WriteString("parent", DisplayText.Escape(image.Text("Parent") ?? ""));
        json.WriteString("architecture", DisplayText.Escape(image.Text("Architecture") ?? ""));
        json.WriteString("os", DisplayText.Escape(image.Text("Os") ?? ""));
        json.WriteNumber("size_bytes", image.Number("Size") ?? 0);
        WriteTexts(json, "layer_diff_ids", (image.Field("RootFS") ?? default).Texts("Layers"));

        // A tag moves: the name the container was made by may name another image by now.
        json.WriteBoolean("name_still_points_here", image.Texts("RepoTags").Contains(container.ImageName.Contains(':') ? container.ImageName : container.ImageName + ":latest"));
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
        {
            json.WriteStringValue(DisplayText.Escape(value));
        }

        json.WriteEndArray();
    }
}
