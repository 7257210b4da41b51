using System.Text.Json;

namespace ContainerIR.Evidence.Journals;

/// <summary>One line of <c>journal.jsonl</c>: what was done, when, after which line.</summary>
public sealed record JournalEntry
{
    /// <summary>Number of the line, from 0.</summary>
    public required long Seq { get; init; }

    /// <summary>SHA-256 of the line before, its line feed included; 64 zeros in the first line.</summary>
    public required string Prev { get; init; }

    /// <summary>When (UTC). The line has nine decimals, this type keeps seven.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>CLOCK_MONOTONIC in nanoseconds: tells order and distance where the clock was set in between.</summary>
    public required long MonoNs { get; init; }

    /// <summary>What: <c>bundle.open</c>, <c>item.close</c>, <c>gap</c>, <c>seal</c>…</summary>
    public required string Event { get; init; }

    /// <summary>The object of the event's own fields.</summary>
    public required JsonElement Fields { get; init; }

    /// <summary>SHA-256 of this line, its line feed included, lower-case hexadecimal: the <see cref="Prev"/> of the next.</summary>
    public required string LineSha256 { get; init; }
}
