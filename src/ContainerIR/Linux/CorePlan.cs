namespace ContainerIR.Linux;

/// <summary>What is copied of a mapping.</summary>
internal enum MappingTreatment
{
    /// <summary>All pages that have content.</summary>
    Memory,

    /// <summary>All pages of it, and all data of its file, which has no name or is only in memory.</summary>
    FileContent,

    /// <summary>Pages the process changed; the others are those of the file named.</summary>
    ChangedPages,

    /// <summary>Pages the process changed; the file is a device.</summary>
    Device,

    /// <summary>Pages the process changed; reading others may wait for ever.</summary>
    MayBlock,

    /// <summary>Pages the process changed; its file could not be looked at.</summary>
    UnknownFile,

    /// <summary>Nothing: the kernel lets nobody read it but the processes that map it.</summary>
    Secret,

    /// <summary>Nothing: memory the kernel lends.</summary>
    Kernel,
}

/// <summary>What is to be copied of one mapping, and where it stands in the list of runs.</summary>
internal struct MappingPlan
{
    public MappingTreatment Treatment;
    public int FirstRun;
    public int RunCount;

    /// <summary>Index of its file; -1 when none.</summary>
    public int File;

    /// <summary>Bytes of resident pages left out because they are the file's.</summary>
    public ulong FileBytes;

    /// <summary>Holes copied as zeros to keep the number of runs bounded.</summary>
    public ulong MergedHoleBytes;

    /// <summary>Why its pages could not be told; 0 when they could.</summary>
    public int Errno;
}

/// <summary>Which pages of one process go into its core. Made by asking page tables only: no page is touched.</summary>
internal sealed class CorePlan
{
    private static readonly ulong PageSize = (ulong)Environment.SystemPageSize;
    private readonly MappingPlan[] plans;

    private CorePlan(MemoryMap map, MappedFiles files, PageRuns runs)
    {
        (Map, Files, Runs) = (map, files, runs);
        plans = new MappingPlan[map.Mappings.Count];
    }

    public MemoryMap Map { get; }

    public MappedFiles Files { get; }

    public PageRuns Runs { get; }

    /// <summary>One for each mapping, in the same order.</summary>
    public ReadOnlySpan<MappingPlan> Plans => plans;

    /// <summary>Bytes of all runs.</summary>
    public ulong CopiedBytes { get; private set; }

    /// <summary>Asks for every mapping.</summary>
    public static CorePlan Make(MemoryMap map, MappedFiles files, PageMap pages, PageRuns runs, CancellationToken ct)
    {
        CorePlan plan = new(map, files, runs);
        for (int i = 0; i < map.Mappings.Count; i++)
        {
            ct.ThrowIfCancellationRequested();
            plan.plans[i] = plan.Plan(map.Mappings[i], pages);
        }

        for (int i = 0; i < runs.Count; i++)
        {
            plan.CopiedBytes += runs[i].Length;
        }

        return plan;
    }

    private MappingPlan Plan(MemoryMapping mapping, PageMap pages)
    {
        Runs.BeginMapping();
        MappingPlan plan = new() { FirstRun = Runs.Count, File = -1 };
        plan.Treatment = Treat(mapping, ref plan.File, out MappedFile? file);
        ulong merged = 0;
        if (plan.Treatment == MappingTreatment.FileContent)
        {
            plan.Errno = AddWithData(mapping, pages, ref merged);
        }
        else if (plan.Treatment is not (MappingTreatment.Kernel or MappingTreatment.Secret))
        {
            if (plan.Treatment == MappingTreatment.ChangedPages && mapping.Offset == 0 && (mapping.Access & MapAccess.Read) != 0 && file!.Stat.stx_size > 0)
            {
                // The first page of an ELF file holds its build id: with it gdb finds the right file (core(5), bit 4 of coredump_filter).
                _ = pages.Find(mapping.Start, mapping.Start + PageSize, PageChoice.All, (start, end) => merged += Runs.Add(start, end), out _);
            }

            PageChoice choice = plan.Treatment == MappingTreatment.Memory ? PageChoice.All : PageChoice.Own;
            plan.Errno = pages.Find(mapping.Start, mapping.End, choice, (start, end) => merged += Runs.Add(start, end), out plan.FileBytes);
        }

        plan.MergedHoleBytes = merged;
        plan.RunCount = Runs.Count - plan.FirstRun;
        return plan;
    }

    private MappingTreatment Treat(in MemoryMapping mapping, ref int index, out MappedFile? file)
    {
        file = null;
        if (mapping.IsOfKernel)
        {
            return MappingTreatment.Kernel;
        }

        if (!mapping.IsOfFile)
        {
            return MappingTreatment.Memory;
        }

        file = Files.Find(mapping);
        index = file.Index;
        return file.Kind switch
        {
            MappedFileKind.Disk => MappingTreatment.ChangedPages,
            MappedFileKind.Nameless or MappedFileKind.Memory => MappingTreatment.FileContent,
            MappedFileKind.Secret => MappingTreatment.Secret,
            MappedFileKind.Device => MappingTreatment.Device,
            MappedFileKind.MayBlock => MappingTreatment.MayBlock,
            _ => MappingTreatment.UnknownFile,
        };
    }

    private int AddWithData(in MemoryMapping mapping, PageMap pages, ref ulong merged)
    {
        List<PageRun> found = Files.DataOf(mapping, PageRuns.DefaultLimit) ?? [];
        bool hasData = found.Count > 0;
        int errno = pages.Find(mapping.Start, mapping.End, PageChoice.All, (start, end) => found.Add(new PageRun(start, end)), out _);
        if (hasData)
        {
            found.Sort(static (a, b) => a.Start.CompareTo(b.Start));
        }

        foreach (PageRun run in found)
        {
            merged += Runs.Add(run.Start, run.End);
        }

        return errno;
    }
}
