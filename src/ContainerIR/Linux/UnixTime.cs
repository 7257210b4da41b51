using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace ContainerIR.Linux;

/// <summary>
/// An instant as a file system keeps it: seconds since 1970-01-01T00:00:00Z, rounded down, and nanoseconds after them. It holds what
/// <see cref="DateTimeOffset"/> cannot: years beyond 9999, and every nanosecond. Its text is the exact decimal number of seconds, as in a PAX
/// header (POSIX.1-2017, pax, "mtime"): <c>1700000000.000000001</c>, <c>-4.012345679</c>; no fraction when it is zero.
/// </summary>
/// <param name="Seconds">Whole seconds, rounded down: -0.5 s is -1.</param>
/// <param name="Nanoseconds">0 to 999,999,999.</param>
public readonly record struct UnixTime(long Seconds, uint Nanoseconds) : IComparable<UnixTime>
{
    /// <summary>Longest text in bytes.</summary>
    public const int MaxTextBytes = 31;

    private const uint Billion = 1_000_000_000;

    internal static UnixTime From(StatXTime time) => new(time.tv_sec, time.tv_nsec);

    /// <summary>The same instant, 100 ns exact; null outside of what the type can hold (years 1 to 9999).</summary>
    public DateTimeOffset? ToDateTimeOffset() =>
        Seconds is >= -62135596800 and < 253402300800 ? DateTimeOffset.FromUnixTimeSeconds(Seconds).AddTicks(Nanoseconds / 100) : null;

    /// <inheritdoc/>
    public int CompareTo(UnixTime other) => Seconds != other.Seconds ? Seconds.CompareTo(other.Seconds) : Nanoseconds.CompareTo(other.Nanoseconds);

    /// <summary>Whether the first is earlier.</summary>
    public static bool operator <(UnixTime left, UnixTime right) => left.CompareTo(right) < 0;

    /// <summary>Whether the first is later.</summary>
    public static bool operator >(UnixTime left, UnixTime right) => left.CompareTo(right) > 0;

    /// <summary>Whether the first is not later.</summary>
    public static bool operator <=(UnixTime left, UnixTime right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the first is not earlier.</summary>
    public static bool operator >=(UnixTime left, UnixTime right) => left.CompareTo(right) >= 0;

    /// <summary>Writes the text.</summary>
    /// <param name="text">At least <see cref="MaxTextBytes"/> long.</param>
    /// <returns>Bytes written.</returns>
    public int Format(Span<byte> text)
    {
        int used = 0;
        (long seconds, uint fraction) = (Seconds, Nanoseconds);
        if (seconds < 0 && fraction > 0)
        {
            // -5 s + 0.9 s is the number -4.1: the sign is of the whole.
            (seconds, fraction) = (-(seconds + 1), Billion - fraction);
            text[used++] = (byte)'-';
        }

        Utf8Formatter.TryFormat(seconds, text[used..], out int written);
        used += written;
        if (fraction > 0)
        {
            text[used++] = (byte)'.';
            Utf8Formatter.TryFormat(fraction, text[used..], out written, new('D', 9));
            used += written;
        }

        return used;
    }

    /// <summary>Reads the text; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out UnixTime time)
    {
        time = default;
        bool negative = text.StartsWith("-");
        ReadOnlySpan<char> number = negative ? text[1..] : text;
        int point = number.IndexOf('.');
        ReadOnlySpan<char> whole = point < 0 ? number : number[..point];
        ReadOnlySpan<char> part = point < 0 ? [] : number[(point + 1)..];
        uint fraction = 0;
        if (!long.TryParse(whole, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
            || (point >= 0 && (part.Length != 9 || !uint.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out fraction))))
        {
            return false;
        }

        time = !negative ? new(seconds, fraction)
            : fraction > 0 ? new(-seconds - 1, Billion - fraction)
            : new(-seconds, 0);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<byte> text = stackalloc byte[MaxTextBytes];
        return Encoding.ASCII.GetString(text[..Format(text)]);
    }
}
