namespace ContainerIR.Actions;

/// <summary>Deletes the container.</summary>
internal sealed class RemoveAction(ActionParts parts) : ContainerAction(parts)
{
    public override string Name => "remove";

    public override string Title => "Delete the container; its volumes stay";

    public override ActionEffect Effect => ActionEffect.Destroys;

    public override string EvidenceCost => "Everything of it: memory, writable layer, log, configuration. Named and anonymous volumes stay.";

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct) => Planned(new ActionPlan
    {
        Commands = [["docker", "rm", "--force", scene.Container.Id]],
        EvidenceCost = EvidenceCost,
        Apply = async token =>
        {
            await scene.Control.RemoveAsync(scene.Container.Id, token);
            bool isGone = (await scene.Runtime.ListAsync(token)).All(each => each.Container.Id != scene.Container.Id);
            return new AppliedChange(isGone ? "It is deleted." : "The engine took the order, but still lists it.", isGone) { Done = isGone };
        },
    });
}
