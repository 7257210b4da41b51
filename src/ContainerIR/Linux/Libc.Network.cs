using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>System calls of sockets.</summary>
internal static unsafe partial class Libc
{
    public const int AF_UNIX = 1;
    public const int AF_INET = 2;
    public const int AF_INET6 = 10;
    public const int AF_NETLINK = 16;
    public const int AF_PACKET = 17;
    public const int AF_VSOCK = 40;

    public const int SOCK_DGRAM = 2;
    public const int SOCK_RAW = 3;
    public const int SOCK_CLOEXEC = 0x80000;

    public const int SOL_SOCKET = 1;
    public const int SO_TYPE = 3;
    public const int SO_RCVBUF = 8;
    public const int SO_RCVTIMEO = 20;
    public const int SO_PROTOCOL = 38;
    public const int SO_DOMAIN = 39;
    public const int SO_RCVBUFFORCE = 33;
    public const int SOL_NETLINK = 270;
    public const int NETLINK_GET_STRICT_CHK = 12;

    public const int NETLINK_ROUTE = 0;
    public const int NETLINK_SOCK_DIAG = 4;
    public const int NETLINK_NETFILTER = 12;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint sendto(int fd, void* buffer, nuint size, int flags, void* address, uint addressSize);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint recv(int fd, void* buffer, nuint size, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int setsockopt(int fd, int level, int option, void* value, uint size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getsockopt(int fd, int level, int option, void* value, uint* size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getsockname(int fd, void* address, uint* size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getpeername(int fd, void* address, uint* size);
}
