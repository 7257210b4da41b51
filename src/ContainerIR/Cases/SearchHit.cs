namespace ContainerIR.Cases;

/// <summary>One place that answers a search. All texts are in display form.</summary>
public sealed record SearchHit
{
    /// <summary>Case id.</summary>
    public required string Case { get; init; }

    /// <summary>What it is: a word of <see cref="TextKinds"/>, or for what has an instant a word of <see cref="TimelineSources"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>What stands there, at most 4,096 characters.</summary>
    public required string Text { get; init; }

    /// <summary>Folder name of the bundle; null for the case's own record.</summary>
    public string? Bundle { get; init; }

    /// <summary>Path of the item in the bundle; null where there is none.</summary>
    public string? Item { get; init; }

    /// <summary>Line of the (decompressed) item, from 1; of the case's record its row; null for a document.</summary>
    public long? Row { get; init; }

    /// <summary>Byte of the (decompressed) item; null where only the line is known.</summary>
    public long? Offset { get; init; }

    /// <summary>When it happened, ns since 1970; null where that is not a question.</summary>
    public long? AtNs { get; init; }

    /// <summary>Which indicator of a list it answers; null where none was asked for.</summary>
    public string? Indicator { get; init; }
}
