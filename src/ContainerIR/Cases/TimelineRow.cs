namespace ContainerIR.Cases;

/// <summary>
/// One thing that happened: when, what that instant means, what kind of evidence says so, what it says, and the line that says it. The one row form for
/// everything in a case; who wants more than the message opens <see cref="Item"/> of <see cref="Bundle"/> at <see cref="Row"/>.
/// </summary>
public sealed record TimelineRow
{
    /// <summary>When, in nanoseconds since 1970-01-01 UTC. What a file claims before 1677 or after 2262 stands at the end of that range.</summary>
    public required long AtNs { get; init; }

    /// <summary>The same instant, 100 ns exact, UTC.</summary>
    public DateTimeOffset At => Instant.FromNanoseconds(AtNs);

    /// <summary>
    /// What the instant means. For files one or more of <c>modified</c>, <c>changed</c>, <c>born</c>, <c>accessed</c>, joined by <c>+</c> where the object
    /// has the same time for each (as mactime shows <c>macb</c>); else one word, see <see cref="TimelineSources"/>.
    /// </summary>
    public required string Meaning { get; init; }

    /// <summary>What kind of evidence says so, one of <see cref="TimelineSources"/>.</summary>
    public required string Source { get; init; }

    /// <summary>What happened, in display form (hostile bytes escaped), at most 4,096 characters.</summary>
    public required string Message { get; init; }

    /// <summary>Folder name of the bundle that holds the evidence; null for what the case itself records.</summary>
    public string? Bundle { get; init; }

    /// <summary>Path in the bundle of the item that says so; <c>journal.jsonl</c> for what the bundle's journal says; null where there is no bundle.</summary>
    public string? Item { get; init; }

    /// <summary>Line of the (decompressed) item, from 1; place in the list where the item is one JSON array; null where it has no lines.</summary>
    public long? Row { get; init; }
}
