namespace ContainerIR.Actions;

/// <summary>One thing a responder can do to a container, or about it: a file here and a line in <c>ActionList</c>.</summary>
internal interface IAction
{
    /// <summary>The word typed after <c>cir do</c> and written in a playbook.</summary>
    string Name { get; }

    /// <summary>What it does, in one line.</summary>
    string Title { get; }

    /// <summary>What it does to the scene.</summary>
    ActionEffect Effect { get; }

    /// <summary>What evidence it costs, in general; the preview says what it costs here.</summary>
    string EvidenceCost { get; }

    /// <summary>Whether <c>cir undo</c> can put back what it changed.</summary>
    bool CanBeUndone { get; }

    /// <summary>Programs and privileges it needs, for the preflight.</summary>
    IReadOnlyList<string> Needs { get; }

    /// <summary>Whether it is about one container; else <see cref="ActionCall.Container"/> may be empty.</summary>
    bool NeedsContainer => true;

    /// <summary>The parameters it takes.</summary>
    IReadOnlyList<ActionParameter> Parameters { get; }

    /// <summary>Finds out what <see cref="RunAsync"/> would do; changes nothing.</summary>
    Task<ActionPreview> PreviewAsync(ActionCall call, CancellationToken ct);

    /// <summary>Does it: intent journaled first, then the change, then the proof that it is in force.</summary>
    Task<ActionOutcome> RunAsync(ActionCall call, CancellationToken ct);
}
