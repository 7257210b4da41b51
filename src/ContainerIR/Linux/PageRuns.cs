namespace ContainerIR.Linux;

/// <summary>Pages that follow each other and are copied together.</summary>
internal readonly record struct PageRun(ulong Start, ulong End)
{
    public ulong Length => End - Start;
}

/// <summary>
/// The runs of pages to copy of one process, in order of address. Holes stay holes; where a process has more than 60,000 runs, holes of up to
/// 64 KiB between two runs of one mapping are copied as zeros, so that tools that keep a section per run still open the core. 16 bytes a run.
/// </summary>
internal sealed class PageRuns(int mergeAbove = PageRuns.DefaultMergeAbove, int limit = PageRuns.DefaultLimit)
{
    public const int DefaultMergeAbove = 60_000;
    public const int DefaultLimit = 1_000_000;
    private const ulong MergedHole = 64 * 1024;
    private readonly List<PageRun> runs = [];
    private int mappingStart;

    /// <summary>Number of runs.</summary>
    public int Count => runs.Count;

    /// <summary>Whether pages were left out because there were too many runs.</summary>
    public bool IsCut { get; private set; }

    public PageRun this[int index] => runs[index];

    /// <summary>Begins a mapping: no run joins one of a mapping before.</summary>
    public void BeginMapping() => mappingStart = runs.Count;

    /// <summary>Adds pages at or behind all others of this mapping.</summary>
    /// <returns>Bytes of hole that became part of a run.</returns>
    public ulong Add(ulong start, ulong end)
    {
        if (runs.Count > mappingStart)
        {
            PageRun last = runs[^1];
            ulong hole = start > last.End ? start - last.End : 0;
            if (hole == 0 || (runs.Count > mergeAbove && hole <= MergedHole))
            {
                runs[^1] = new PageRun(last.Start, Math.Max(end, last.End));
                return hole;
            }
        }

        if (runs.Count == limit)
        {
            IsCut = true;
            return 0;
        }

        runs.Add(new PageRun(start, end));
        return 0;
    }
}
