using System.Buffers;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>Ways collectors share to store small documents: their own, and an engine's as received.</summary>
internal static class JsonDocuments
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    /// <summary>Writes a document of ours, for people and machines: indented JSON.</summary>
    public static async Task<EvidenceItem> AddJsonAsync(this IEvidenceSink sink, string name, string source, Action<Utf8JsonWriter> write, CancellationToken ct)
    {
        ArrayBufferWriter<byte> content = new();
        await using (Utf8JsonWriter json = new(content, Indented))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        content.Write("\n"u8);
        return await sink.AddAsync(name, content.WrittenMemory, new ItemOptions(source), ct);
    }

    /// <summary>Stores a document of the engine byte for byte; one it refuses becomes a gap.</summary>
    /// <returns>Whether all of it is stored.</returns>
    public static async Task<bool> AddDocumentAsync(
        this IEvidenceSink sink, IContainerRuntime runtime, EngineDocument document, string id, string name, string source, CancellationToken ct)
    {
        // Without an engine it is made of the engine's files: the record must not say that an engine was asked.
        source = runtime.IsLive ? source : $"{runtime.Endpoint}, in place of {source}";
        Stream content;
        try
        {
            content = await runtime.OpenDocumentAsync(document, id, ct);
        }
        catch (Exception failure) when (failure is IOException or OperatorException)
        {
            sink.AddGap(source, failure.Message);
            return false;
        }

        await using (content)
        {
            EvidenceItem item = await sink.AddAsync(name, content, new ItemOptions(source), ct);
            return item.Status == ItemStatus.Complete;
        }
    }

    /// <summary>Writes an array of texts in display form.</summary>
    public static void WriteTexts(this Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
        {
            json.WriteStringValue(DisplayText.Escape(value));
        }

        json.WriteEndArray();
    }
}
