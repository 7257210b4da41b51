using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

// Mapped rings of packet sockets: mmap(2), poll(2), packet(7).
internal static unsafe partial class Libc
{
    public const int SO_ERROR = 4;
    public const int SO_ATTACH_FILTER = 26;
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_SHARED = 1;
    public const short POLLIN = 1;
    public const short POLLPRI = 2;
    public const short POLLERR = 8;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int bind(int fd, void* address, uint size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial void* mmap(void* address, nuint size, int protection, int flags, int fd, long offset);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int munmap(void* address, nuint size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int poll(PollFd* fds, nuint count, int milliseconds);
}

/// <summary>struct pollfd, poll(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    public int fd;
    public short events;
    public short revents;
}
