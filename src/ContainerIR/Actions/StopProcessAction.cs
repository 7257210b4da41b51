using System.Globalization;
using ContainerIR.Actions.Changes;
using ContainerIR.Linux;

namespace ContainerIR.Actions;

/// <summary>Stops one process of the container by SIGSTOP, until SIGCONT.</summary>
internal sealed class StopProcessAction(ActionParts parts) : ContainerAction(parts), IReversible
{
    public override string Name => "stop-process";

    public override string Title => "Stop one process of the container (SIGSTOP)";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost => "Its parent can see it (waitpid with WUNTRACED), and so can a watcher inside.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [ProcessTarget.Parameter];

    public Task<ChangeLook> LookAsync(Change change, CancellationToken ct)
    {
        (int pid, ulong start) = TargetOf(change);
        return Task.FromResult(ProcessSignal.Look(pid) is not { IsZombie: false } stat || stat.StartTicks != start || change.BootId != FreezeState.CurrentBoot
            ? new ChangeLook(ChangeCondition.Gone, $"process {pid} has ended")
            : stat.State == 'T' ? new ChangeLook(ChangeCondition.InForce, $"process {pid} is stopped") : new ChangeLook(ChangeCondition.NotInForce, $"process {pid} runs ({stat.State})"));
    }

    public Task<UndoResult> UndoAsync(Change change, UndoChoices choices, CancellationToken ct)
    {
        (int pid, ulong start) = TargetOf(change);
        ProcessSignal.Send(pid, start, Libc.SIGCONT, TimeSpan.Zero);
        return Task.FromResult(new UndoResult(true, $"Process {pid} goes on.", [["kill", "-CONT", pid.ToString(CultureInfo.InvariantCulture)]]));
    }

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        if (ProcessTarget.Find(scene, Value(call, "pid"), out string fault) is not { } target)
        {
            return Planned(ActionPlan.Refused(fault));
        }

        return Planned(target.State == 'T'
            ? new ActionPlan { EvidenceCost = "none", NothingToDo = $"Process {target.Pid} ({target.Name}) is stopped already, not by this." }
            : new ActionPlan
            {
                Commands = [["kill", "-STOP", target.Pid.ToString(CultureInfo.InvariantCulture)]],
                EvidenceCost = EvidenceCost,
                Facts = new Dictionary<string, string>
                {
                    ["pid"] = target.Pid.ToString(CultureInfo.InvariantCulture),
                    ["start"] = target.StartTicks.ToString(CultureInfo.InvariantCulture),
                    ["name"] = target.Name,
                },
                Apply = _ =>
                {
                    ProcessSignal.Send(target.Pid, target.StartTicks, Libc.SIGSTOP, TimeSpan.Zero);
                    bool isStopped = false;
                    for (int attempt = 0; attempt < 200 && !isStopped; attempt++)
                    {
                        Libc.Pause(TimeSpan.FromMilliseconds(5));
                        isStopped = ProcessSignal.Look(target.Pid) is { State: 'T' };
                    }

                    return Task.FromResult(new AppliedChange($"Process {target.Pid} ({target.Name}) {(isStopped ? "is stopped" : "was told to stop, and has not yet")}.", isStopped));
                },
            });
    }

    private static (int Pid, ulong Start) TargetOf(Change change) =>
        (int.TryParse(change.Fact("pid"), CultureInfo.InvariantCulture, out int pid) ? pid : 0, ulong.TryParse(change.Fact("start"), CultureInfo.InvariantCulture, out ulong start) ? start : 0);
}
