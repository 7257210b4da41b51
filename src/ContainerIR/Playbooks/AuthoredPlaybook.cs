namespace ContainerIR.Playbooks;

/// <summary>A playbook as its author wrote it: names for ids, nested branches, order by place. Nothing runs it: it is compiled to CACAO first.</summary>
internal sealed record AuthoredPlaybook
{
    public required string Slug { get; init; }

    public required string Name { get; init; }

    public required string Version { get; init; }

    public required string Description { get; init; }

    public IReadOnlyList<string> Types { get; init; } = [];

    public long? Severity { get; init; }

    public long? Impact { get; init; }

    public long? Priority { get; init; }

    public string? Tlp { get; init; }

    public IReadOnlyList<string> Labels { get; init; } = [];

    public IReadOnlyList<string> TriggerRules { get; init; } = [];

    public string? TriggerWhen { get; init; }

    public IReadOnlyList<IReadOnlyDictionary<string, string>> References { get; init; } = [];

    public IReadOnlyList<AuthoredVariable> Variables { get; init; } = [];

    public IReadOnlyList<AuthoredAgent> Agents { get; init; } = [];

    public IReadOnlyList<AuthoredStep> OnException { get; init; } = [];

    public IReadOnlyList<AuthoredStep> Steps { get; init; } = [];

    public string? Created { get; init; }

    public string? Modified { get; init; }
}

/// <summary>A variable.</summary>
internal sealed record AuthoredVariable(
    string Name, string Type, string? Value, bool IsExternal, bool IsConstant, string? Description, IReadOnlyList<string> Choices, int Line, int Column);

/// <summary>A person or group that decides or does things.</summary>
internal sealed record AuthoredAgent(string Name, string Type, string Title);

/// <summary>Who must agree before a step runs.</summary>
/// <param name="Quorum">How many distinct people.</param>
/// <param name="Roles">Each of them in one of these roles.</param>
/// <param name="ExcludeOperator">Whether the person at the keyboard does not count.</param>
/// <param name="Expires">After so long the step counts as refused.</param>
/// <param name="BreakGlass">Whether the operator may go on alone with a written reason.</param>
internal sealed record Approval(int Quorum, IReadOnlyList<string> Roles, bool ExcludeOperator, TimeSpan Expires, bool BreakGlass);

/// <summary>The kinds of steps.</summary>
internal enum AuthoredKind
{
    Action,
    Manual,
    If,
    Switch,
    Parallel,
    While,
    Call,
}

/// <summary>What happens when a step fails.</summary>
internal enum FailureWay
{
    Abort,
    Continue,
    Goto,
    Steps,
}

/// <summary>A named sequence below a step: <c>then</c>, a case, a branch.</summary>
internal sealed record AuthoredBranch(string Name, IReadOnlyList<AuthoredStep> Steps);

/// <summary>A step.</summary>
internal sealed record AuthoredStep
{
    public required string Id { get; init; }

    public required AuthoredKind Kind { get; init; }

    public int Line { get; init; }

    public int Column { get; init; }

    public string? Name { get; init; }

    public string? Why { get; init; }

    public TimeSpan? Timeout { get; init; }

    public TimeSpan? Delay { get; init; }

    public FailureWay OnFailure { get; init; }

    public string? FailureTarget { get; init; }

    public IReadOnlyList<AuthoredStep> FailureSteps { get; init; } = [];

    public string? Owner { get; init; }

    public IReadOnlyList<string> Nist { get; init; } = [];

    public IReadOnlyList<string> Pci { get; init; } = [];

    public IReadOnlyList<string> React { get; init; } = [];

    public IReadOnlyList<string> D3fend { get; init; } = [];

    /// <summary>Name of the action; slug of the called playbook.</summary>
    public string? Action { get; init; }

    public IReadOnlyDictionary<string, string> With { get; init; } = new Dictionary<string, string>();

    public string? Evidence { get; init; }

    public Approval? Approve { get; init; }

    public string? Rollback { get; init; }

    public IReadOnlyList<string> Out { get; init; } = [];

    public string? Manual { get; init; }

    public IReadOnlyList<string> Ask { get; init; } = [];

    /// <summary>Condition of if and while, variable of switch; as written.</summary>
    public string? Condition { get; init; }

    public int Max { get; init; }

    /// <summary>then, else; the cases; the branches; do.</summary>
    public IReadOnlyList<AuthoredBranch> Branches { get; init; } = [];
}
