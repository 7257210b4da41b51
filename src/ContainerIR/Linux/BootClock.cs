namespace ContainerIR.Linux;

/// <summary>
/// Turns start ticks into UTC: ticks count from boot, and CLOCK_REALTIME - CLOCK_BOOTTIME says when that was, to the nanosecond.
/// (<c>btime</c> of /proc/stat is a whole second and was seen 0.81 s off.)
/// </summary>
internal sealed unsafe class BootClock
{
    private readonly long ticksPerSecond = Math.Max(1, (long)Libc.sysconf(Libc.SC_CLK_TCK));

    private BootClock(long bootedAtNanoseconds) => BootedAtNanoseconds = bootedAtNanoseconds;

    /// <summary>The instant of boot in ns since the Unix epoch, as the clocks stood at <see cref="Take"/>.</summary>
    public long BootedAtNanoseconds { get; }

    /// <summary>Reads both clocks, the boot clock before and after; the tightest of five pairs wins.</summary>
    public static BootClock Take()
    {
        long best = long.MaxValue, offset = 0;
        for (int i = 0; i < 5; i++)
        {
            long before = Read(Libc.CLOCK_BOOTTIME), now = Read(Libc.CLOCK_REALTIME), after = Read(Libc.CLOCK_BOOTTIME);
            if (after - before < best)
            {
                (best, offset) = (after - before, now - before - ((after - before) / 2));
            }
        }

        return new BootClock(offset);
    }

    /// <summary>UTC of so many clock ticks after boot; good to one tick (10 ms). Null when the count is beyond any calendar.</summary>
    public DateTimeOffset? At(ulong ticks)
    {
        UInt128 nanoseconds = (UInt128)ticks * 1_000_000_000 / (ulong)ticksPerSecond;
        if (nanoseconds > long.MaxValue / 2)
        {
            return null;
        }

        return DateTimeOffset.UnixEpoch.AddTicks((BootedAtNanoseconds + (long)nanoseconds) / 100);
    }

    private static long Read(int clock)
    {
        TimeSpec time = default;
        _ = Libc.clock_gettime(clock, &time);
        return (time.tv_sec * 1_000_000_000) + time.tv_nsec;
    }
}
