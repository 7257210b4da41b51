
namespace ContainerIR.Linux;

/// <summary>How a freeze came out.</summary>
internal enum FreezeOutcome
{
    /// <summary>Not frozen: the reason says why.</summary>
    NotFrozen,

    /// <summary>Every task stands still.</summary>
    Frozen,

    /// <summary>Some tasks do not stop; the others stand still.</summary>
    Freezing,

    /// <summary>It was frozen before we came: it is read as it stands, and never thawed by us.</summary>
    AlreadyFrozen,
}

/// <summary>A task that did not stop.</summary>
/// <param name="Pid">Process.</param>
/// <param name="Tid">Thread.</param>
/// <param name="Comm">Its name, raw.</param>
/// <param name="State">Letter of its state.</param>
/// <param name="WaitsIn">Kernel function it waits in.</param>
internal sealed record UnfrozenTask(int Pid, int Tid, byte[] Comm, char State, byte[] WaitsIn)
{
    private const int MaxListed = 256;

    /// <summary>
    /// Every task of a group that does not stand still, at most 256. Under v2 a frozen task sleeps interruptibly in the signal code; one that tries a page fault
    /// again and again (userfaultfd, with a signal pending) is seen now running, now asleep in no function. Under v1 (since 6.1) it stays where it slept and
    /// shows as D like those that cannot be frozen: only what was D before the freeze, or runs, is named.
    /// </summary>
    public static List<UnfrozenTask> FindAll(FreezerControl control, IReadOnlySet<int> stuckBefore) => Find(
        control,
        (tid, state, waitsIn) => state == 'R' || (state == 'D' && (control.IsUnified || stuckBefore.Contains(tid))) || (state == 'S' && control.IsUnified && waitsIn.AsSpan().SequenceEqual("0"u8)));

    /// <summary>Tasks in uninterruptible sleep now: asked before a freeze by v1.</summary>
    public static HashSet<int> Uninterruptible(FreezerControl control) => [.. Find(control, static (_, state, _) => state == 'D').Select(static task => task.Tid)];

    private static List<UnfrozenTask> Find(FreezerControl control, Func<int, char, byte[], bool> isWanted)
    {
        List<UnfrozenTask> found = [];
        foreach (int pid in ProcEntry.ListAll(out _))
        {
            using ProcEntry? process = ProcEntry.Open(pid, out _);
            if (process is null || !control.Covers(CgroupLines.Parse(process.Read("cgroup", 64 * 1024).Content)))
            {
                continue;
            }

            foreach (int tid in process.Numbers("task", 65_536, out _))
            {
                using ProcEntry? thread = process.OpenThread(tid, out _);
                if (thread is not null && found.Count < MaxListed
                    && ProcStat.Parse(thread.Read("stat", 4096).Content) is { IsZombie: false } stat && thread.Read("wchan", 256).Content is var waitsIn && isWanted(tid, stat.State, waitsIn))
                {
                    found.Add(new UnfrozenTask(pid, tid, stat.Comm, stat.State, waitsIn));
                }
            }
        }

        return found;
    }
}

/// <summary>What happened, for the journal and <c>freeze.json</c>.</summary>
internal sealed class FreezeReport
{
    public FreezeOutcome Outcome { get; set; }

    /// <summary>Why it did not go as asked; null when it did.</summary>
    public string? Reason { get; set; }

    /// <summary>The file written; null when none.</summary>
    public string? ControlPath { get; private set; }

    public bool IsUnified { get; private set; }

    public int GuardPid { get; set; }

    public TimeSpan Limit { get; init; }

    public List<UnfrozenTask> Unfrozen { get; } = [];

    /// <summary>When the freeze was asked for (UTC); null when it was not.</summary>
    public DateTimeOffset? StartedAt { get; set; }

    /// <summary>When it was thawed (UTC).</summary>
    public DateTimeOffset? EndedAt { get; set; }

    // CLOCK_MONOTONIC, nanoseconds.
    public long RequestedNanoseconds { get; set; }

    public long FrozenNanoseconds { get; set; }

    public long ThawedNanoseconds { get; set; }

    /// <summary>Somebody else thawed it before we did: what was copied after that may have changed meanwhile.</summary>
    public bool WasThawedByOthers { get; set; }

    /// <summary>How long its tasks were held, at most.</summary>
    public TimeSpan Held => TimeSpan.FromTicks(Math.Max(0, ThawedNanoseconds - RequestedNanoseconds) / 100);

    public void Take(FreezerControl control, FreezeOutcome outcome, string? reason) =>
        (ControlPath, IsUnified, Outcome, Reason) = (control.ControlPath, control.IsUnified, outcome, reason);
}

/// <summary>A container that stands still until this is disposed. What we did not freeze we do not thaw.</summary>
internal sealed class HeldContainer(FreezeReport report, FreezerControl? control, FreezeGuard? guard, string? statePath, TimeProvider clock) : IAsyncDisposable
{
    private bool isReleased;

    public FreezeReport Report { get; } = report;

    /// <summary>Whether tasks stand still, by us or others.</summary>
    public bool IsHeld => control is not null;

    /// <summary>Whether this process stands in the group that was frozen: one that left it runs on.</summary>
    public bool Covers(ProcEntry process) => control is not null && control.Covers(CgroupLines.Parse(process.Read("cgroup", 64 * 1024).Content));

    /// <summary>Whether threads of a process can be stopped by ptrace: running ones and those under the v2 freezer, not those under v1.</summary>
    public bool CanTrace(bool isCovered) => !isCovered || control is { IsUnified: true };

    /// <summary>Thaws, and relieves the guard.</summary>
    public async ValueTask DisposeAsync()
    {
        if (isReleased || guard is null)
        {
            return;
        }

        isReleased = true;
        bool isThawed = false;
        try
        {
            Report.WasThawedByOthers = Report.Outcome is FreezeOutcome.Frozen or FreezeOutcome.Freezing && !control!.IsHeld();
            control!.Write(control.ThawWord);
            isThawed = true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            isThawed = !File.Exists(control!.ControlPath);
            Report.Reason = (isThawed ? "its control group went away while it was frozen: " : "could not be thawed: ") + failure.Message;
        }

        Report.ThawedNanoseconds = Freezer.Monotonic();
        Report.EndedAt = clock.GetUtcNow();
        if (isThawed)
        {
            File.Delete(statePath!);
        }

        await guard.DisposeAsync();
    }
}
