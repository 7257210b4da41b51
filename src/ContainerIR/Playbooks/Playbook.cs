namespace ContainerIR.Playbooks;

/// <summary>A compiled playbook: the CACAO 2.0 graph the engine runs. Made by <see cref="CacaoReader"/> alone, from our compiler's output or from a foreign file.</summary>
internal sealed record Playbook
{
    public required string Id { get; init; }

    /// <summary>The author's slug; for a foreign playbook its id.</summary>
    public required string Slug { get; init; }

    public required string Name { get; init; }

    public required string Version { get; init; }

    public required string Description { get; init; }

    public required IReadOnlyList<string> Types { get; init; }

    public string? Tlp { get; init; }

    public IReadOnlyList<string> TriggerRules { get; init; } = [];

    public string? TriggerWhen { get; init; }

    public required IReadOnlyDictionary<string, Variable> Variables { get; init; }

    public required IReadOnlyDictionary<string, string> AgentNames { get; init; }

    public required IReadOnlyDictionary<string, PlaybookStep> Steps { get; init; }

    public required string Start { get; init; }

    public string? Exception { get; init; }

    /// <summary>Whether it was not compiled by us: nothing of it runs by itself but our own actions.</summary>
    public required bool IsForeign { get; init; }

    /// <summary>RFC 8785 bytes of the whole object.</summary>
    public required byte[] Canonical { get; init; }

    /// <summary>SHA-256 of <see cref="Canonical"/>: which version this is.</summary>
    public required string Sha256 { get; init; }
}

/// <summary>A variable of a compiled playbook.</summary>
internal sealed record Variable(string Name, string Type, string? Value, bool IsExternal, bool IsConstant, string? Description, IReadOnlyList<string> Choices);

/// <summary>A step of a compiled playbook.</summary>
internal abstract record PlaybookStep
{
    public required string Id { get; init; }

    /// <summary>The author's id; for a foreign step its CACAO id.</summary>
    public required string SourceId { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public TimeSpan? Delay { get; init; }

    public TimeSpan? Timeout { get; init; }

    public string? OnCompletion { get; init; }

    public string? OnSuccess { get; init; }

    public string? OnFailure { get; init; }

    public string? Owner { get; init; }

    public string? Evidence { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    public IReadOnlyList<string> Out { get; init; } = [];

    /// <summary>Where it goes when it did well.</summary>
    public string? Next => OnSuccess ?? OnCompletion;
}

internal sealed record StartStep : PlaybookStep;

internal sealed record EndStep : PlaybookStep;

/// <summary>A built-in action.</summary>
internal sealed record BuiltInStep : PlaybookStep
{
    public required string Action { get; init; }

    /// <summary>Parameters; uses of variables as CACAO writes them.</summary>
    public required IReadOnlyDictionary<string, string> With { get; init; }

    public required string Rollback { get; init; }
}

/// <summary>Something a person does, and may answer.</summary>
internal sealed record ManualStep : PlaybookStep
{
    public required string Text { get; init; }

    public required string Agent { get; init; }
}

/// <summary>A decision of several people before a step.</summary>
internal sealed record ApprovalStep : PlaybookStep
{
    public required Approval Approval { get; init; }

    /// <summary>The author's id of the step it is about.</summary>
    public required string ApprovalOf { get; init; }
}

/// <summary>Commands of a foreign playbook: shown to a person; run only with permission for that playbook.</summary>
internal sealed record ForeignStep : PlaybookStep
{
    public required IReadOnlyList<ForeignCommand> Commands { get; init; }
}

/// <summary>A command that is not ours.</summary>
internal sealed record ForeignCommand(string Type, string Text);

internal sealed record IfStep : PlaybookStep
{
    public required string Condition { get; init; }

    public required string OnTrue { get; init; }

    public string? OnFalse { get; init; }
}

internal sealed record WhileStep : PlaybookStep
{
    public required string Condition { get; init; }

    public required string OnTrue { get; init; }

    public required int Max { get; init; }
}

internal sealed record SwitchStep : PlaybookStep
{
    public required string Switch { get; init; }

    public required IReadOnlyDictionary<string, string> Cases { get; init; }
}

internal sealed record ParallelStep : PlaybookStep
{
    /// <summary>First steps of the branches, each with its name.</summary>
    public required IReadOnlyList<(string Name, string First)> Branches { get; init; }
}

internal sealed record CallStep : PlaybookStep
{
    public required string PlaybookId { get; init; }

    /// <summary>The called playbook's slug where it is known.</summary>
    public string? Slug { get; init; }

    public required IReadOnlyDictionary<string, string> With { get; init; }
}
