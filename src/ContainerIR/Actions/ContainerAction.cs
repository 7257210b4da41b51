using ContainerIR.Actions.Changes;
using ContainerIR.Evidence;

namespace ContainerIR.Actions;

/// <summary>
/// The way every change on a container goes: look, refuse where it cannot be, refuse what destroys evidence that is not sealed, journal the intent, change,
/// prove, journal the outcome. Deriving types say what to look at and how to change it.
/// </summary>
internal abstract class ContainerAction(ActionParts parts) : IAction
{
    public abstract string Name { get; }

    public abstract string Title { get; }

    public abstract ActionEffect Effect { get; }

    public abstract string EvidenceCost { get; }

    public bool CanBeUndone => this is IReversible;

    public virtual IReadOnlyList<string> Needs => ["root", "engine"];

    public virtual IReadOnlyList<ActionParameter> Parameters => [];

    protected ActionParts Parts { get; } = parts;

    public async Task<ActionPreview> PreviewAsync(ActionCall call, CancellationToken ct)
    {
        await using ActionScene scene = await ActionScene.OpenAsync(Parts, call.Container, null, ct);
        ActionPlan plan = await PlanAsync(scene, call, ct);
        string? gate = await GateAsync(scene, call, ct);
        return new ActionPreview(
            plan.Commands,
            plan.NothingToDo ?? plan.EvidenceCost,
            gate is null ? plan.Faults : [.. plan.Faults, $"{gate} {EvidenceGate.Remedy(call.CaseId, scene.Container)}"]);
    }

    public async Task<ActionOutcome> RunAsync(ActionCall call, CancellationToken ct)
    {
        using IDisposable? held = Effect == ActionEffect.Reads ? null : await Parts.Journal.LockAsync(ct);
        await using ActionScene scene = await ActionScene.OpenAsync(Parts, call.Container, null, ct);
        if (await GateAsync(scene, call, ct) is { } gate)
        {
            throw new OperatorException($"{Name} is refused: {gate}", EvidenceGate.Remedy(call.CaseId, scene.Container));
        }

        ActionPlan plan = await PlanAsync(scene, call, ct);
        if (plan.Faults.Count > 0)
        {
            throw new OperatorException($"{Name} cannot run: {string.Join(" ", plan.Faults)}", $"See what is in force: cir status; and what it would do: cir do {Name} {scene.Container.ShortId} --dry-run");
        }

        if (plan.NothingToDo is not null || plan.Apply is null)
        {
            return new ActionOutcome(true, plan.NothingToDo ?? "Nothing to do.", [], null, null, plan.Outputs, []);
        }

        if (Effect == ActionEffect.Reads)
        {
            return OutcomeOf(plan, await plan.Apply(ct), null);
        }

        Change change = Parts.Journal.Intend(new Change
        {
            Id = "",
            Action = Name,
            ContainerId = scene.Container.Id,
            ContainerName = scene.Container.Name,
            CaseId = call.CaseId,
            Actor = call.Actor,
            Override = Effect == ActionEffect.Destroys ? call.Override : null,
            Endpoint = scene.Runtime.Endpoint,
            BootId = "",
            State = ChangeState.Intended,
            IntendedAt = default,
            Facts = plan.Facts,
            Commands = plan.Commands,
        });
        AppliedChange applied;
        try
        {
            applied = await plan.Apply(ct);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            applied = new AppliedChange(failure.Message, false) { Done = false, StaysInForce = await MayStandAsync(change, ct) };
        }
        catch (OperationCanceledException) when (!CanBeUndone)
        {
            Parts.Journal.Save(change with { State = ChangeState.Failed, EndedAt = Parts.Clock.GetUtcNow(), Note = "interrupted" });
            throw;
        }

        bool isOpen = applied.StaysInForce && CanBeUndone;
        Parts.Journal.Save(change with
        {
            State = isOpen ? ChangeState.Done : applied.Done ? ChangeState.Final : ChangeState.Failed,
            DoneAt = Parts.Clock.GetUtcNow(),
            Facts = new Dictionary<string, string>([.. change.Facts.Where(fact => !applied.Facts.ContainsKey(fact.Key)), .. applied.Facts]),
            Commands = applied.Commands ?? plan.Commands,
            Verified = applied.Verified,
            Note = applied.Summary,
        });
        return OutcomeOf(plan, applied, isOpen ? change.Id : null);
    }

    /// <summary>Looks at the scene; changes nothing.</summary>
    protected abstract Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct);

    /// <summary>Outcomes of a plain plan.</summary>
    protected static Task<ActionPlan> Planned(ActionPlan plan) => Task.FromResult(plan);

    /// <summary>A parameter's value; empty when not given.</summary>
    protected static string Value(ActionCall call, string name) => call.With.GetValueOrDefault(name) ?? "";

    /// <summary>A switch.</summary>
    protected static bool IsOn(ActionCall call, string name) => Value(call, name) == "true";

    private async Task<string?> GateAsync(ActionScene scene, ActionCall call, CancellationToken ct) =>
        Effect != ActionEffect.Destroys || !string.IsNullOrWhiteSpace(call.Override) ? null : await EvidenceGate.ClosedAsync(Parts.Home, call.CaseId, scene.Container, ct);

    // A change that failed half-way must not vanish from what is in force.
    private async Task<bool> MayStandAsync(Change change, CancellationToken ct) =>
        this is IReversible && (await new ChangeUndo(Parts).LookAsync(change, ct)).Condition is ChangeCondition.InForce or ChangeCondition.Unknown;

    private static ActionOutcome OutcomeOf(ActionPlan plan, AppliedChange applied, string? changeId) => new(
        applied.Done,
        applied.Summary,
        applied.Commands ?? plan.Commands,
        changeId,
        applied.Verified,
        new Dictionary<string, string>([.. plan.Outputs.Where(each => !applied.Outputs.ContainsKey(each.Key)), .. applied.Outputs]),
        applied.EvidenceRefs);
}
