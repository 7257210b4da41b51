using System.Globalization;

namespace ContainerIR.Rows;

/// <summary>Instants with nanoseconds as engines and kernels write them: RFC 3339 to ns since 1970 and back. The clock types of .NET end at 100 ns.</summary>
internal static class Rfc3339
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Reads <c>2026-11-22T19:43:44.527057974Z</c> or with an offset <c>+02:00</c>; years 1678 to 2261, else false.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out long nanoseconds)
    {
        nanoseconds = 0;
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[10] is not ((byte)'T' or (byte)'t' or (byte)' ') || text[13] != ':' || text[16] != ':'
            || !Digits(text[..4], out int year) || !Digits(text[5..7], out int month) || !Digits(text[8..10], out int day)
            || !Digits(text[11..13], out int hour) || !Digits(text[14..16], out int minute) || !Digits(text[17..19], out int second)
            || year is < 1678 or > 2261 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 60)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = text[19..];
        long fraction = 0;
        if (rest[0] == '.')
        {
            int count = 1;
            for (long unit = NanosecondsPerSecond / 10; count < rest.Length && rest[count] is >= (byte)'0' and <= (byte)'9'; count++, unit /= 10)
            {
                fraction += (rest[count] - '0') * unit;
            }

            if (count == 1 || count == rest.Length)
            {
                return false;
            }

            rest = rest[count..];
        }

        if (!TryParseOffset(rest, out int offsetSeconds))
        {
            return false;
        }

        // A leap second (60) counts as the first of the next minute, as the kernel's clock does.
        long days = (new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Utc) - DateTime.UnixEpoch).Days;
        long seconds = (days * 86400) + (hour * 3600L) + (minute * 60L) + second - offsetSeconds;
        nanoseconds = (seconds * NanosecondsPerSecond) + fraction;
        return true;
    }

    /// <summary>Writes an instant with nine digits and <c>Z</c>.</summary>
    public static string Format(long nanoseconds)
    {
        long seconds = Math.DivRem(nanoseconds, NanosecondsPerSecond, out long fraction);
        if (fraction < 0)
        {
            (seconds, fraction) = (seconds - 1, fraction + NanosecondsPerSecond);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{DateTime.UnixEpoch.AddSeconds(seconds):yyyy-MM-ddTHH:mm:ss}.{fraction:D9}Z");
    }

    private static bool TryParseOffset(ReadOnlySpan<byte> text, out int seconds)
    {
        seconds = 0;
        if (text.Length == 1 && text[0] is (byte)'Z' or (byte)'z')
        {
            return true;
        }

        if (text.Length != 6 || text[0] is not ((byte)'+' or (byte)'-') || text[3] != ':' || !Digits(text[1..3], out int hours) || !Digits(text[4..6], out int minutes)
            || hours > 23 || minutes > 59)
        {
            return false;
        }

        seconds = ((hours * 3600) + (minutes * 60)) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    private static bool Digits(ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        foreach (byte digit in text)
        {
            if (digit is < (byte)'0' or > (byte)'9')
            {
                return false;
            }

            value = (value * 10) + digit - '0';
        }

        return true;
    }
}
