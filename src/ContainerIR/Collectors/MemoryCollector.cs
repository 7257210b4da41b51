using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// Copies the memory of a container's processes: <c>cores/NNNN.core.zst</c> (ELF cores, sparse), <c>cores.jsonl</c> (one row a process),
/// <c>mappings.jsonl.zst</c> (one row a mapping) and <c>freeze.json</c> (how it was held still).
/// </summary>
/// <remarks>Sources: /proc/PID/{maps,map_files,pagemap,mem,auxv}, process_vm_readv(2), ptrace(2), the cgroup freezer.</remarks>
/// <param name="scope">Whose memory.</param>
/// <param name="freeze">Whether it stands still meanwhile.</param>
/// <param name="runtime">Engine, asked only for what watches the container's health.</param>
/// <param name="freezer">Freezes.</param>
/// <param name="clock">Time.</param>
/// <param name="maxFrozen">After so long it is thawed, whatever is left to copy.</param>
internal sealed class MemoryCollector(
    MemoryScope scope, FreezePolicy freeze, IContainerRuntime runtime, Freezer freezer, TimeProvider clock, TimeSpan maxFrozen) : ICollector
{
    /// <summary>How long a container is frozen at most where nothing else is said.</summary>
    public static readonly TimeSpan DefaultMaxFrozen = TimeSpan.FromMinutes(5);
    private const int MaxInspectBytes = 16 * 1024 * 1024;

    public MemoryCollector(CollectionContext context, MemoryScope scope, FreezePolicy freeze)
        : this(scope, freeze, context.Runtime, new Freezer(GuardLaunch.Self, context.Clock), context.Clock, DefaultMaxFrozen)
    {
    }

    public string Name => "memory";

    public Volatility Volatility => Volatility.ProcessMemory;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        if (scope == MemoryScope.None)
        {
            return;
        }

        Membership? members = ContainerScope.Find(container, sink, "memory of the processes", BootClock.Take(), ct);
        if (members is null)
        {
            return;
        }

        FreezeWarnings warnings = freeze == FreezePolicy.Never ? FreezeWarnings.None : await ReadWarningsAsync(container, sink, ct);
        List<CoreRecord> records = [];
        FreezeReport report;
        using OverlayLayers layers = OpenLayers(members, out ProcMounts mounts);
        SkippedFiles skipped = new(layers);
        using ImplantSigns implants = new(mounts.Root, members.Init.RootDevice);
        ProcessCopier copier;
        await using (RowLines mappings = new(sink.Create("mappings.jsonl.zst", new ItemOptions("/proc/PID/{maps,pagemap}", ItemForm.Frames))))
        {
            await using (HeldContainer held = await HoldAsync(container, warnings, sink, ct))
            {
                report = held.Report;
                if (held.IsHeld)
                {
                    // Whoever was born between the list and the standstill.
                    members = Membership.Find(container.InitPid, container.Id, ct) ?? members;
                }

                copier = new ProcessCopier(scope, held, members, mounts, implants, skipped, sink, clock);
                foreach (Member member in members.Members)
                {
                    ct.ThrowIfCancellationRequested();
                    records.Add(await copier.CopyAsync(member, mappings, ct));
                }
            }

            await mappings.CompleteAsync(null, ct);
        }

        skipped.Hash(ct);
        await using (RowLines cores = new(sink.Create("cores.jsonl", new ItemOptions("/proc/PID"))))
        {
            foreach (CoreRecord record in records)
            {
                await cores.WriteAsync(json => record.Write(json, skipped), ct);
            }

            await cores.CompleteAsync(null, ct);
        }

        await sink.AddJsonAsync("freeze.json", "the cgroup freezer", json => WriteFreeze(json, report, warnings), ct);
        Tell(report, copier, sink);
    }

    private static OverlayLayers OpenLayers(Membership members, out ProcMounts mounts)
    {
        using ProcEntry? init = ProcEntry.Open(members.Init.Pid, out _);
        mounts = init is null ? ProcMounts.Parse([]) : ProcMounts.Read(init, out _);
        if (members.Init.RootDevice is var (major, minor))
        {
            mounts.Trust(major, minor);
        }

        return OverlayLayers.Open(mounts.Root);
    }

    private async Task<HeldContainer> HoldAsync(ContainerRef container, FreezeWarnings warnings, IEvidenceSink sink, CancellationToken ct)
    {
        bool isPaused = container.State == ContainerState.Paused;
        if (freeze == FreezePolicy.Always || isPaused || (freeze == FreezePolicy.Auto && !warnings.IsSupervised))
        {
            if (!isPaused)
            {
                // On record before it happens: should we not live to tell.
                sink.AddEffect(string.Create(CultureInfo.InvariantCulture, $"about to hold all tasks of the container still, for at most {maxFrozen.TotalSeconds:0.###} s"));
                foreach (string warning in warnings.Texts)
                {
                    sink.AddEffect("while it stands still: " + warning);
                }
            }

            return await freezer.FreezeAsync(container.Id, container.InitPid, isPaused, maxFrozen, ct);
        }

        FreezeReport report = new()
        {
            Reason = freeze == FreezePolicy.Never ? "not asked for (freeze never)" : "a supervisor could restart it while it stands still (freeze auto)",
        };
        return new HeldContainer(report, null, null, null, clock);
    }

    private async Task<FreezeWarnings> ReadWarningsAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        try
        {
            await using Stream document = await runtime.OpenDocumentAsync(EngineDocument.ContainerInspect, container.Id, ct);
            using JsonDocument inspect = JsonDocument.Parse(document.ReadAtMost(MaxInspectBytes));
            return FreezeWarnings.Of(inspect.RootElement);
        }
        catch (Exception failure) when (failure is IOException or OperatorException or JsonException)
        {
            sink.AddGap("what watches the container's health", failure.Message);
            return FreezeWarnings.None;
        }
    }

    private void Tell(FreezeReport report, ProcessCopier copier, IEvidenceSink sink)
    {
        if (report.StartedAt is { } startedAt && report.EndedAt is { } endedAt)
        {
            sink.AddEffect(string.Create(
                CultureInfo.InvariantCulture,
                $"all tasks of the container were held by {report.ControlPath} for {report.Held.TotalMilliseconds:0.0} ms, from {startedAt:O} to {endedAt:O} ({report.Outcome})"));
        }

        if (copier.ThreadsStopped > 0)
        {
            sink.AddEffect($"{copier.ThreadsStopped} threads were stopped one process after another for their registers (ptrace SEIZE, INTERRUPT, DETACH; no signal was sent)");
        }

        if (copier.Cores > 0)
        {
            sink.AddEffect($"{copier.CopiedBytes} bytes of memory of {copier.Cores} processes were read: pages that were swapped out, or in a memory file they had not touched, became resident");
        }

        if (report.Outcome == FreezeOutcome.NotFrozen && freeze != FreezePolicy.Never)
        {
            sink.AddGap("a standstill of the container", $"{report.Reason}: its memory was copied as it changed");
        }

        if (report.Outcome == FreezeOutcome.Freezing)
        {
            sink.AddGap($"a standstill of {report.Unfrozen.Count} tasks of the container", $"{report.Reason}; they are named in freeze.json");
        }

        if (report.WasThawedByOthers)
        {
            sink.AddGap("a standstill of the container to the end", "it was thawed before the copy was complete (time limit, or somebody else)");
        }
    }

    private void WriteFreeze(Utf8JsonWriter json, FreezeReport report, FreezeWarnings warnings)
    {
        json.WriteString("schema", "containerir-freeze-report/1");
        json.WriteString("policy", freeze.ToString().ToLowerInvariant());
        json.WriteString("outcome", report.Outcome switch
        {
            FreezeOutcome.Frozen => "frozen",
            FreezeOutcome.Freezing => "freezing",
            FreezeOutcome.AlreadyFrozen => "already-frozen",
            _ => "not-frozen",
        });
        json.WriteString("reason", report.Reason);
        json.WriteString("control", report.ControlPath);
        json.WriteString("method", report.ControlPath is null ? null : report.IsUnified ? "cgroup2 cgroup.freeze" : "cgroup1 freezer.state");
        json.WriteString("requested_at", report.StartedAt?.ToString("O", CultureInfo.InvariantCulture));
        json.WriteString("thawed_at", report.EndedAt?.ToString("O", CultureInfo.InvariantCulture));
        json.WriteNumber("requested_mono_ns", report.RequestedNanoseconds);
        json.WriteNumber("standstill_mono_ns", report.FrozenNanoseconds);
        json.WriteNumber("thawed_mono_ns", report.ThawedNanoseconds);
        json.WriteNumber("held_ms", report.Held.TotalMilliseconds);
        json.WriteNumber("limit_ms", report.Limit.TotalMilliseconds);
        json.WriteNumber("guard_pid", report.GuardPid);
        json.WriteBoolean("thawed_by_others", report.WasThawedByOthers);
        json.WriteStartArray("unfrozen_tasks");
        foreach (UnfrozenTask task in report.Unfrozen)
        {
            json.WriteStartObject();
            json.WriteNumber("pid", task.Pid);
            json.WriteNumber("tid", task.Tid);
            json.WriteString("comm", DisplayText.Escape(task.Comm));
            json.WriteString("state", task.State.ToString());
            json.WriteString("waits_in", DisplayText.Escape(task.WaitsIn));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("warnings");
        foreach (string warning in warnings.Texts)
        {
            json.WriteStringValue(warning);
        }

        json.WriteEndArray();
    }
}
