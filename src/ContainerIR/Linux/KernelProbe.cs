using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ContainerIR.Linux;

/// <summary>Which system calls this kernel has, and lets us make. Each is made with arguments that cannot succeed, so that only the way it fails tells.</summary>
internal static unsafe class KernelProbe
{
    // include/uapi/asm-generic/unistd.h; x86-64 has the same numbers from 424 on.
    private const int OpenTree = 428;
    private const int PidfdGetfd = 438;
    private const int MountSetattr = 442;

    /// <summary>_IOWR('f', 16, struct pm_scan_arg) with its 96 bytes, include/uapi/linux/fs.h.</summary>
    private const long PagemapScan = 0xC0606610;

    private const int AfNetlink = 16;
    private const int SockRaw = 3;
    private const int SockCloexec = 0x80000;
    private const int NetlinkSockDiag = 4;

    private static readonly bool IsArm64 = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>open_tree(2), Linux 5.2: reads of files that change no access time.</summary>
    public static string? WhyNoOpenTree() => WhyNot(Libc.syscall(OpenTree, -1, 0, -1, 0, 0, 0));

    /// <summary>mount_setattr(2), Linux 5.12: the same.</summary>
    public static string? WhyNoMountSetattr() => WhyNot(Libc.syscall(MountSetattr, -1, 0, -1, 0, 0, 0));

    /// <summary>pidfd_getfd(2), Linux 5.6: hidden sockets.</summary>
    public static string? WhyNoPidfdGetfd() => WhyNot(Libc.syscall(PidfdGetfd, -1, -1, 0, 0, 0, 0));

    /// <summary>ioctl PAGEMAP_SCAN, Linux 6.7: fast memory capture.</summary>
    public static string? WhyNoPagemapScan()
    {
        try
        {
            using SafeFileHandle pagemap = File.OpenHandle("/proc/self/pagemap");
            byte* argument = stackalloc byte[96];
            new Span<byte>(argument, 96).Clear();
            nint result = Libc.syscall(IsArm64 ? 29 : 16, pagemap.DangerousGetHandle(), unchecked((nint)PagemapScan), (nint)argument, 0, 0, 0);
            int errno = Marshal.GetLastPInvokeError();
            return result >= 0 || errno == Libc.EINVAL ? null : Libc.Describe(errno);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return failure.Message;
        }
    }

    /// <summary>sock_diag(7): sockets with their timers and programs.</summary>
    public static string? WhyNoSockDiag()
    {
        nint fd = Libc.syscall(IsArm64 ? 198 : 41, AfNetlink, SockRaw | SockCloexec, NetlinkSockDiag, 0, 0, 0);
        int errno = Marshal.GetLastPInvokeError();
        if (fd < 0)
        {
            return Libc.Describe(errno);
        }

        _ = Libc.close((int)fd);
        return null;
    }

    /// <summary>The call is there unless it is unknown (ENOSYS) or a filter forbids it (EPERM).</summary>
    private static string? WhyNot(nint result)
    {
        int errno = Marshal.GetLastPInvokeError();
        return result >= 0 || errno is not (Libc.ENOSYS or Libc.EPERM) ? null : Libc.Describe(errno);
    }
}
