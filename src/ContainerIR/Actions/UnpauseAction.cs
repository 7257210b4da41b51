using ContainerIR.Actions.Changes;
using ContainerIR.Runtimes;

namespace ContainerIR.Actions;

/// <summary>Lets a paused container run again.</summary>
internal sealed class UnpauseAction(ActionParts parts) : ContainerAction(parts)
{
    public override string Name => "unpause";

    public override string Title => "Let a paused container run again";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost => "What stood still goes on: timers fire, queued connections are taken, memory changes.";

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct) => Planned(scene.Container.State != ContainerState.Paused
        ? new ActionPlan { EvidenceCost = "none", NothingToDo = $"It is not paused: {scene.Container.State.ToString().ToLowerInvariant()}." }
        : new ActionPlan
        {
            Commands = [["docker", "unpause", scene.Container.Id]],
            EvidenceCost = EvidenceCost,
            Apply = async token =>
            {
                await scene.Control.UnpauseAsync(scene.Container.Id, token);
                foreach (Change change in Parts.Journal.Open(scene.Container.Id, "pause"))
                {
                    Parts.Journal.Save(change with { State = ChangeState.Undone, EndedAt = Parts.Clock.GetUtcNow(), Note = "unpaused" });
                }

                bool isRunning = (await scene.Runtime.ResolveAsync(scene.Container.Id, token)).State == ContainerState.Running;
                return new AppliedChange(isRunning ? "It runs again." : "The engine took the order, but does not call it running.", isRunning) { Done = isRunning };
            },
        });
}
