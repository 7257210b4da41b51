using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace ContainerIR.Linux;

/// <summary>
/// One network namespace, held open: while this object lives the namespace lives, so hold it briefly. A socket belongs for ever to the namespace
/// it was created in, whoever uses it later: creating it is all that must happen inside.
/// </summary>
internal sealed unsafe class NamespaceHandle : IDisposable
{
    private const int StackBytes = 256 * 1024;
    private int descriptor;

    private NamespaceHandle(int descriptor, ulong inode) => (this.descriptor, Inode) = (descriptor, inode);

    /// <summary>Inode of the namespace: its identity while it lives, as in <c>net:[4026531840]</c>.</summary>
    public ulong Inode { get; }

    /// <summary>The descriptor, for requests that name a namespace by one.</summary>
    public int Descriptor => descriptor;

    /// <summary>Opens the namespace of a process.</summary>
    /// <exception cref="IOException">The process is gone or may not be looked at.</exception>
    public static NamespaceHandle OfProcess(int pid) => Open(PathOf(pid));

    /// <summary>Opens a namespace by a path below /proc: <c>/proc/PID/ns/net</c>, or <c>/proc/PID/fd/N</c> where only a descriptor keeps it.</summary>
    /// <exception cref="IOException">It is gone, may not be looked at, or is no namespace.</exception>
    public static NamespaceHandle Open(string path)
    {
        int fd;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            fd = Libc.openat(Libc.AT_FDCWD, name, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
        }

        if (fd < 0)
        {
            throw new IOException($"{path}: {Libc.Describe(Marshal.GetLastPInvokeError())}");
        }

        StatX status;
        byte empty = 0;
        if (Libc.statx(fd, &empty, Libc.AT_EMPTY_PATH, StatX.STATX_BASIC_STATS, &status) < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            _ = Libc.close(fd);
            throw new IOException($"{path}: {Libc.Describe(errno)}");
        }

        return new NamespaceHandle(fd, status.stx_ino);
    }

    /// <summary>Inode of a process's namespace without opening it; null when the process is gone or may not be looked at.</summary>
    public static ulong? InodeOf(int pid)
    {
        // net:[4026531840], namespaces(7).
        ReadOnlySpan<byte> text = HostFile.TryReadLink(PathOf(pid));
        return text.StartsWith("net:["u8) && text[^1] == ']' && ulong.TryParse(text[5..^1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong inode)
            ? inode
            : null;
    }

    /// <summary>Creates a socket inside the namespace, on a thread that enters it and ends: no pool thread ever changes its namespace.</summary>
    /// <returns>The descriptor; the caller closes it.</returns>
    /// <exception cref="IOException">The namespace may not be entered or the socket not be made.</exception>
    public int CreateSocket(int domain, int type, int protocol)
    {
        int fd = -1;
        int errno = 0;
        Thread thread = new(
            () =>
            {
                fd = Libc.setns(descriptor, Libc.CLONE_NEWNET) < 0 ? -1 : Libc.socket(domain, type | Libc.SOCK_CLOEXEC, protocol);
                errno = Marshal.GetLastPInvokeError();
            },
            StackBytes);
        thread.Start();
        thread.Join();
        return fd >= 0 ? fd : throw new IOException($"a socket in network namespace {Inode}: {Libc.Describe(errno)}");
    }

    public void Dispose()
    {
        int fd = Interlocked.Exchange(ref descriptor, -1);
        if (fd >= 0)
        {
            _ = Libc.close(fd);
        }
    }

    private static string PathOf(int pid) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/ns/net");
}
