using System.Text.Json;

namespace ContainerIR.Rows;

/// <summary>Bounds for reading rows of a bundle, which may come from anybody.</summary>
/// <param name="LineBytes">Longest line taken.</param>
/// <param name="Rows">Most rows taken.</param>
public sealed record RowLimits(int LineBytes = 16 * 1024 * 1024, long Rows = 5_000_000)
{
    /// <summary>16 MiB a line, five million rows.</summary>
    public static RowLimits Default { get; } = new();
}

/// <summary>What was passed over while rows were read.</summary>
public sealed class RowProblems
{
    /// <summary>Lines that are no JSON object or lack what every row of the kind has.</summary>
    public long Malformed { get; internal set; }

    /// <summary>Lines longer than the limit.</summary>
    public long TooLong { get; internal set; }

    /// <summary>Whether reading ended at the limit of rows.</summary>
    public bool IsCut { get; internal set; }

    /// <summary>Whether every line became a row.</summary>
    public bool IsClean => Malformed == 0 && TooLong == 0 && !IsCut;
}

/// <summary>Reads rows of JSON Lines as a stream: one line in memory at a time; a line that cannot be read is counted and passed over.</summary>
public static class RowReader
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32 };

    /// <summary>Reads rows to the end of the (decompressed) stream.</summary>
    /// <param name="lines">The content of the item.</param>
    /// <param name="parse">Turns one object into a row; null when it is none.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="problems">Counts what was passed over.</param>
    public static IEnumerable<T> Read<T>(Stream lines, Func<JsonElement, T?> parse, RowLimits limits, RowProblems problems)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(lines);
        ArgumentNullException.ThrowIfNull(parse);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(problems);
        return ReadAll(lines, parse, limits, problems);
    }

    private static IEnumerable<T> ReadAll<T>(Stream lines, Func<JsonElement, T?> parse, RowLimits limits, RowProblems problems)
        where T : class
    {
        long rows = 0;
        foreach (StreamLine line in JsonLines.Read(lines, limits.LineBytes))
        {
            if (line.IsCut)
            {
                problems.TooLong++;
            }
            else if (!line.Content.IsEmpty)
            {
                if (rows == limits.Rows)
                {
                    problems.IsCut = true;
                    yield break;
                }

                if (Parse(line.Content, parse) is { } row)
                {
                    rows++;
                    yield return row;
                }
                else
                {
                    problems.Malformed++;
                }
            }
        }
    }

    private static T? Parse<T>(ReadOnlyMemory<byte> line, Func<JsonElement, T?> parse)
        where T : class
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, Options);
            return document.RootElement.ValueKind == JsonValueKind.Object ? parse(document.RootElement) : null;
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            // Text with lone surrogates is valid JSON and no string.
            return null;
        }
    }
}
