namespace ContainerIR.Linux;

/// <summary>Where the bytes of a mapped file are, besides in memory.</summary>
internal enum MappedFileKind
{
    /// <summary>On a disk of this machine under a name: its unchanged pages need no second copy.</summary>
    Disk,

    /// <summary>On a disk, but no name leads to it: gone when the last process lets go.</summary>
    Nameless,

    /// <summary>Only in memory: memfd, shared memory, tmpfs.</summary>
    Memory,

    /// <summary>Only in memory, and hidden from everybody but the processes that map it: memfd_secret(2).</summary>
    Secret,

    /// <summary>A device.</summary>
    Device,

    /// <summary>On a file system that another process or machine serves: reading may wait for ever.</summary>
    MayBlock,

    /// <summary>Could not be looked at.</summary>
    Unknown,
}

/// <summary>A file some mapping is of.</summary>
internal sealed record MappedFile(int Index, MappedFileKind Kind, byte[] Path, StatX Stat, int Errno);

/// <summary>
/// The files behind the mappings of one process, each looked at once by O_PATH and statx: nothing is opened, so nobody is told and nobody waits.
/// </summary>
internal sealed class MappedFiles(ProcEntry process, ProcMounts mounts)
{
    private const int MaxKnown = 16_384;
    private const ushort S_IFMT = 0xF000;
    private const ushort S_IFREG = 0x8000;
    private readonly Dictionary<(uint, uint, ulong), MappedFile> known = [];
    private readonly List<MappedFile> all = [];

    /// <summary>Files seen, by <see cref="MappedFile.Index"/>.</summary>
    public IReadOnlyList<MappedFile> All => all;

    /// <summary>Looks at the file of a mapping.</summary>
    public MappedFile Find(in MemoryMapping mapping)
    {
        (uint, uint, ulong) key = (mapping.DeviceMajor, mapping.DeviceMinor, mapping.Inode);
        if (known.TryGetValue(key, out MappedFile? file))
        {
            return file;
        }

        file = Look(mapping, all.Count);
        if (known.Count < MaxKnown)
        {
            known[key] = file;
            all.Add(file);
            return file;
        }

        return file with { Index = -1 };
    }

    /// <summary>
    /// The parts of a file in memory or without a name that hold data, as addresses of the mapping: also pages this process never touched, which
    /// no page table tells of. Null when it cannot be asked.
    /// </summary>
    public List<PageRun>? DataOf(in MemoryMapping mapping, int limit)
    {
        using Descriptor? file = process.Open("map_files/" + mapping.FileName, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_NOATIME, out _);
        if (file is null)
        {
            return null;
        }

        ulong page = (ulong)Environment.SystemPageSize;
        List<PageRun> runs = [];
        long at = (long)mapping.Offset, end = (long)(mapping.Offset + mapping.Length);
        while (at < end && runs.Count < limit)
        {
            long data = Libc.Seek(file.Number, at, Libc.SEEK_DATA);
            if (data < 0)
            {
                // ENXIO: no data behind here.
                return System.Runtime.InteropServices.Marshal.GetLastPInvokeError() == Libc.ENXIO ? runs : null;
            }

            long hole = Libc.Seek(file.Number, data, Libc.SEEK_HOLE);
            if (data >= end || hole <= data)
            {
                return data >= end ? runs : null;
            }

            ulong from = (ulong)Math.Max(0, data - (long)mapping.Offset) / page * page;
            ulong to = Math.Min((ulong)(hole - (long)mapping.Offset) + page - 1, mapping.Length) / page * page;
            runs.Add(new PageRun(mapping.Start + from, mapping.Start + Math.Min(to, mapping.Length)));
            at = hole;
        }

        return runs;
    }

    private MappedFile Look(in MemoryMapping mapping, int index)
    {
        using FileProbe? probe = FileProbe.Open(process, "", "map_files/" + mapping.FileName, mounts, out int errno);
        if (probe is null)
        {
            return new MappedFile(index, MappedFileKind.Unknown, mapping.Path, default, errno);
        }

        StatX stat = probe.Stat;
        MappedFileKind kind = (stat.stx_mode & S_IFMT) != S_IFREG ? MappedFileKind.Device
            : probe.IsMemory || IsTemporary(stat) ? MappedFileKind.Memory
            : probe.MayBlock ? (probe.IsSecretMemory ? MappedFileKind.Secret : MappedFileKind.MayBlock)
            : probe.HasNoName || probe.SaysDeleted ? MappedFileKind.Nameless
            : MappedFileKind.Disk;
        return new MappedFile(index, kind, probe.Link, stat, 0);
    }

    private bool IsTemporary(in StatX stat) =>
        (stat.stx_mask & StatX.STATX_MNT_ID) != 0 && mounts.Find(stat.stx_mnt_id)?.FileSystem is "tmpfs" or "ramfs" or "devtmpfs" or "hugetlbfs";
}
