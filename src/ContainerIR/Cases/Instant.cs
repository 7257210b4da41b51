namespace ContainerIR.Cases;

/// <summary>Instants as the index holds them: nanoseconds since 1970-01-01 UTC in 64 bits (1677 to 2262). What a file claims beyond is held at the end.</summary>
internal static class Instant
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    public static long ToNanoseconds(DateTimeOffset at) => (at - DateTimeOffset.UnixEpoch).Ticks is var ticks && ticks > long.MaxValue / 100
        ? long.MaxValue
        : ticks < long.MinValue / 100 ? long.MinValue : ticks * 100;

    /// <summary>From the two numbers statx gives.</summary>
    public static long ToNanoseconds(long seconds, long nanoseconds)
    {
        Int128 all = ((Int128)seconds * NanosecondsPerSecond) + nanoseconds;
        return all > long.MaxValue ? long.MaxValue : all < long.MinValue ? long.MinValue : (long)all;
    }

    public static DateTimeOffset FromNanoseconds(long nanoseconds) => DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100);
}
