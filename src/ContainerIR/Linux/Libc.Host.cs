using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>The clock's state and our own identity.</summary>
internal static unsafe partial class Libc
{
    [LibraryImport(Name, SetLastError = true)]
    public static partial int adjtimex(TimeX* buffer);

    [LibraryImport(Name)]
    public static partial uint getuid();

    [LibraryImport(Name)]
    public static partial uint geteuid();

    /// <summary>Key of the dynamic loader's address (include/uapi/linux/auxvec.h); 0 where the executable asked for no loader.</summary>
    public const nuint AT_BASE = 7;

    [LibraryImport(Name)]
    public static partial nuint getauxval(nuint type);
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
