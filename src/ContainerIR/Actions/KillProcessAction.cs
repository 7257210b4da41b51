using System.Globalization;
using ContainerIR.Linux;

namespace ContainerIR.Actions;

/// <summary>Kills one process of the container.</summary>
internal sealed class KillProcessAction(ActionParts parts) : ContainerAction(parts)
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);

    public override string Name => "kill-process";

    public override string Title => "Kill one process of the container (SIGKILL)";

    public override ActionEffect Effect => ActionEffect.Destroys;

    public override string EvidenceCost => "Its memory, descriptors and deleted files. Its first process takes the whole container with it.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [ProcessTarget.Parameter];

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        if (ProcessTarget.Find(scene, Value(call, "pid"), out string fault) is not { } target)
        {
            return Planned(ActionPlan.Refused(fault));
        }

        bool isFirst = target.Pid == scene.Container.InitPid;
        return Planned(new ActionPlan
        {
            Commands = [["kill", "-KILL", target.Pid.ToString(CultureInfo.InvariantCulture)]],
            EvidenceCost = isFirst ? "It is the container's first process: everything in it ends. " + StopAction.CostOf(scene) : EvidenceCost,
            Facts = new Dictionary<string, string> { ["pid"] = target.Pid.ToString(CultureInfo.InvariantCulture), ["name"] = target.Name },
            Apply = _ =>
            {
                bool isGone = ProcessSignal.Send(target.Pid, target.StartTicks, Libc.SIGKILL, EndLimit);
                return Task.FromResult(new AppliedChange($"Process {target.Pid} ({target.Name}) {(isGone ? "is dead" : "was killed and has not ended yet")}.", isGone) { Done = isGone });
            },
        });
    }
}
