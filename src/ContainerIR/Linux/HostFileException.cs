namespace ContainerIR.Linux;

/// <summary>A file of the host could not be opened or read. The message holds the path in display form and the kernel's word.</summary>
internal sealed class HostFileException(string path, int errno, string? reason = null)
    : IOException($"{path}: {reason ?? Libc.Describe(errno)}")
{
    /// <summary>The error number; 0 where we refused ourselves.</summary>
    public int Errno { get; } = errno;

    /// <summary>Whether there is no such file.</summary>
    public bool IsMissing => Errno is Libc.ENOENT or Libc.ENOTDIR or Libc.ESRCH;
}
