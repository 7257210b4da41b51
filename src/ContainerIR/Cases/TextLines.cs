using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>Texts that are searched and have no table of their own: rows of small items whose fields are joined by blanks.</summary>
internal static class TextLines
{
    private const int MaxDocumentBytes = 16 * 1024 * 1024;

    /// <summary>Reads an item of JSON Lines: of each row all texts, in their order.</summary>
    public static ItemReader Of(string kind) => (content, writer, ct) =>
    {
        foreach ((long number, string text) in RowLineReader.Read(content, writer, TextOf, ct))
        {
            writer.AddText(kind, text, number);
        }
    };

    /// <summary>The environment the container was configured with (Docker Engine API, ContainerInspect, Config.Env).</summary>
    public static void ReadConfiguredEnvironment(Stream content, IndexWriter writer, CancellationToken ct)
    {
        if (content.Length > MaxDocumentBytes)
        {
            writer.Note(null, $"longer than {MaxDocumentBytes} bytes: its environment is not searched");
            return;
        }

        byte[] bytes = new byte[content.Length];
        int count = content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes.AsMemory(0, count));
            foreach (string pair in document.RootElement.Object("Config").Texts("Env"))
            {
                ct.ThrowIfCancellationRequested();
                writer.AddText(TextKinds.Environment, DisplayText.Escape(pair), null);
            }
        }
        catch (JsonException failure)
        {
            writer.Note(null, $"not a configuration: {failure.Message}");
        }
    }

    private static string? TextOf(JsonElement row)
    {
        string text = string.Join(' ', TextsIn(row));
        return text.Length == 0 ? null : text[..Math.Min(text.Length, IndexWriter.MaxMessageCharacters)];
    }

    // Depth and length are bounded by the reader of lines. Exact bytes beside a display field would say it twice.
    private static IEnumerable<string> TextsIn(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [value.TextOrNull() ?? ""],
        JsonValueKind.Object => value.EnumerateObject().Where(field => !JsonFields.NameOf(field).EndsWith("_b64", StringComparison.Ordinal)).SelectMany(field => TextsIn(field.Value)),
        JsonValueKind.Array => value.EnumerateArray().SelectMany(TextsIn),
        _ => [],
    };
}
