namespace ContainerIR.Actions;

/// <summary>What an action found out about the scene, and how it would go on. Nothing is changed by making it.</summary>
internal sealed record ActionPlan
{
    /// <summary>The equivalent commands, each as argv.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Commands { get; init; } = [];

    /// <summary>What it costs here, in one sentence.</summary>
    public required string EvidenceCost { get; init; }

    /// <summary>Why it cannot run now, each with its remedy.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>Old values, and what else undoing needs: journaled before anything is changed.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = new Dictionary<string, string>();

    /// <summary>Said when there is nothing to change, because it is so already; then <see cref="Apply"/> is not called.</summary>
    public string? NothingToDo { get; init; }

    /// <summary>Outputs known before the change.</summary>
    public IReadOnlyDictionary<string, string> Outputs { get; init; } = new Dictionary<string, string>();

    /// <summary>Makes the change.</summary>
    public Func<CancellationToken, Task<AppliedChange>>? Apply { get; init; }

    /// <summary>A plan that cannot run.</summary>
    public static ActionPlan Refused(string fault) => new() { EvidenceCost = "none: it does not run", Faults = [fault] };
}

/// <summary>What making a change did.</summary>
/// <param name="Summary">One sentence.</param>
/// <param name="Verified">Whether probing showed it; null when there is nothing to probe.</param>
internal sealed record AppliedChange(string Summary, bool? Verified)
{
    /// <summary>Whether it did what was asked.</summary>
    public bool Done { get; init; } = true;

    /// <summary>What was run beyond the plan's commands, or in their place.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? Commands { get; init; }

    /// <summary>Facts known only now; they join the journaled ones.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Outputs { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<string> EvidenceRefs { get; init; } = [];

    /// <summary>Whether something is left in force that could be put back.</summary>
    public bool StaysInForce { get; init; } = true;
}
