using ContainerIR.Actions.Changes;

namespace ContainerIR.Actions.Isolation;

/// <summary>Lifts the isolation of a container, by the journal; ends the connections that outlived it first.</summary>
internal sealed class ReleaseAction(ActionParts parts) : ContainerAction(parts)
{
    public override string Name => "release";

    public override string Title => "Lift the container's isolation exactly, surviving connections ended first";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost => "With reset_sockets the connections that outlived the isolation, with what is queued in them; capture the sockets first.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } =
        [new("reset_sockets", ParameterKind.Switch, "End surviving connections first; else the attacker's session goes on where it stopped.", Default: "true")];

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        List<Change> open = Parts.Journal.Open(scene.Container.Id, "isolate");
        bool isReset = Value(call, "reset_sockets") != "false";
        return Planned(open.Count == 0
            ? new ActionPlan { EvidenceCost = "none", NothingToDo = $"No isolation of container {scene.Container.ShortId} is on record on this host." }
            : new ActionPlan
            {
                Commands = [.. open.Select(change => (IReadOnlyList<string>)["cir", "undo", change.Id, isReset ? "--reset-sockets" : "--keep-sockets"])],
                EvidenceCost = EvidenceCost,
                Facts = new Dictionary<string, string> { ["undoes"] = string.Join(',', open.Select(change => change.Id)) },
                Apply = token => LiftAsync(open, isReset, token),
            });
    }

    private async Task<AppliedChange> LiftAsync(List<Change> open, bool isReset, CancellationToken ct)
    {
        List<string> words = [];
        List<IReadOnlyList<string>> commands = [];
        bool isDone = true;
        foreach (Change change in open)
        {
            UndoResult result = await new ChangeUndo(Parts).RunLockedAsync(change, new UndoChoices(isReset), ct);
            words.Add(result.Summary);
            commands.AddRange(result.Commands);
            isDone &= result.Undone;
        }

        return new AppliedChange(string.Join(' ', words), isDone) { Done = isDone, Commands = commands, StaysInForce = false };
    }
}
