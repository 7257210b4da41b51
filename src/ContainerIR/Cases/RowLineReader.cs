using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>Rows of an item with the number of their line; a line that is no row is noted and passed over.</summary>
internal static class RowLineReader
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32 };

    public static IEnumerable<(long Number, T Row)> Read<T>(Stream content, IndexWriter writer, Func<JsonElement, T?> parse, CancellationToken ct)
        where T : class
    {
        foreach (StreamLine line in JsonLines.Read(content, RowLimits.Default.LineBytes))
        {
            ct.ThrowIfCancellationRequested();
            if (line.IsCut)
            {
                writer.Note(line.Number, "longer than a row may be");
            }
            else if (Parse(line.Content, parse) is { } row)
            {
                yield return (line.Number, row);
            }
            else
            {
                writer.Note(line.Number, "not a row");
            }
        }
    }

    private static T? Parse<T>(ReadOnlyMemory<byte> line, Func<JsonElement, T?> parse)
        where T : class
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, Options);
            return parse(document.RootElement);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
