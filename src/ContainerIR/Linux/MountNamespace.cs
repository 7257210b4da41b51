using System.Runtime.InteropServices;
using ContainerIR.Linux.Overlays;

namespace ContainerIR.Linux;

/// <summary>
/// A private copy of the mounts a process sees, on a thread of its own: what is detached in it to see what lies under a mount stays mounted for
/// everybody else. Nothing in the copied namespace can see it, and it goes with its thread.
/// </summary>
/// <remarks>
/// setns(2) and unshare(2) with CLONE_NEWNS, made private at once so that nothing propagates (mount_namespaces(7)). Trees are opened by clones of single
/// mounts (open_tree(2)) and only where the number of the mount is the one the table names: a link put in the way leads nowhere.
/// </remarks>
internal sealed unsafe class MountNamespace : IDisposable
{
    private const int MaxDetached = 64;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly DeadlineThread thread;
    private readonly HashSet<ulong> detached = [];
    private bool isLost;

    private MountNamespace(DeadlineThread thread, ProcMounts mounts) => (this.thread, Mounts) = (thread, mounts);

    /// <summary>The mounts of the copy: the process's own, with numbers of their own.</summary>
    public ProcMounts Mounts { get; }

    /// <summary>Enters a copy.</summary>
    /// <exception cref="IOException">The process is gone, or the kernel forbids it.</exception>
    public static MountNamespace CopyOf(ProcEntry process)
    {
        DeadlineThread thread = new();
        if (!thread.TryRun(() => Enter(process), Deadline, out ProcMounts? mounts))
        {
            throw new IOException($"mount namespace of process {process.Pid}: not entered within {Deadline.TotalSeconds:0} s");
        }

        return new(thread, mounts!);
    }

    /// <summary>Opens what a mount of <see cref="Mounts"/> shows, without what is mounted on it. Ask for covered ones last: getting at them detaches others.</summary>
    /// <exception cref="IOException">It cannot be reached.</exception>
    public PrivateTree Open(ProcMount mount)
    {
        HashSet<ulong> way = [mount.Id];
        for (ProcMount? above = Mounts.Find(mount.ParentId); above is not null && way.Add(above.Id); above = Mounts.Find(above.ParentId))
        {
            // The root was made by the engine; walking down into it is what every process there does.
            if (above.FileSystem != "overlay" && Mounts.MayBlock(above))
            {
                throw new IOException($"its path leads through a file system of type {above.FileSystem}, which may never answer");
            }
        }

        if (isLost || !thread.TryRun(() => Reach(mount), Deadline, out PrivateTree? tree))
        {
            isLost = true;
            throw new IOException($"not reached within {Deadline.TotalSeconds:0} s");
        }

        return tree!;
    }

    public void Dispose() => thread.Dispose();

    private static ProcMounts Enter(ProcEntry process)
    {
        // The container's /proc is not to be trusted: our own is taken hold of before.
        using Descriptor self = Descriptor.Open(Libc.AT_FDCWD, "/proc/thread-self", Libc.O_RDONLY | Libc.O_DIRECTORY, out int errno)
            ?? throw new IOException("/proc/thread-self: " + Libc.Describe(errno));
        using Descriptor space = process.Open("ns/mnt", Libc.O_RDONLY, out errno)
            ?? throw new IOException($"mount namespace of process {process.Pid}: {Libc.Describe(errno)}");
        Check(Libc.unshare(Libc.CLONE_FS), "unshare(CLONE_FS)");
        Check(Libc.setns(space.Number, Libc.CLONE_NEWNS), "setns");
        Check(Libc.unshare(Libc.CLONE_NEWNS), "unshare(CLONE_NEWNS)");
        fixed (byte* root = "/\0"u8, none = "none\0"u8)
        {
            Check(Libc.mount(none, root, null, Libc.MS_REC | Libc.MS_PRIVATE, null), "making the copy private");
        }

        using Descriptor table = Descriptor.Open(self.Number, "mountinfo", Libc.O_RDONLY, out errno)
            ?? throw new IOException("mountinfo: " + Libc.Describe(errno));
        ProcMounts mounts = ProcMounts.Read(table, out Bytes raw);
        return raw.IsRead ? mounts : throw new IOException("mountinfo: " + Libc.Describe(raw.Errno));
    }

    private PrivateTree Reach(ProcMount mount)
    {
        if (detached.Contains(mount.Id))
        {
            throw new IOException("it was detached from the copy to reach another mount below it");
        }

        while (true)
        {
            using Descriptor? at = OpenRoot(mount.MountPoint, out ulong found, out int errno);
            if (at is not null && found == mount.Id)
            {
                return PrivateTree.Clone(at.Number, mount.MountPoint);
            }

            if (!DetachCover(mount))
            {
                throw new IOException(at is null ? Libc.Describe(errno) : "another mount covers it and cannot be detached");
            }
        }
    }

    /// <summary>Takes away, in our copy alone, one mount that lies over the way to another.</summary>
    private bool DetachCover(ProcMount mount)
    {
        HashSet<ulong> way = [mount.Id];
        for (ProcMount? above = mount; above is not null && Mounts.Find(above.ParentId) is { } parent && way.Add(parent.Id); above = parent)
        {
        }

        foreach (ProcMount cover in Mounts.All.AsEnumerable().Reverse())
        {
            if (way.Contains(cover.Id) || detached.Contains(cover.Id) || detached.Count >= MaxDetached || !IsOver(cover.MountPoint, mount.MountPoint))
            {
                continue;
            }

            using Descriptor? top = OpenRoot(cover.MountPoint, out ulong found, out _);
            if (top is null || found != cover.Id)
            {
                continue;
            }

            detached.Add(cover.Id);
            fixed (byte* path = (byte[])[.. cover.MountPoint, 0])
            {
                if (Libc.umount2(path, Libc.MNT_DETACH | Libc.UMOUNT_NOFOLLOW) == 0)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool IsOver(ReadOnlySpan<byte> cover, ReadOnlySpan<byte> path) =>
        path.StartsWith(cover) && (path.Length == cover.Length || cover.EndsWith("/"u8) || path[cover.Length] == '/');

    private static Descriptor? OpenRoot(byte[] path, out ulong mountId, out int errno)
    {
        mountId = 0;
        Descriptor? at = Descriptor.OpenResolved(Libc.AT_FDCWD, path, Libc.O_PATH | Libc.O_NOFOLLOW, Libc.RESOLVE_NO_SYMLINKS | Libc.RESOLVE_NO_MAGICLINKS, out errno);
        if (at is not null && at.TryStat(out StatX stat, out errno))
        {
            mountId = stat.stx_mnt_id;
        }

        return at;
    }

    private static void Check(int result, string what)
    {
        if (result < 0)
        {
            throw new IOException($"{what}: {Libc.Describe(Marshal.GetLastPInvokeError())}");
        }
    }
}
