using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>Clocks, identity and probes of the host.</summary>
internal static unsafe partial class Libc
{
    // include/uapi/linux/time.h
    public const int CLOCK_REALTIME = 0;
    public const int CLOCK_MONOTONIC = 1;
    public const int CLOCK_BOOTTIME = 7;

    public const int AT_STATX_SYNC_AS_STAT = 0;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int clock_gettime(int clock, TimeSpec* time);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int adjtimex(TimeX* buffer);

    [LibraryImport(Name)]
    public static partial uint getuid();

    [LibraryImport(Name)]
    public static partial uint geteuid();
}

/// <summary>struct timespec on 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpec
{
    public long tv_sec;
    public long tv_nsec;

    public readonly long Nanoseconds => checked((tv_sec * 1_000_000_000L) + tv_nsec);
}

/// <summary>struct timex, adjtimex(2), include/uapi/linux/timex.h: 208 bytes on 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TimeX
{
    public const int STA_UNSYNC = 0x0040;
    public const int STA_NANO = 0x2000;
    public const int TIME_ERROR = 5;

    public uint modes;
    private readonly int pad0;
    public long offset;
    public long freq;
    public long maxerror;
    public long esterror;
    public int status;
    private readonly int pad1;
    public long constant;
    public long precision;
    public long tolerance;
    public long time_sec;
    public long time_usec;
    public long tick;
    public long ppsfreq;
    public long jitter;
    public int shift;
    private readonly int pad2;
    public long stabil;
    public long jitcnt;
    public long calcnt;
    public long errcnt;
    public long stbcnt;
    public int tai;
    private fixed int spare[11];
}
