using ContainerIR.Evidence.Items;
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

        Standstill standstill = new(freeze, "its memory was copied as it changed", runtime, freezer, clock, maxFrozen);
        List<CoreRecord> records = [];
        FreezeReport report;
        using OverlayLayers layers = OpenLayers(members, out ProcMounts mounts);
        SkippedFiles skipped = new(layers);
        using ImplantSigns implants = new(mounts.Root, members.Init.RootDevice);
        ProcessCopier copier;
        await using (RowLines mappings = new(sink.Create("mappings.jsonl.zst", new ItemOptions("/proc/PID/{maps,pagemap}", ItemForm.Frames))))
        {
            await using (HeldContainer held = await standstill.BeginAsync(container, sink, ct))
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

        await standstill.AddReportAsync(report, sink, ct);
        Tell(report, standstill, copier, sink);
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

    private static void Tell(FreezeReport report, Standstill standstill, ProcessCopier copier, IEvidenceSink sink)
    {
        standstill.Tell(report, sink);
        if (copier.ThreadsStopped > 0)
        {
            sink.AddEffect($"{copier.ThreadsStopped} threads were stopped one process after another for their registers (ptrace SEIZE, INTERRUPT, DETACH; no signal was sent)");
        }

        if (copier.Cores > 0)
        {
            sink.AddEffect($"{copier.CopiedBytes} bytes of memory of {copier.Cores} processes were read: pages that were swapped out, or in a memory file they had not touched, became resident");
        }
    }
}
