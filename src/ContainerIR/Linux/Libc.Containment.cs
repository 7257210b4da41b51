using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>System calls by which a container is held: signals by pidfd, links, probes.</summary>
internal static unsafe partial class Libc
{
    public const int SIGKILL = 9;
    public const int SIGCONT = 18;
    public const int SIGSTOP = 19;

    public const int SOCK_STREAM = 1;
    public const int SOCK_NONBLOCK = 0x800;
    public const short POLLOUT = 4;
    public const int ENETDOWN = 100;
    public const int ENETUNREACH = 101;
    public const int EHOSTUNREACH = 113;
    public const int EINPROGRESS = 115;

    private const nint NrPidfdSendSignal = 424;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int connect(int fd, void* address, uint size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fsync(int fd);

    /// <summary>pidfd_send_signal(2).</summary>
    public static int SendSignal(int pidfd, int signal) => (int)syscall(NrPidfdSendSignal, pidfd, signal, 0, 0, 0, 0);
}
