using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>System calls of processes and namespaces.</summary>
internal static unsafe partial class Libc
{
    public const int CLOCK_REALTIME = 0;
    public const int CLOCK_MONOTONIC = 1;
    public const int CLOCK_BOOTTIME = 7;

    public const int SC_CLK_TCK = 2;

    /// <summary>include/uapi/linux/nsfs.h: _IO(0xb7, 0x2).</summary>
    public const uint NS_GET_PARENT = 0xb702;

    /// <summary>include/uapi/linux/sockios.h: the network namespace a socket belongs to.</summary>
    public const uint SIOCGSKNS = 0x894C;

    public const int CLONE_NEWNET = 0x40000000;
    public const int CLONE_NEWNS = 0x00020000;
    public const int CLONE_FS = 0x00000200;

    // openat2(2), include/uapi/linux/openat2.h.
    public const ulong RESOLVE_IN_ROOT = 0x10;

    // kcmp(2), include/uapi/linux/kcmp.h.
    public const int KCMP_FILES = 2;
    public const int KCMP_FS = 3;

    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    private static readonly nint NrGetdents64 = Arm ? 61 : 217;
    private static readonly nint NrKcmp = Arm ? 272 : 312;
    private const nint NrPidfdOpen = 434;
    private const nint NrOpenat2 = 437;
    private const nint NrPidfdGetfd = 438;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int clock_gettime(int clock, TimeSpec* time);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint sysconf(int name);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int setns(int fd, int kind);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int unshare(int kinds);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int ioctl(int fd, nuint request, nint argument);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int memfd_create(byte* name, uint flags);

    /// <summary>getdents64(2): fills the buffer with struct linux_dirent64.</summary>
    public static nint ReadDirectory(int fd, byte* buffer, int size) => syscall(NrGetdents64, fd, (nint)buffer, size, 0, 0, 0);

    /// <summary>openat2(2).</summary>
    public static int OpenResolved(int dirfd, byte* path, OpenHow* how) => (int)syscall(NrOpenat2, dirfd, (nint)path, (nint)how, sizeof(OpenHow), 0, 0);

    /// <summary>pidfd_open(2).</summary>
    public static int OpenPidfd(int pid) => (int)syscall(NrPidfdOpen, pid, 0, 0, 0, 0, 0);

    /// <summary>pidfd_getfd(2): a duplicate of another process's descriptor.</summary>
    public static int DuplicateFrom(int pidfd, int fd) => (int)syscall(NrPidfdGetfd, pidfd, fd, 0, 0, 0, 0);

    /// <summary>kcmp(2): 0 when two tasks share the resource, above 0 when not, -1 on failure.</summary>
    public static int CompareTasks(int pidA, int pidB, int kind) => (int)syscall(NrKcmp, pidA, pidB, kind, 0, 0, 0);
}

/// <summary>struct timespec on 64-bit machines.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpec
{
    public long tv_sec;
    public long tv_nsec;
}
