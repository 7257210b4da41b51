using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>One reading of all clocks of the host, close together, and what the kernel knows of their truth.</summary>
internal sealed unsafe partial record ClockFacts
{
    // include/uapi/linux/time.h
    private const int Realtime = 0;
    private const int Monotonic = 1;
    private const int Boottime = 7;

    /// <summary>CLOCK_REALTIME, ns since 1970 (UTC).</summary>
    public required long RealtimeNs { get; init; }

    /// <summary>CLOCK_MONOTONIC, ns.</summary>
    public required long MonotonicNs { get; init; }

    /// <summary>CLOCK_BOOTTIME, ns since boot, sleep included.</summary>
    public required long BoottimeNs { get; init; }

    /// <summary>Within so many ns all were read.</summary>
    public required long WindowNs { get; init; }

    /// <summary>Whether the kernel holds the clock to be disciplined (adjtimex: not TIME_ERROR, not STA_UNSYNC); null when it did not answer.</summary>
    public required bool? IsSynchronised { get; init; }

    /// <summary>State word of adjtimex(2), for example <c>TIME_OK</c>; or why there is none.</summary>
    public required string SyncState { get; init; }

    /// <summary>Offset still to be corrected, ns.</summary>
    public required long OffsetNs { get; init; }

    /// <summary>Frequency correction, parts per million.</summary>
    public required double FrequencyPpm { get; init; }

    /// <summary>Largest error the kernel assumes, microseconds.</summary>
    public required long MaxErrorUs { get; init; }

    /// <summary>Estimated error, microseconds.</summary>
    public required long EstimatedErrorUs { get; init; }

    /// <summary>TAI minus UTC in seconds; 0 when the kernel was not told.</summary>
    public required int TaiOffsetSeconds { get; init; }

    /// <summary>The host was booted at this CLOCK_REALTIME (ns since 1970).</summary>
    public long BootedAtNs => RealtimeNs - BoottimeNs;

    /// <summary>Reads all clocks now.</summary>
    public static ClockFacts Read()
    {
        long monotonic = Now(Monotonic), realtime = Now(Realtime), boottime = Now(Boottime), after = Now(Monotonic);
        TimeX timex = default;
        int state = Libc.adjtimex(&timex);
        string? failure = state < 0 ? Libc.Describe(Marshal.GetLastPInvokeError()) : null;
        string[] states = ["TIME_OK", "TIME_INS", "TIME_DEL", "TIME_OOP", "TIME_WAIT", "TIME_ERROR"];
        return new ClockFacts
        {
            RealtimeNs = realtime,
            MonotonicNs = monotonic,
            BoottimeNs = boottime,
            WindowNs = after - monotonic,
            IsSynchronised = failure is null ? state != TimeX.TIME_ERROR && (timex.status & TimeX.STA_UNSYNC) == 0 : null,
            SyncState = failure ?? (state is >= 0 and <= TimeX.TIME_ERROR ? states[state] : $"state {state}"),
            OffsetNs = (timex.status & TimeX.STA_NANO) != 0 ? timex.offset : timex.offset * 1000,
            FrequencyPpm = timex.freq / 65536.0,
            MaxErrorUs = timex.maxerror,
            EstimatedErrorUs = timex.esterror,
            TaiOffsetSeconds = timex.tai,
        };
    }

    /// <summary>clock_gettime(2); a clock this kernel lacks reads 0.</summary>
    private static long Now(int clock)
    {
        long* time = stackalloc long[2];
        return clock_gettime(clock, time) == 0 ? (time[0] * 1_000_000_000L) + time[1] : 0;
    }

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, long* timespec);
}
