using ContainerIR.Actions.Changes;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Actions;

/// <summary>Gives the container another name, so that nothing finds it, or starts it, by the old one.</summary>
internal sealed class RenameAction(ActionParts parts) : ContainerAction(parts), IReversible
{
    public override string Name => "rename";

    public override string Title => "Give the container another name";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost => "Its name in the engine's records; its name in the DNS of its networks. Compose makes a new one under the old name.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [new("to", ParameterKind.Text, "The new name.", Required: true)];

    public async Task<ChangeLook> LookAsync(Change change, CancellationToken ct)
    {
        await using ActionScene? scene = await ActionScene.OfChangeAsync(Parts, change, ct);
        return scene is null ? new ChangeLook(ChangeCondition.Gone, "the container is gone")
            : scene.Container.Name == change.Fact("to") ? new ChangeLook(ChangeCondition.InForce, $"renamed from {DisplayText.Shorten(change.Fact("from"), 64)}")
            : new ChangeLook(ChangeCondition.NotInForce, $"its name is {DisplayText.Shorten(scene.Container.Name, 64)}");
    }

    public async Task<UndoResult> UndoAsync(Change change, UndoChoices choices, CancellationToken ct)
    {
        await using ActionScene? scene = await ActionScene.OfChangeAsync(Parts, change, ct);
        string from = change.Fact("from");
        if (scene is null || scene.Container.Name != change.Fact("to"))
        {
            return new UndoResult(true, "It has another name already.", []);
        }

        await scene.Control.RenameAsync(change.ContainerId, from, ct);
        return new UndoResult(true, $"It is called {DisplayText.Shorten(from, 64)} again.", [["docker", "rename", change.ContainerId, from]]);
    }

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        string to = Value(call, "to");
        return Planned(to.Length is < 2 or > 128 || !char.IsAsciiLetterOrDigit(to[0]) || to.Any(static each => !(char.IsAsciiLetterOrDigit(each) || each is '_' or '.' or '-'))
            ? ActionPlan.Refused("'to' must be 2 to 128 letters, digits, _ . - beginning with a letter or digit.")
            : to == scene.Container.Name
                ? new ActionPlan { EvidenceCost = "none", NothingToDo = "It has that name already." }
                : new ActionPlan
                {
                    Commands = [["docker", "rename", scene.Container.Id, to]],
                    EvidenceCost = EvidenceCost,
                    Facts = new Dictionary<string, string> { ["from"] = scene.Container.Name, ["to"] = to },
                    Apply = async token =>
                    {
                        await scene.Control.RenameAsync(scene.Container.Id, to, token);
                        bool isRenamed = (await scene.Runtime.ResolveAsync(scene.Container.Id, token)).Name == to;
                        return new AppliedChange($"It is called {to} now.", isRenamed) { Done = isRenamed };
                    },
                });
    }
}
