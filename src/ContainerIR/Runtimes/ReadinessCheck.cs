namespace ContainerIR.Runtimes;

/// <summary>What a check found.</summary>
public enum ReadinessState
{
    /// <summary>As wanted.</summary>
    Ok,

    /// <summary>The work can be done, some of it in a lesser way.</summary>
    Warning,

    /// <summary>Something will not work.</summary>
    Failure,
}

/// <summary>One line of what <c>cir doctor</c> says of a host.</summary>
/// <param name="Id">Short stable word, for machines.</param>
/// <param name="Title">What was looked at.</param>
/// <param name="State">What was found.</param>
/// <param name="Seen">The value seen, display form.</param>
/// <param name="Meaning">What it means for an acquisition.</param>
/// <param name="Remedy">What to do about it; null where there is nothing to do.</param>
public sealed record ReadinessCheck(string Id, string Title, ReadinessState State, string Seen, string Meaning, string? Remedy);
