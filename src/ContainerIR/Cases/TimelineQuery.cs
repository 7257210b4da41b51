using System.Text;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>What is asked of a timeline. An empty query asks for all of it.</summary>
public sealed record TimelineQuery
{
    /// <summary>Not before this, ns since 1970.</summary>
    public long FromNs { get; init; } = long.MinValue;

    /// <summary>Not after this, ns since 1970.</summary>
    public long UntilNs { get; init; } = long.MaxValue;

    /// <summary>Only these sources; empty for all.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Only rows whose message holds this text; upper and lower case of ASCII letters are one. Null for all.</summary>
    public string? Grep { get; init; }

    /// <summary>At most so many rows, the oldest; 0 for all.</summary>
    public int Limit { get; init; }

    /// <summary>Reads an instant as people type it: RFC 3339, or without zone (UTC), without seconds, or a date alone.</summary>
    /// <exception cref="OperatorException">It is none.</exception>
    public static long ParseInstant(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string whole = text.Length switch
        {
            10 => text + "T00:00:00Z",
            16 => text + ":00Z",
            _ => text,
        };
        return Rfc3339.TryParse(Encoding.UTF8.GetBytes(whole), out long instant) || Rfc3339.TryParse(Encoding.UTF8.GetBytes(whole + "Z"), out instant)
            ? instant
            : throw new OperatorException(
                $"'{DisplayText.Shorten(text, 60)}' is not an instant.", "Write it in UTC as 2026-11-22, 2026-11-22T19:43 or 2026-11-22T19:43:44.527Z, or with an offset: 2026-11-22T20:43:44+01:00");
    }

    /// <summary>Checks that a word is a source.</summary>
    /// <exception cref="OperatorException">It is none.</exception>
    public static string CheckSource(string word) => TimelineSources.All.Contains(word, StringComparer.Ordinal)
        ? word
        : throw new OperatorException($"'{DisplayText.Shorten(word, 60)}' is not a source of the timeline.", $"There are: {string.Join(", ", TimelineSources.All)}");
}
