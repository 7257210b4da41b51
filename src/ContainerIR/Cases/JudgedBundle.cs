namespace ContainerIR.Cases;

/// <summary>Says what is wrong with a sealed bundle. The same bytes must always give the same.</summary>
/// <param name="bundlePath">The bundle.</param>
/// <param name="ct">Cancels.</param>
public delegate JudgedBundle BundleJudge(string bundlePath, CancellationToken ct);

/// <summary>What judging a bundle gave.</summary>
/// <param name="Score">0 to 100.</param>
/// <param name="Findings">Worst first, those suppressed last.</param>
/// <param name="LeftOut">Findings left out because their rule had fired very often.</param>
/// <param name="NotJudged">How many things could not be read or were never collected, and so not be judged.</param>
public sealed record JudgedBundle(int Score, IReadOnlyList<JudgedFinding> Findings, int LeftOut, int NotJudged);

/// <summary>A rule that fired. All texts are in display form.</summary>
public sealed record JudgedFinding
{
    /// <summary>Words for <see cref="Severity"/>, the least first.</summary>
    public static IReadOnlyList<string> SeverityWords { get; } = ["info", "low", "medium", "high", "critical"];

    /// <summary>Id of the rule.</summary>
    public required string Rule { get; init; }

    /// <summary>What it means, in a few words.</summary>
    public required string Title { get; init; }

    /// <summary>One of <see cref="SeverityWords"/>.</summary>
    public required string Severity { get; init; }

    /// <summary>MITRE ATT&amp;CK ids, the main one first.</summary>
    public required IReadOnlyList<string> Attack { get; init; }

    /// <summary>The values it rests on, one <c>name: value</c> each.</summary>
    public required IReadOnlyList<string> Seen { get; init; }

    /// <summary>Path of the item that says so.</summary>
    public required string Item { get; init; }

    /// <summary>Line of the (decompressed) item, from 1; null for a document.</summary>
    public long? Row { get; init; }

    /// <summary>Byte of the (decompressed) item; null where only the line is known.</summary>
    public long? Offset { get; init; }

    /// <summary>Why it is less bad than its rule says; null when it is not.</summary>
    public string? LoweredBy { get; init; }

    /// <summary>Entry of an allow-list that suppresses it; null when none does.</summary>
    public string? SuppressedBy { get; init; }
}
