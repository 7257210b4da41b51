using ContainerIR.Linux;

namespace ContainerIR.Collectors.Networks;

/// <summary>A network namespace that a mount keeps alive.</summary>
/// <param name="Inode">Its identity.</param>
/// <param name="Path">Where it is mounted, as the mount table says it, unescaped.</param>
/// <param name="Device">Device of nsfs.</param>
/// <param name="Owner">A process whose mount table has it.</param>
internal sealed record BoundNamespace(ulong Inode, byte[] Path, (uint Major, uint Minor) Device, ProcessFacts Owner);

/// <summary>
/// Finds network namespaces mounted somewhere (<c>ip netns add</c>, an engine's sandboxes): they live without any process (namespaces(7), nsfs).
/// </summary>
internal static class BoundNamespaces
{
    private const int MaxTables = 256;

    /// <summary>Those in the mount tables of these processes, each namespace once.</summary>
    public static List<BoundNamespace> Find(IEnumerable<ProcessFacts> processes)
    {
        Dictionary<ulong, BoundNamespace> found = [];
        foreach (ProcessFacts facts in processes.DistinctBy(p => p.Namespaces.Mount).Take(MaxTables))
        {
            using ProcEntry? process = ProcEntry.Open(facts.Pid, out _);
            foreach (ProcMount mount in process is null ? [] : ProcMounts.Read(process, out _).All)
            {
                if (mount.FileSystem == "nsfs" && mount.Root.AsSpan().StartsWith("net:["u8) && ProcEntry.NamespaceInode(mount.Root) is not 0 and var inode)
                {
                    found.TryAdd(inode, new BoundNamespace(inode, mount.MountPoint, (mount.DeviceMajor, mount.DeviceMinor), facts));
                }
            }
        }

        return [.. found.Values];
    }

    /// <summary>Opens one through the mount; null and the errno when it cannot be reached, or something else lies over it.</summary>
    /// <param name="bound">Which.</param>
    /// <param name="trusted">Device of the root the engine mounted, which may be walked; any other overlay may stand on anything.</param>
    /// <param name="errno">Why not.</param>
    public static Descriptor? Open(BoundNamespace bound, (uint Major, uint Minor)? trusted, out int errno)
    {
        using ProcEntry? process = ProcEntry.Open(bound.Owner.Pid, out errno);
        ProcMounts? mounts = process is null ? null : ProcMounts.Read(process, out _);
        if (trusted is var (major, minor))
        {
            mounts?.Trust(major, minor);
        }

        using RootLookup? root = process is null ? null : RootLookup.Open(process, mounts!, out errno);
        using Descriptor? seen = root?.Find(bound.Path.AsSpan().TrimStart((byte)'/'), out errno);
        if (seen is null)
        {
            return null;
        }

        if (!seen.TryStat(out StatX stat, out errno) || stat.stx_ino != bound.Inode || (stat.stx_dev_major, stat.stx_dev_minor) != bound.Device)
        {
            errno = errno == 0 ? Libc.ESTALE : errno;
            return null;
        }

        // The very object just looked at: nothing can be put in its place.
        return Descriptor.Open(Libc.AT_FDCWD, $"/proc/self/fd/{seen.Number}", Libc.O_RDONLY | Libc.O_NONBLOCK, out errno);
    }
}
