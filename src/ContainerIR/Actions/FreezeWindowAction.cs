using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Actions;

/// <summary>Holds a container still for a time by its own freezer, without the engine. A guard process thaws it should we die.</summary>
internal sealed class FreezeWindowAction(ActionParts parts) : ContainerAction(parts)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(30);

    public override string Name => "freeze-window";

    public override string Title => "Hold the container still for a time, then let it go on, whatever happens to us";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost => "A gap in time; the engine and the container are told nothing; a health check that runs meanwhile may fail.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } =
        [new("max", ParameterKind.Duration, "How long it stands still, at most 30m; interrupting thaws at once.", Default: "60s")];

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct) => Planned(
        !Spans.TryParseTime(Value(call, "max"), out TimeSpan window) || window > Longest ? ActionPlan.Refused("'max' must be a span of time of at most 30m, such as 60s.")
        : scene.Container.State != ContainerState.Running ? ActionPlan.Refused($"Container {scene.Container.ShortId} is {scene.Container.State.ToString().ToLowerInvariant()}: it need not, or cannot, be held.")
        : new ActionPlan
        {
            Commands = [["cir", "do", "freeze-window", scene.Container.Id, "--max", Value(call, "max")]],
            EvidenceCost = EvidenceCost,
            Apply = async token =>
            {
                HeldContainer held = await new Freezer(Parts.Guard, Parts.Clock).FreezeAsync(scene.Container.Id, scene.Container.InitPid, isPaused: false, window, token);
                await using (held)
                {
                    if (!held.IsHeld)
                    {
                        return new AppliedChange($"It could not be held: {held.Report.Reason}", false) { Done = false, StaysInForce = false };
                    }

                    await Task.Delay(window, Parts.Clock, token);
                }

                bool isFrozen = held.Report.Outcome == FreezeOutcome.Frozen;
                return new AppliedChange($"It stood still for {held.Report.Held.TotalSeconds:F1} s{(isFrozen ? "" : ", but not every task: " + held.Report.Reason)}.", isFrozen) { StaysInForce = false };
            },
        });
}
