namespace ContainerIR.Analyzers.Sigma;

/// <summary>When a rule that fired counts less: our own addition to a rule file, under the key <c>containerir</c>.</summary>
/// <param name="When">Made of the same detection.</param>
/// <param name="To">The lower severity.</param>
/// <param name="Because">The reason the finding shows.</param>
internal sealed record SigmaLowering(SigmaTest When, Severity To, string Because);

/// <summary>A rule file, compiled.</summary>
internal sealed record SigmaRule
{
    /// <summary>What a finding of it means.</summary>
    public required Rule Meaning { get; init; }

    /// <summary>Which rows it is held against: a view of <see cref="SigmaFields"/>.</summary>
    public required string View { get; init; }

    public required SigmaTest Condition { get; init; }

    /// <summary>The first that holds is taken.</summary>
    public IReadOnlyList<SigmaLowering> Lowerings { get; init; } = [];

    /// <summary>Fields the detection names, in its order: what a finding shows.</summary>
    public required IReadOnlyList<string> Fields { get; init; }

    /// <summary>What of it can never be true here; the rest is run.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>What became of one rule of a file.</summary>
/// <param name="File">Name of the file, display form.</param>
/// <param name="Title">Title of the rule; empty when it has none.</param>
/// <param name="Rule">Compiled; null when it cannot be run.</param>
/// <param name="Reason">Why it cannot be run; null when it can.</param>
internal sealed record SigmaOutcome(string File, string Title, SigmaRule? Rule, string? Reason);
