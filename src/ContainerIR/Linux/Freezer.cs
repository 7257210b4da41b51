using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace ContainerIR.Linux;

/// <summary>What <see cref="Freezer.RepairLeftovers"/> found.</summary>
/// <param name="ContainerId">The container; empty where the record could not be read.</param>
/// <param name="ControlPath">The file that thaws it.</param>
/// <param name="Outcome">In words: <c>frozen</c> (found, not repaired), <c>thawed</c>, <c>in progress</c>, <c>gone</c>, <c>failed</c>.</param>
/// <param name="Detail">Why; empty when there is no more to say.</param>
internal sealed record RepairedFreeze(string ContainerId, string ControlPath, string Outcome, string Detail);

/// <summary>
/// Holds a container still by its own control group's freezer, without the engine (which would rewrite its files and tell everybody). The freeze is
/// on record and a guard process is on guard before the first task stops; <c>SIGKILL</c> to us thaws it, and a record left by a lost guard is
/// repaired at the next start.
/// </summary>
internal sealed class Freezer
{
    private static readonly TimeSpan StandstillLimit = TimeSpan.FromSeconds(2);
    private readonly GuardLaunch launch;
    private readonly TimeProvider clock;
    private readonly string stateFolder;

    public Freezer(GuardLaunch launch, TimeProvider clock, string stateFolder = FreezeState.DefaultFolder) =>
        (this.launch, this.clock, this.stateFolder) = (launch, clock, stateFolder);

    /// <summary>Thaws every container that a dead run of ours left frozen. Called at each start and by <c>cir doctor --repair</c>.</summary>
    public static IReadOnlyList<RepairedFreeze> RepairLeftovers(string folder = FreezeState.DefaultFolder) => Examine(folder, isRepaired: true);

    /// <summary>Says what <see cref="RepairLeftovers"/> would find, and leaves it: the outcome of what waits for repair is <c>frozen</c>.</summary>
    public static IReadOnlyList<RepairedFreeze> FindLeftovers(string folder = FreezeState.DefaultFolder) => Examine(folder, isRepaired: false);

    private static List<RepairedFreeze> Examine(string folder, bool isRepaired)
    {
        List<RepairedFreeze> repaired = [];
        if (!Directory.Exists(folder))
        {
            return repaired;
        }

        string boot = FreezeState.CurrentBoot;
        foreach (string path in Directory.EnumerateFiles(folder, "*.json"))
        {
            try
            {
                repaired.Add(Repair(path, FreezeState.Load(path), boot, isRepaired));
            }
            catch (FileNotFoundException)
            {
                // Its guard was quicker.
            }
            catch (Exception failure) when (failure is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                repaired.Add(new RepairedFreeze("", path, "failed", failure.Message));
            }
        }

        return repaired;
    }

    /// <summary>Freezes. Whatever hinders it is in the report, not an exception.</summary>
    /// <param name="containerId">Full id.</param>
    /// <param name="initPid">First process.</param>
    /// <param name="isPaused">Whether the engine says it is paused.</param>
    /// <param name="maxFrozen">After so long the guard thaws, whatever we do.</param>
    /// <param name="ct">Cancels the wait; what was frozen is thawed.</param>
    public async Task<HeldContainer> FreezeAsync(string containerId, int initPid, bool isPaused, TimeSpan maxFrozen, CancellationToken ct)
    {
        FreezeReport report = new() { Limit = maxFrozen };
        List<FreezerControl> controls = Find(containerId, initPid, report);
        if (controls.Find(control => control.IsHeld()) is { } held)
        {
            report.Take(held, FreezeOutcome.AlreadyFrozen, "it was frozen before we came, and stays so");
            return new HeldContainer(report, held, null, null, clock);
        }

        if (isPaused || controls.Count == 0)
        {
            report.Reason ??= "the engine calls it paused, but its control group is not frozen";
            return new HeldContainer(report, null, null, null, clock);
        }

        foreach (FreezerControl control in controls)
        {
            HeldContainer attempt = await TryFreezeAsync(control, containerId, report, maxFrozen, ct);
            if (attempt.IsHeld)
            {
                return attempt;
            }
        }

        return new HeldContainer(report, null, null, null, clock);
    }

    private static List<FreezerControl> Find(string containerId, int initPid, FreezeReport report)
    {
        using ProcEntry? init = ProcEntry.Open(initPid, out int errno);
        using ProcEntry? self = ProcEntry.Open(Environment.ProcessId, out _);
        if (init is null || self is null)
        {
            report.Reason = $"its first process: {Libc.Describe(errno)}";
            return [];
        }

        CgroupLines own = CgroupLines.Parse(self.Read("cgroup", 64 * 1024).Content);
        List<FreezerControl> controls = FreezerControl.FindAll(
            CgroupLines.Parse(init.Read("cgroup", 64 * 1024).Content), containerId, self.Read("mountinfo", 16 * 1024 * 1024).Content, out string? reason);
        report.Reason = controls.Count == 0 ? reason : null;
        if (controls.RemoveAll(control => control.Covers(own)) > 0 && controls.Count == 0)
        {
            report.Reason = "we ourselves run inside its control group";
        }

        return controls;
    }

