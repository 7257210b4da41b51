using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>System calls on the memory and the registers of other processes.</summary>
internal static unsafe partial class Libc
{
    public const int EFAULT = 14;
    public const int ENOTTY = 25;

    // include/uapi/linux/ptrace.h.
    public const int PTRACE_DETACH = 17;
    public const int PTRACE_GETREGSET = 0x4204;
    public const int PTRACE_SEIZE = 0x4206;
    public const int PTRACE_INTERRUPT = 0x4207;
    public const int PTRACE_EVENT_STOP = 128;

    // include/uapi/linux/wait.h.
    public const int WNOHANG = 1;
    public const int WALL = 0x40000000;

    /// <summary>_IOWR('f', 16, struct pm_scan_arg), include/uapi/linux/fs.h.</summary>
    public const uint PAGEMAP_SCAN = 0xC0606610;

    private static readonly bool Aarch64 = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    private static readonly nint NrLseek = Aarch64 ? 62 : 8;
    private static readonly nint NrWait4 = Aarch64 ? 260 : 61;
    private static readonly nint NrPtrace = Aarch64 ? 117 : 101;
    private static readonly nint NrSetsid = Aarch64 ? 157 : 112;
    private static readonly nint NrPpoll = Aarch64 ? 73 : 271;
    private static readonly nint NrProcessVmReadv = Aarch64 ? 270 : 310;

    /// <summary>lseek(2).</summary>
    public static long Seek(int fd, long offset, int whence) => syscall(NrLseek, fd, (nint)offset, whence, 0, 0, 0);

    /// <summary>process_vm_readv(2): bytes read, fewer where an address could not be read.</summary>
    public static nint ReadMemory(int pid, IoVec* local, int localCount, IoVec* remote, int remoteCount) =>
        syscall(NrProcessVmReadv, pid, (nint)local, localCount, (nint)remote, remoteCount, 0);

    /// <summary>ptrace(2). All calls on one tracee come from the thread that seized it.</summary>
    public static nint Trace(int request, int tid, nint address, nint value) => syscall(NrPtrace, request, tid, address, value, 0, 0);

    /// <summary>wait4(2).</summary>
    public static int WaitFor(int tid, int* status, int options) => (int)syscall(NrWait4, tid, (nint)status, options, 0, 0, 0);

    /// <summary>setsid(2).</summary>
    public static int NewSession() => (int)syscall(NrSetsid, 0, 0, 0, 0, 0, 0);

    /// <summary>ppoll(2) of one descriptor: what happened (revents), 0 when the time ran out first.</summary>
    public static short WaitForEvent(int fd, short events, TimeSpan timeout)
    {
        PollRequest request = new() { fd = fd, events = events };
        TimeSpec limit = new() { tv_sec = (long)timeout.TotalSeconds, tv_nsec = timeout.Ticks % TimeSpan.TicksPerSecond * 100 };
        return syscall(NrPpoll, (nint)(&request), 1, (nint)(&limit), 0, 0, 0) > 0 ? request.revents : (short)0;
    }

    /// <summary>ppoll(2) of nothing: the calling thread rests.</summary>
    public static void Pause(TimeSpan duration)
    {
        TimeSpec limit = new() { tv_sec = (long)duration.TotalSeconds, tv_nsec = duration.Ticks % TimeSpan.TicksPerSecond * 100 };
        _ = syscall(NrPpoll, 0, 0, (nint)(&limit), 0, 0, 0);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollRequest
    {
        public int fd;
        public short events;
        public short revents;
    }
}

/// <summary>struct iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IoVec
{
    public ulong iov_base;
    public ulong iov_len;
}

/// <summary>struct pm_scan_arg, include/uapi/linux/fs.h (Linux 6.7).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PageScan
{
    public const ulong PAGE_IS_FILE = 1 << 2;
    public const ulong PAGE_IS_PRESENT = 1 << 3;
    public const ulong PAGE_IS_SWAPPED = 1 << 4;
    public const ulong PAGE_IS_PFNZERO = 1 << 5;

    public ulong size;
    public ulong flags;
    public ulong start;
    public ulong end;
    public ulong walk_end;
    public ulong vec;
    public ulong vec_len;
    public ulong max_pages;
    public ulong category_inverted;
    public ulong category_mask;
    public ulong category_anyof_mask;
    public ulong return_mask;
}

/// <summary>struct page_region, include/uapi/linux/fs.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PageRegion
{
    public ulong start;
    public ulong end;
    public ulong categories;
}
