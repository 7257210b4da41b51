using System.Globalization;
using ContainerIR.Actions.Changes;
using ContainerIR.Rows;

namespace ContainerIR.Actions;

/// <summary>Keeps the engine from starting the container again by itself: restart policy "no", and the old one on record.</summary>
internal sealed class HoldAction(ActionParts parts) : ContainerAction(parts), IReversible
{
    public override string Name => "hold";

    public override string Title => "Stop automatic change: restart policy off; say who else would replace or delete it";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost => "One field of the engine's hostconfig.json.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } =
    [
        new("restart_policy", ParameterKind.Switch, "Set the restart policy to no.", Default: "true"),
        new("watch_events", ParameterKind.Switch, "Take down how often it was restarted and by whom it may be replaced.", Default: "true"),
    ];

    public async Task<ChangeLook> LookAsync(Change change, CancellationToken ct)
    {
        await using ActionScene? scene = await ActionScene.OfChangeAsync(Parts, change, ct);
        return scene is null ? new ChangeLook(ChangeCondition.Gone, "the container is gone")
            : PolicyOf(scene).Name is "no" or "" ? new ChangeLook(ChangeCondition.InForce, $"restart policy no (was {change.Fact("policy")})")
            : new ChangeLook(ChangeCondition.NotInForce, $"its restart policy is {PolicyOf(scene).Name}");
    }

    public async Task<UndoResult> UndoAsync(Change change, UndoChoices choices, CancellationToken ct)
    {
        await using ActionScene? scene = await ActionScene.OfChangeAsync(Parts, change, ct);
        string policy = change.Fact("policy");
        long retries = long.TryParse(change.Fact("retries"), CultureInfo.InvariantCulture, out long number) ? number : 0;
        if (scene is null || PolicyOf(scene) == (policy, retries))
        {
            return new UndoResult(true, $"Its restart policy is {policy} already.", []);
        }

        if (PolicyOf(scene).Name is not ("no" or ""))
        {
            return new UndoResult(true, $"Somebody set its restart policy to {PolicyOf(scene).Name} meanwhile: left as it is.", []);
        }

        await scene.Control.SetRestartPolicyAsync(change.ContainerId, policy, retries, ct);
        return new UndoResult(true, $"Its restart policy is {policy} again.", [["docker", "update", "--restart", Word(policy, retries), change.ContainerId]]);
    }

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        (string policy, long retries) = PolicyOf(scene);
        List<string> notes = [];
        if (scene.IsRemovedWhenItEnds)
        {
            notes.Add("It was started with --rm: when it ends, its writable layer, anonymous volumes and log are deleted within a second, and that cannot be disarmed. Acquire before anything else.");
        }

        if (scene.Orchestrator is { } orchestrator)
        {
            notes.Add($"It belongs to {orchestrator}, which replaces it when it ends; keep that from happening there.");
        }

        Dictionary<string, string> outputs = new()
        {
            ["restart_policy"] = Word(policy, retries),
            ["auto_remove"] = scene.IsRemovedWhenItEnds ? "true" : "false",
            ["orchestrator"] = scene.Orchestrator ?? "",
            ["restarts"] = (scene.Inspect.Number("RestartCount") ?? 0).ToString(CultureInfo.InvariantCulture),
        };
        string words = notes.Count > 0 ? " " + string.Join(' ', notes) : "";
        return Planned(Value(call, "restart_policy") == "false" || policy is "no" or ""
            ? new ActionPlan { EvidenceCost = "none", NothingToDo = $"Its restart policy is {Word(policy, retries)}, left as it is.{words}", Outputs = outputs }
            : new ActionPlan
            {
                Commands = [["docker", "update", "--restart", "no", scene.Container.Id]],
                EvidenceCost = EvidenceCost + words,
                Facts = new Dictionary<string, string> { ["policy"] = policy, ["retries"] = retries.ToString(CultureInfo.InvariantCulture) },
                Outputs = outputs,
                Apply = async token =>
                {
                    await scene.Control.SetRestartPolicyAsync(scene.Container.Id, "no", 0, token);
                    await using ActionScene after = await ActionScene.OpenAsync(Parts, scene.Container.Id, scene.Runtime.Endpoint, token);
                    bool isHeld = PolicyOf(after).Name is "no" or "";
                    return new AppliedChange($"Restart policy no (was {Word(policy, retries)}).{words}", isHeld) { Done = isHeld };
                },
            });
    }

    private static (string Name, long Retries) PolicyOf(ActionScene scene) =>
        (scene.HostConfig.Object("RestartPolicy").Text("Name") ?? "", scene.HostConfig.Object("RestartPolicy").Number("MaximumRetryCount") ?? 0);

    private static string Word(string policy, long retries) => policy.Length == 0 ? "no" : retries > 0 ? string.Create(CultureInfo.InvariantCulture, $"{policy}:{retries}") : policy;
}
