using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors;

/// <summary>Copies the memory of single processes into ELF cores. Each that cannot be had leaves a gap and a row.</summary>
internal sealed class ProcessCopier(
    MemoryScope scope, HeldContainer held, Membership members, ProcMounts initMounts, ImplantSigns implants, SkippedFiles skipped, IEvidenceSink sink,
    TimeProvider clock)
{
    private const int MaxThreads = 65_536;
    private const int MaxTables = 64;
    private const int MaxSmallFile = 64 * 1024;
    private readonly Dictionary<ulong, ProcMounts> tables = new() { [members.Init.Namespaces.Mount] = initMounts };
    private int sequence;

    /// <summary>Threads stopped for their registers.</summary>
    public int ThreadsStopped { get; private set; }

    /// <summary>Bytes of memory copied.</summary>
    public ulong CopiedBytes { get; private set; }

    /// <summary>Cores written.</summary>
    public int Cores => sequence;

    /// <summary>Copies one process.</summary>
    public async Task<CoreRecord> CopyAsync(Member member, RowLines mappings, CancellationToken ct)
    {
        CoreRecord record = new() { Pid = member.Facts.Pid, StartTicks = member.Facts.StartTicks, StartedAt = clock.GetUtcNow() };
        using ProcEntry? process = ProcEntry.Open(member.Facts.Pid, out int errno);
        ProcStat? stat = process is null ? null : ProcStat.Parse(process.Read("stat", 4096).Content);
        if (process is null || stat is null || stat.StartTicks != member.Facts.StartTicks)
        {
            return Miss(record, stat is null ? $"it ended before it was read: {Libc.Describe(errno == 0 ? Libc.ESRCH : errno)}" : "its number belongs to another process by now");
        }

        record.Comm = stat.Comm;
        record.WasFrozen = held.Covers(process);
        List<int> tids = process.Numbers("task", MaxThreads, out _);
        using ProcEntry? living = stat.IsZombie ? OpenLivingThread(process, tids) : null;
        if (stat.IsZombie && living is null)
        {
            record.Problem = "dead and not yet reaped: it has no memory";
            record.EndedAt = clock.GetUtcNow();
            return record;
        }

        await CopyAsync(record, process, living ?? process, stat, tids, mappings, ct);
        record.EndedAt = clock.GetUtcNow();
        return record;
    }

    private async Task CopyAsync(CoreRecord record, ProcEntry process, ProcEntry memoryOwner, ProcStat stat, List<int> tids, RowLines mappings, CancellationToken ct)
    {
        ProcMounts mounts = MountsOf(process);
        MappedFiles files = new(memoryOwner, mounts);
        MemoryMap map = MemoryMap.Read(memoryOwner, out int errno);
        if (map.Mappings.Count == 0)
        {
            Miss(record, errno == 0 ? "it has no mappings any more" : $"maps: {Libc.Describe(errno)}");
            return;
        }

        if (errno != 0 || map.Malformed > 0 || map.IsCut)
        {
            Gap(record, "some of its mappings", errno != 0 ? Libc.Describe(errno) : map.IsCut ? "more mappings than are read" : $"{map.Malformed} lines of maps not understood");
        }

        record.Signs = implants.Of(memoryOwner, mounts, map, files);
        record.MappingCount = map.Mappings.Count;
        if (scope == MemoryScope.Implants && record.Signs.Count == 0)
        {
            record.Problem = "no sign of planted code: not asked for";
            return;
        }

        using PageMap? pages = PageMap.Open(memoryOwner, useScan: true, out int pageErrno);
        using ProcessMemory? memory = ProcessMemory.Open(memoryOwner, record.WasFrozen, out int memoryErrno);
        if (pages is null || memory is null)
        {
            Miss(record, $"{(pages is null ? "pagemap" : "mem")}: {Libc.Describe(pages is null ? pageErrno : memoryErrno)}");
            return;
        }

        List<CoreThread> threads = await ThreadRegisters.ReadAsync(process, tids, held.CanTrace(record.WasFrozen));
        // The first is the one a debugger shows first: a dead leader has nothing to show.
        threads.Sort((a, b) => (a.State is 'Z' or 'X', a.Tid != stat.Pid, a.Tid).CompareTo((b.State is 'Z' or 'X', b.Tid != stat.Pid, b.Tid)));
        record.Threads = threads;
        ThreadsStopped += threads.Count(static thread => thread.Source == RegisterSource.Ptrace);
        CorePlan plan = CorePlan.Make(map, files, pages, new PageRuns(), ct);
        CoreProcess identity = Identify(process, stat);
        record.InnerPid = identity.Pid;
        ElfCoreNotes notes = ElfCoreNotes.Build(identity, threads, memoryOwner.Read("auxv", MaxSmallFile).Content, map.Mappings);
        record.FilesLeftOutOfNote = notes.FilesLeftOut;
        Judge(record, plan);
        await WriteAsync(record, plan, notes, memory, ct);
        for (int i = 0; i < map.Mappings.Count; i++)
        {
            int index = i;
            await mappings.WriteAsync(json => CoreRecord.WriteMapping(json, record.Pid, record.Item!, plan, index), ct);
        }
    }

    private async Task WriteAsync(CoreRecord record, CorePlan plan, ElfCoreNotes notes, ProcessMemory memory, CancellationToken ct)
    {
        string name = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"cores/{++sequence:d4}.core.zst");
        await using ItemWriter item = sink.Create(name, new ItemOptions($"/proc/{record.Pid}/mem (pid {record.Pid}, start {record.StartTicks})", ItemForm.Frames) { ExpectedBytes = ExpectedBytes(plan) });
        record.Item = name;
        ElfCoreWriter writer = new(plan, notes);
        record.SegmentCount = writer.SegmentCount;
        CoreResult result = await writer.WriteAsync(memory, item, ct);
        // A process that ran through an exec or an end meanwhile has left its old memory: what came before is its own all the same.
        bool isSame = memory.IsAlive(plan.Map.Mappings[0].Start);
        string? problem = result.EndedEarly ? $"the process ended, or began another program, after {result.CopiedBytes} bytes were copied"
            : isSame ? null : "the process ended, or began another program, while it was copied";
        record.Problem = problem;
        record.CopiedBytes = result.CopiedBytes;
        record.UnreadableBytes = result.UnreadableBytes;
        record.Unreadable = result.Unreadable;
        CopiedBytes += result.CopiedBytes;
        record.Sha256 = (await item.CompleteAsync(result.EndedEarly ? problem : null, ct)).RawSha256;
        if (problem is not null)
        {
            Gap(record, "the rest of its memory", problem);
        }

        if (result.UnreadableBytes > 0)
        {
            Gap(record, $"{result.UnreadableBytes} bytes of its memory, the first at {CoreRecord.Hex(result.Unreadable[0].Start)}", "could not be read: zeros in the core");
        }
    }

    private static long ExpectedBytes(CorePlan plan)
    {
        ulong sum = 0;
        foreach (MappingPlan mapping in plan.Plans)
        {
            sum += mapping.FileBytes;
        }

        return (long)Math.Min(sum, long.MaxValue);
    }

    private void Judge(CoreRecord record, CorePlan plan)
    {
        Dictionary<int, ulong> fileBytes = [];
        int mayBlock = 0, secret = 0, unknown = 0, untold = 0;
        for (int i = 0; i < plan.Plans.Length; i++)
        {
            MappingPlan treated = plan.Plans[i];
            record.VirtualBytes += plan.Map.Mappings[i].Length;
            record.FileBytes += treated.FileBytes;
            record.MergedHoleBytes += treated.MergedHoleBytes;
            mayBlock += treated.Treatment == MappingTreatment.MayBlock ? 1 : 0;
            secret += treated.Treatment == MappingTreatment.Secret ? 1 : 0;
            unknown += treated.Treatment == MappingTreatment.UnknownFile ? 1 : 0;
            untold += treated.Errno != 0 ? 1 : 0;
            if (treated.Treatment == MappingTreatment.ChangedPages && treated.File >= 0)
            {
                int file = skipped.Add(plan.Files.All[treated.File]);
                fileBytes[file] = fileBytes.GetValueOrDefault(file) + treated.FileBytes;
            }
        }

        record.SkippedFiles = [.. fileBytes.OrderBy(static pair => pair.Key).Select(static pair => (pair.Key, pair.Value))];
        GapIf(record, mayBlock, "mappings of files that another process or machine serves: their unchanged pages", "reading them may wait for ever");
        GapIf(record, secret, "mappings of secret memory (memfd_secret)", "the kernel lets nobody read it but the processes that map it");
        GapIf(record, unknown, "mappings of files that could not be looked at: their unchanged pages", "map_files cannot be read, or the file's mount is unknown");
        GapIf(record, untold, "mappings whose pages the kernel did not tell", "the process went away, or pagemap cannot be read");
        GapIf(record, plan.Runs.IsCut ? 1 : 0, "mapping or more: pages behind the millionth run", "too fragmented");
    }

    private static CoreProcess Identify(ProcEntry process, ProcStat stat)
    {
        ProcStatus status = ProcStatus.Parse(process.Read("status", MaxSmallFile).Content);
        List<long> ids = status.Numbers("NSpid"), uids = status.Numbers("Uid"), gids = status.Numbers("Gid");
        return new CoreProcess(
            Last(ids, stat.Pid), InnerParent(stat.ParentPid, ids.Count), Last(status.Numbers("NSpgid"), stat.ProcessGroup), Last(status.Numbers("NSsid"), stat.Session),
            uids.Count > 0 ? (uint)uids[0] : 0, gids.Count > 0 ? (uint)gids[0] : 0, stat.State, stat.Flags, stat.Comm, process.Read("cmdline", 256).Content);
    }

    // A parent outside the pid namespace is 0 to those inside, as getppid(2) says it.
    private static int InnerParent(int pid, int depth)
    {
        using ProcEntry? parent = ProcEntry.Open(pid, out _);
        List<long> ids = parent is null ? [] : ProcStatus.Parse(parent.Read("status", MaxSmallFile).Content).Numbers("NSpid");
        return ids.Count == depth && depth > 0 ? (int)ids[^1] : 0;
    }

    private static int Last(List<long> numbers, int otherwise) => numbers.Count > 0 ? (int)numbers[^1] : otherwise;

    // /proc/TID is not listed but answers: the same as /proc/PID, with the memory of that thread (the leader's is gone with it).
    private static ProcEntry? OpenLivingThread(ProcEntry process, List<int> tids)
    {
        foreach (int tid in tids)
        {
            using ProcEntry? thread = process.OpenThread(tid, out _);
            if (thread is not null && ProcStat.Parse(thread.Read("stat", 4096).Content) is { IsZombie: false })
            {
                return ProcEntry.Open(tid, out _);
            }
        }

        return null;
    }

    private ProcMounts MountsOf(ProcEntry process)
    {
        ulong space = process.Namespace("mnt");
        if (tables.TryGetValue(space, out ProcMounts? known))
        {
            return known;
        }

        ProcMounts mounts = ProcMounts.Read(process, out _);
        if (members.Init.RootDevice is var (major, minor))
        {
            mounts.Trust(major, minor);
        }

        if (mounts.All.Count > 0 && tables.Count < MaxTables)
        {
            tables[space] = mounts;
        }

        return mounts;
    }

    private CoreRecord Miss(CoreRecord record, string reason)
    {
        record.Problem = reason;
        record.EndedAt = clock.GetUtcNow();
        Gap(record, "its memory", reason);
        return record;
    }

    private void GapIf(CoreRecord record, int count, string what, string reason)
    {
        if (count > 0)
        {
            Gap(record, $"{count} {what}", reason);
        }
    }

    private void Gap(CoreRecord record, string what, string reason) =>
        sink.AddGap($"memory of pid {record.Pid} ({DisplayText.Escape(record.Comm)}): {what}", reason);
}