    private async Task<HeldContainer> TryFreezeAsync(FreezerControl control, string containerId, FreezeReport report, TimeSpan maxFrozen, CancellationToken ct)
    {
        string statePath = Path.Combine(stateFolder, string.Create(CultureInfo.InvariantCulture, $"{Name(containerId)}-{Environment.ProcessId}.json"));
        HeldContainer? held = null;
        FreezeGuard? guard = null;
        try
        {
            guard = await FreezeGuard.StartAsync(launch, control.ControlPath, statePath, maxFrozen, ct);
            Record(control, containerId, guard.Pid, statePath);
            report.Take(control, FreezeOutcome.NotFrozen, null);
            HashSet<int> stuck = control.IsUnified ? [] : UnfrozenTask.Uninterruptible(control);
            report.GuardPid = guard.Pid;
            report.StartedAt = clock.GetUtcNow();
            report.RequestedNanoseconds = Monotonic();
            held = new HeldContainer(report, control, guard, statePath, clock);
            control.Write(control.FreezeWord);
            bool isStill = IsStandstill(control, ct);
            report.FrozenNanoseconds = Monotonic();
            report.Outcome = isStill ? FreezeOutcome.Frozen : FreezeOutcome.Freezing;
            if (!isStill)
            {
                report.Reason = "some tasks do not stop (uninterruptible sleep): the others stand still";
                report.Unfrozen.AddRange(UnfrozenTask.FindAll(control, stuck));
            }

            return held;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            report.Reason = failure.Message;
            report.Outcome = FreezeOutcome.NotFrozen;
            await Release();
            return new HeldContainer(report, null, null, null, clock);
        }
        catch
        {
            await Release();
            throw;
        }

        async Task Release()
        {
            if (held is not null)
            {
                await held.DisposeAsync();
            }
            else if (guard is not null)
            {
                await guard.DisposeAsync();
            }
        }
    }

    private void Record(FreezerControl control, string containerId, int guardPid, string statePath) => new FreezeState
    {
        ContainerId = containerId,
        ControlPath = control.ControlPath,
        BootId = FreezeState.CurrentBoot,
        OwnerPid = Environment.ProcessId,
        OwnerStartTicks = FreezeState.StartOf(Environment.ProcessId) ?? 0,
        GuardPid = guardPid,
        GuardStartTicks = FreezeState.StartOf(guardPid) ?? 0,
        RequestedAt = clock.GetUtcNow(),
    }.Save(statePath);

    private static bool IsStandstill(FreezerControl control, CancellationToken ct)
    {
        long started = Stopwatch.GetTimestamp();
        while (!control.IsFrozen())
        {
            TimeSpan left = StandstillLimit - Stopwatch.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            ct.ThrowIfCancellationRequested();
            control.WaitForChange(left);
        }

        return true;
    }

    private static RepairedFreeze Repair(string path, FreezeState state, string boot, bool isRepaired)
    {
        if (state.BootId != boot)
        {
            Forget();
            return new RepairedFreeze(state.ContainerId, state.ControlPath, "gone", "it was frozen before the last boot");
        }

        if (FreezeState.IsAlive(state.OwnerPid, state.OwnerStartTicks) || FreezeState.IsAlive(state.GuardPid, state.GuardStartTicks))
        {
            return new RepairedFreeze(state.ContainerId, state.ControlPath, "in progress", $"process {state.OwnerPid} or its guard {state.GuardPid} is at work");
        }

        if (FreezerControl.ThawWordOf(state.ControlPath) is not { } word || !StandsInCgroups(state.ControlPath))
        {
            return new RepairedFreeze(state.ContainerId, state.ControlPath, "failed", "the record names no file of a cgroup freezer");
        }

        if (!File.Exists(state.ControlPath))
        {
            Forget();
            return new RepairedFreeze(state.ContainerId, state.ControlPath, "gone", "its control group is gone");
        }

        string since = $"frozen since {state.RequestedAt:O} by process {state.OwnerPid}, which is gone";
        if (!isRepaired)
        {
            return new RepairedFreeze(state.ContainerId, state.ControlPath, "frozen", since);
        }

        FreezerControl.Write(state.ControlPath, word);
        Forget();
        return new RepairedFreeze(state.ContainerId, state.ControlPath, "thawed", since);

        void Forget()
        {
            if (isRepaired)
            {
                File.Delete(path);
            }
        }
    }

    private static bool StandsInCgroups(string controlPath)
    {
        using ProcEntry? self = ProcEntry.Open(Environment.ProcessId, out _);
        return Path.GetFullPath(controlPath) == controlPath && self is not null && ProcMounts.Read(self, out _).All.Exists(mount =>
            mount.FileSystem is "cgroup" or "cgroup2" && controlPath.StartsWith(Encoding.UTF8.GetString(mount.MountPoint) + "/", StringComparison.Ordinal));
    }

    private static string Name(string containerId) => new([.. containerId.Where(char.IsAsciiLetterOrDigit).Take(64)]);

    public static long Monotonic() => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));
}
