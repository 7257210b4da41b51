namespace ContainerIR.Linux;

/// <summary>
/// Looks names up in a container's root from outside, as the container would (openat2(2), RESOLVE_IN_ROOT): no link leads out, and no mount that
/// may block is crossed.
/// </summary>
internal sealed class RootLookup : IDisposable
{
    private readonly Descriptor root;
    private readonly ulong resolve;

    private RootLookup(Descriptor root, ulong resolve) => (this.root, this.resolve) = (root, resolve);

    /// <summary>Takes hold of a process's root; null where there is none or it stands on a file system that may block.</summary>
    public static RootLookup? Open(ProcEntry process, ProcMounts mounts, out int errno)
    {
        Descriptor? root = process.Open("root", Libc.O_PATH | Libc.O_DIRECTORY, out errno);
        if (root is null)
        {
            return null;
        }

        if (!root.TryStat(out StatX stat, out errno) || mounts.MayBlock(stat))
        {
            root.Dispose();
            errno = errno == 0 ? Libc.EOPNOTSUPP : errno;
            return null;
        }

        return new RootLookup(root, Libc.RESOLVE_IN_ROOT | Libc.RESOLVE_NO_MAGICLINKS | (mounts.IsAllLocal ? 0 : Libc.RESOLVE_NO_XDEV));
    }

    /// <summary>Takes hold of what a name leads to, by O_PATH.</summary>
    public Descriptor? Find(ReadOnlySpan<byte> path, out int errno) => Descriptor.OpenResolved(root.Number, path, Libc.O_PATH, resolve, out errno);

    public void Dispose() => root.Dispose();
}
