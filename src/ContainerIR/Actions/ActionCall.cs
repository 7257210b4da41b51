namespace ContainerIR.Actions;

/// <summary>One request for an action: the same record from <c>cir do</c>, from a playbook's step and from the console.</summary>
/// <param name="Container">The container's id or name as typed; empty for an action that needs none.</param>
/// <param name="With">Parameters by name, already checked against <see cref="IAction.Parameters"/>, defaults filled in.</param>
/// <param name="CaseId">The case the action belongs to.</param>
/// <param name="Actor">Who asked for it, as the case's timeline names people.</param>
/// <param name="Override">The written reason for running without sealed evidence; <see langword="null"/> when the gate holds.</param>
internal sealed record ActionCall(
    string Container, IReadOnlyDictionary<string, string> With, string CaseId, string Actor, string? Override = null)
{
    /// <summary>The request as typed, as argv: what is recorded, approved and shown.</summary>
    public IReadOnlyList<string> Command(IAction action) => Command(action, Container, With);

    /// <inheritdoc cref="Command(IAction)"/>
    public static IReadOnlyList<string> Command(IAction action, string container, IReadOnlyDictionary<string, string> with) =>
        ["cir", "do", action.Name, .. container.Length > 0 ? [container] : Array.Empty<string>(), .. with.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"--{pair.Key.Replace('_', '-')}={pair.Value}")];
}

/// <summary>What an action would do, found out without changing anything.</summary>
/// <param name="Commands">The equivalent commands, each as argv; what a dry run prints.</param>
/// <param name="EvidenceCost">What it alters or destroys for this container, in one sentence.</param>
/// <param name="Faults">Why it cannot run now, each with its remedy; empty when it can.</param>
internal sealed record ActionPreview(IReadOnlyList<IReadOnlyList<string>> Commands, string EvidenceCost, IReadOnlyList<string> Faults);

/// <summary>What an action did.</summary>
/// <param name="Done">Whether it did what was asked.</param>
/// <param name="Summary">One sentence for a person.</param>
/// <param name="Commands">What was run or asked of the engine or the kernel, each as argv.</param>
/// <param name="ChangeId">The id of the change it left in force, for <c>cir undo</c>; <see langword="null"/> when there is none.</param>
/// <param name="Verified">Whether probing showed it in force; <see langword="null"/> when there is nothing to probe.</param>
/// <param name="Outputs">Values for a playbook's variables, by name.</param>
/// <param name="EvidenceRefs">Bundles or items the action produced.</param>
internal sealed record ActionOutcome(
    bool Done, string Summary, IReadOnlyList<IReadOnlyList<string>> Commands, string? ChangeId, bool? Verified,
    IReadOnlyDictionary<string, string> Outputs, IReadOnlyList<string> EvidenceRefs);
