using ContainerIR.Actions.Changes;
using ContainerIR.Runtimes;

namespace ContainerIR.Actions;

/// <summary>Freezes a container through its engine, until it is undone.</summary>
internal sealed class PauseAction(ActionParts parts) : ContainerAction(parts), IReversible
{
    public override string Name => "pause";

    public override string Title => "Freeze every process of the container";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost =>
        "Gaps in time; a health check turns unhealthy at once; the kernel goes on taking connections, so queues grow and CLOSE_WAIT sockets pile up; nothing can be run inside.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } =
        [new("for_window", ParameterKind.Switch, "It is meant for a capture only: noted, so that a playbook thaws it at its end.", Default: "false")];

    public async Task<ChangeLook> LookAsync(Change change, CancellationToken ct)
    {
        await using ActionScene? scene = await ActionScene.OfChangeAsync(Parts, change, ct);
        return scene is null ? new ChangeLook(ChangeCondition.Gone, "the container is gone")
            : scene.Container.State == ContainerState.Paused ? new ChangeLook(ChangeCondition.InForce, "paused")
            : new ChangeLook(ChangeCondition.NotInForce, $"not paused: {scene.Container.State.ToString().ToLowerInvariant()}");
    }

    public async Task<UndoResult> UndoAsync(Change change, UndoChoices choices, CancellationToken ct)
    {
        await using ActionScene? scene = await ActionScene.OfChangeAsync(Parts, change, ct);
        if (scene is not { Container.State: ContainerState.Paused })
        {
            return new UndoResult(true, "It is not paused any more.", []);
        }

        await scene.Control.UnpauseAsync(change.ContainerId, ct);
        return new UndoResult(true, "It runs again.", [["docker", "unpause", change.ContainerId]]);
    }

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct) => Planned(scene.Container.State switch
    {
        ContainerState.Paused => new ActionPlan { EvidenceCost = "none", NothingToDo = "It is paused already, not by this." },
        ContainerState.Running => new ActionPlan
        {
            Commands = [["docker", "pause", scene.Container.Id]],
            EvidenceCost = EvidenceCost,
            Facts = new Dictionary<string, string> { ["for_window"] = Value(call, "for_window") },
            Apply = async token =>
            {
                await scene.Control.PauseAsync(scene.Container.Id, token);
                bool isPaused = (await scene.Runtime.ResolveAsync(scene.Container.Id, token)).State == ContainerState.Paused;
                return new AppliedChange(isPaused ? "Paused." : "The engine took the order, but does not call it paused.", isPaused) { Done = isPaused };
            },
        },
        var state => ActionPlan.Refused($"Container {scene.Container.ShortId} is {state.ToString().ToLowerInvariant()}: there is nothing to freeze."),
    });
}
