using ContainerIR.Runtimes;

namespace ContainerIR.Actions;

/// <summary>Ends the container.</summary>
internal sealed class StopAction(ActionParts parts) : ContainerAction(parts)
{
    private static readonly string[] Signals = ["SIGKILL", "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"];
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(15);

    public override string Name => "stop";

    public override string Title => "End the container";

    public override ActionEffect Effect => ActionEffect.Destroys;

    public override string EvidenceCost =>
        "Memory of every process, tmpfs and /dev/shm, its network namespace (sockets, rules, neighbours), deleted files still open. With --rm also its writable layer, anonymous volumes and log.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } =
        [new("signal", ParameterKind.Text, "Signal to its first process. SIGKILL gives no handler the chance to wipe.", Default: "SIGKILL", Choices: Signals)];

    /// <summary>What ending this container costs.</summary>
    public static string CostOf(ActionScene scene) => string.Join(' ', ((string?[])[
        "Lost: memory of every process, tmpfs, network namespace, deleted files still open.",
        scene.IsRemovedWhenItEnds ? "It was started with --rm: its writable layer, anonymous volumes and log are deleted within a second." : null,
        scene.Orchestrator is { } orchestrator ? $"It belongs to {orchestrator}, which starts another in its place." : null,
        ]).OfType<string>());

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        string signal = Value(call, "signal") is { Length: > 0 } given ? given : "SIGKILL";
        return Planned(!scene.Container.HasProcesses
            ? new ActionPlan { EvidenceCost = "none", NothingToDo = $"It does not run: {scene.Container.State.ToString().ToLowerInvariant()}." }
            : new ActionPlan
            {
                Commands = [["docker", "kill", "--signal", signal, scene.Container.Id]],
                EvidenceCost = CostOf(scene),
                Faults = Signals.Contains(signal) ? [] : [$"'signal' must be one of {string.Join(", ", Signals)}."],
                Apply = token => EndAsync(scene, signal, token),
            });
    }

    private async Task<AppliedChange> EndAsync(ActionScene scene, string signal, CancellationToken ct)
    {
        await scene.Control.KillAsync(scene.Container.Id, signal, ct);
        long started = Parts.Clock.GetTimestamp();
        while (true)
        {
            ContainerSummary? now = (await scene.Runtime.ListAsync(ct)).FirstOrDefault(each => each.Container.Id == scene.Container.Id);
            if (now is null)
            {
                return new AppliedChange("It has ended, and the engine has deleted it.", true);
            }

            if (!now.Container.HasProcesses)
            {
                return new AppliedChange($"It has ended: {now.Container.State.ToString().ToLowerInvariant()}.", true);
            }

            if (now.Container.InitPid != scene.Container.InitPid)
            {
                return new AppliedChange("It ended and was started again at once: hold it first (cir do hold).", false) { Done = false };
            }

            if (Parts.Clock.GetElapsedTime(started) > EndLimit)
            {
                return new AppliedChange($"It was sent {signal} and still runs.", false) { Done = false };
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), Parts.Clock, ct);
        }
    }
}
