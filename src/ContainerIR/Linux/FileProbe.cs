namespace ContainerIR.Linux;

/// <summary>What fixes one state of one file.</summary>
internal readonly record struct FileIdentity(uint DeviceMajor, uint DeviceMinor, ulong Inode, long ModifiedSeconds, uint ModifiedNanoseconds, long ChangedSeconds, uint ChangedNanoseconds)
{
    public static FileIdentity Of(in StatX stat) => new(
        stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino, stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec, stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec);
}

/// <summary>
/// A file behind a link of /proc (exe, fd/N, map_files/…), held by O_PATH: nothing was opened, read or asked of its file system, so nobody was
/// made to wait and nobody was told.
/// </summary>
internal sealed class FileProbe : IDisposable
{
    private const ushort S_IFMT = 0xF000;
    private const ushort S_IFREG = 0x8000;
    // include/uapi/linux/magic.h
    private const long TMPFS_MAGIC = 0x01021994;
    private const long RAMFS_MAGIC = 0x858458f6;
    private const long SECRETMEM_MAGIC = 0x5345434d;

    private static readonly byte[] DeletedMark = " (deleted)"u8.ToArray();

    private FileProbe(Descriptor handle, string procPath, byte[] link, StatX stat, bool mayBlock)
    {
        Handle = handle;
        ProcPath = procPath;
        Link = link;
        Stat = stat;
        MayBlock = mayBlock;
    }

    public Descriptor Handle { get; }

    /// <summary>Host path that leads to it while the process lives: <c>/proc/7/exe</c>.</summary>
    public string ProcPath { get; }

    /// <summary>Text of the link. The container chooses it: it says what the file was called, not what it is.</summary>
    public byte[] Link { get; }

    public StatX Stat { get; }

    /// <summary>Whether a read may wait for ever: the file system is served by user space or another machine, or is unknown.</summary>
    public bool MayBlock { get; }

    public bool IsRegular => (Stat.stx_mode & S_IFMT) == S_IFREG;

    /// <summary>Whether it lives only in memory: memfd or shared memory.</summary>
    public bool IsMemory => KernelMemory.Holds(Stat);

    /// <summary>Whether its file system is one in memory, with names: tmpfs, ramfs.</summary>
    public bool IsOnMemoryFileSystem => FileSystemMagic() is TMPFS_MAGIC or RAMFS_MAGIC;

    /// <summary>Whether it is memory that the kernel lets nobody read but the processes that map it: memfd_secret(2).</summary>
    public bool IsSecretMemory => FileSystemMagic() == SECRETMEM_MAGIC;

    /// <summary>Whether the kernel's text says the name is gone.</summary>
    public bool SaysDeleted => Link.AsSpan().EndsWith(DeletedMark);

    /// <summary>Whether no name leads to it any more.</summary>
    public bool HasNoName => Stat.stx_nlink == 0;

    /// <summary>The name without the kernel's mark, where the mark is the kernel's.</summary>
    public ReadOnlySpan<byte> Name => SaysDeleted && HasNoName ? Link.AsSpan(0, Link.Length - DeletedMark.Length) : Link;

    public FileIdentity Identity => FileIdentity.Of(Stat);

    /// <summary>Takes hold of what a link of this process leads to.</summary>
    public static FileProbe? Open(ProcEntry process, string procFolder, string link, ProcMounts mounts, out int errno)
    {
        Bytes text = process.ReadLink(link);
        if (!text.IsRead)
        {
            errno = text.Errno;
            return null;
        }

        Descriptor? handle = process.Open(link, Libc.O_PATH, out errno);
        if (handle is null)
        {
            return null;
        }

        return Of(handle, $"{procFolder}/{link}", text.Content, mounts, out errno);
    }

    /// <summary>Wraps a file already held by O_PATH; takes the handle over.</summary>
    public static FileProbe? Of(Descriptor handle, string procPath, byte[] link, ProcMounts mounts, out int errno)
    {
        if (handle.TryStat(out StatX stat, out errno))
        {
            return new FileProbe(handle, procPath, link, stat, mounts.MayBlock(stat));
        }

        handle.Dispose();
        return null;
    }

    public void Dispose() => Handle.Dispose();

    private unsafe long? FileSystemMagic()
    {
        // struct statfs: f_type first.
        long* about = stackalloc long[32];
        return Libc.fstatfs(Handle.Number, about) == 0 ? *about : null;
    }
}
