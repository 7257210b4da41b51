using ContainerIR.Linux;

namespace ContainerIR.Collectors.Processes;

/// <summary>What now stands where an executable's name points.</summary>
internal enum PathNow
{
    /// <summary>Could not be looked at without risk.</summary>
    Unknown,

    /// <summary>The very file.</summary>
    Same,

    /// <summary>Nothing.</summary>
    Missing,

    /// <summary>Another file.</summary>
    Other,
}

/// <summary>A running executable against the name it was started by.</summary>
/// <param name="IsDeleted">No name leads to the running file, or not the one it was started by.</param>
/// <param name="IsMemory">It lives in a memfd or shared memory.</param>
/// <param name="PathNow">What stands at its name.</param>
/// <param name="Other">The other file, held; null when there is none.</param>
/// <param name="HasDecoy">A file literally named as the kernel's text, mark included, exists: it is not the executable.</param>
internal sealed record ExecutableState(bool IsDeleted, bool IsMemory, PathNow PathNow, FileProbe? Other, bool HasDecoy)
{
    public static ExecutableState Of(FileProbe file, ProcEntry process, ProcMounts mounts)
    {
        using RootLookup? root = RootLookup.Open(process, mounts, out _);
        if (root is null || file.Link is not [(byte)'/', ..])
        {
            return new ExecutableState(file.HasNoName || file.SaysDeleted, file.IsMemory, PathNow.Unknown, null, false);
        }

        // "/x (deleted)" is the kernel's mark or a name someone chose: the file standing there decides.
        using Descriptor? literal = root.Find(file.Link, out _);
        bool isLiteral = literal is not null && IsSame(literal, file);
        bool isDeleted = file.HasNoName || (file.SaysDeleted && !isLiteral);
        ReadOnlySpan<byte> name = isDeleted && file.SaysDeleted ? file.Link.AsSpan(0, file.Link.Length - " (deleted)".Length) : file.Link;
        Descriptor? now = root.Find(name, out int errno);
        if (now is null)
        {
            return new ExecutableState(isDeleted, file.IsMemory, errno is Libc.ENOENT or Libc.ENOTDIR ? PathNow.Missing : PathNow.Unknown, null, literal is not null && !isLiteral && file.SaysDeleted);
        }

        if (IsSame(now, file))
        {
            now.Dispose();
            return new ExecutableState(isDeleted, file.IsMemory, PathNow.Same, null, false);
        }

        FileProbe? other = FileProbe.Of(now, $"/proc/{process.Pid}/root", name.ToArray(), mounts, out _);
        return new ExecutableState(isDeleted, file.IsMemory, PathNow.Other, other, literal is not null && !isLiteral && file.SaysDeleted);
    }

    private static bool IsSame(Descriptor found, FileProbe file) => found.TryStat(out StatX stat, out _)
        && stat.stx_ino == file.Stat.stx_ino && stat.stx_dev_major == file.Stat.stx_dev_major && stat.stx_dev_minor == file.Stat.stx_dev_minor;
}
