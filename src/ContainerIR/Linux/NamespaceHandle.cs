using System.Globalization;
using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>
/// One network namespace, held open: while this object lives the namespace lives, so hold it briefly. A socket belongs for ever to the namespace
/// it was created in, whoever uses it later: creating it is all that must happen inside.
/// </summary>
internal sealed class NamespaceHandle : IDisposable
{
    private const int StackBytes = 256 * 1024;
    private readonly Descriptor nsfs;

    private NamespaceHandle(Descriptor nsfs, ulong inode) => (this.nsfs, Inode) = (nsfs, inode);

    /// <summary>Inode of the namespace: its identity while it lives, as in <c>net:[4026531840]</c>.</summary>
    public ulong Inode { get; }

    /// <summary>The door itself, for requests that name a namespace by descriptor.</summary>
    public Descriptor Descriptor => nsfs;

    /// <summary>Opens the namespace of a process.</summary>
    /// <exception cref="IOException">The process is gone or may not be looked at.</exception>
    public static NamespaceHandle OfProcess(int pid) => Open(PathOf(pid));

    /// <summary>Opens a namespace by a path below /proc: <c>/proc/PID/ns/net</c>, or <c>/proc/PID/fd/N</c> where only a descriptor keeps it.</summary>
    /// <exception cref="IOException">It is gone or may not be looked at.</exception>
    public static NamespaceHandle Open(string path)
    {
        Descriptor? nsfs = Descriptor.Open(Libc.AT_FDCWD, path, Libc.O_RDONLY | Libc.O_NONBLOCK, out int errno);
        if (nsfs is not null && nsfs.TryStat(out StatX status, out errno))
        {
            return new NamespaceHandle(nsfs, status.stx_ino);
        }

        nsfs?.Dispose();
        throw new IOException($"{path}: {Libc.Describe(errno)}");
    }

    /// <summary>Inode of a process's namespace without opening it; null when the process is gone or may not be looked at.</summary>
    public static ulong? InodeOf(int pid) => HostFile.TryReadLink(PathOf(pid)) is { } link && ProcEntry.NamespaceInode(link) is not 0 and var inode ? inode : null;

    /// <summary>Creates a socket inside the namespace.</summary>
    /// <exception cref="IOException">The namespace may not be entered or the socket not be made.</exception>
    public Descriptor CreateSocket(int domain, int type, int protocol) =>
        Inside((out int errno) => Descriptor.Own(Libc.socket(domain, type | Libc.SOCK_CLOEXEC, protocol), out errno));

    /// <summary>Opens a netlink socket of the namespace.</summary>
    /// <exception cref="IOException">The namespace may not be entered or the socket not be made.</exception>
    public NetlinkSocket CreateNetlink(int protocol) => Inside((out int errno) => NetlinkSocket.Open(protocol, out errno));

    public void Dispose() => nsfs.Dispose();

    private static string PathOf(int pid) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/ns/net");

    // On a thread that enters and ends: no other thread ever changes its namespace.
    private T Inside<T>(Creation<T> create)
        where T : class
    {
        T? created = null;
        int errno = 0;
        Thread thread = new(
            () =>
            {
                if (Libc.setns(nsfs.Number, Libc.CLONE_NEWNET) < 0)
                {
                    errno = Marshal.GetLastPInvokeError();
                    return;
                }

                created = create(out errno);
            },
            StackBytes);
        thread.Start();
        thread.Join();
        return created ?? throw new IOException($"a socket in network namespace {Inode}: {Libc.Describe(errno)}");
    }

    private delegate T? Creation<T>(out int errno);
}
