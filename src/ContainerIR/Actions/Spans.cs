using System.Globalization;
using System.Text.RegularExpressions;

namespace ContainerIR.Actions;

/// <summary>Spans of time and sizes as authors write them: <c>30s</c>, <c>15m</c>, <c>8GiB</c>.</summary>
internal static partial class Spans
{
    /// <summary>The form of a span, for the schema.</summary>
    public const string TimePattern = "^[1-9][0-9]{0,8}(ms|s|m|h|d)$";

    /// <summary>The form of a size, for the schema.</summary>
    public const string SizePattern = "^[0-9]{1,15}(B|KiB|MiB|GiB|TiB)?$";

    /// <summary>Reads a span; at most 30 days.</summary>
    public static bool TryParseTime(string text, out TimeSpan span)
    {
        span = default;
        Match match = TimeForm().Match(text);
        if (!match.Success)
        {
            return false;
        }

        long count = long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        long milliseconds = count * match.Groups[2].Value switch { "ms" => 1, "s" => 1000, "m" => 60_000, "h" => 3_600_000, _ => 86_400_000 };
        if (milliseconds > 30L * 86_400_000)
        {
            return false;
        }

        span = TimeSpan.FromMilliseconds(milliseconds);
        return true;
    }

    /// <summary>Reads a size in bytes.</summary>
    public static bool TryParseSize(string text, out long bytes)
    {
        Match match = SizeForm().Match(text);
        bytes = 0;
        if (!match.Success || !long.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out long count))
        {
            return false;
        }

        int shift = match.Groups[2].Value switch { "KiB" => 10, "MiB" => 20, "GiB" => 30, "TiB" => 40, _ => 0 };
        if (count > long.MaxValue >> shift)
        {
            return false;
        }

        bytes = count << shift;
        return true;
    }

    /// <summary>A span in the shortest of the forms above.</summary>
    public static string Format(TimeSpan span)
    {
        long ms = (long)span.TotalMilliseconds;
        (long unit, string name) = ms switch
        {
            _ when ms % 86_400_000 == 0 => (86_400_000L, "d"),
            _ when ms % 3_600_000 == 0 => (3_600_000L, "h"),
            _ when ms % 60_000 == 0 => (60_000L, "m"),
            _ when ms % 1000 == 0 => (1000L, "s"),
            _ => (1L, "ms"),
        };
        return (ms / unit).ToString(CultureInfo.InvariantCulture) + name;
    }

    [GeneratedRegex("^([1-9][0-9]{0,8})(ms|s|m|h|d)\\z", RegexOptions.NonBacktracking)]
    private static partial Regex TimeForm();

    [GeneratedRegex("^([0-9]{1,15})(B|KiB|MiB|GiB|TiB)?\\z", RegexOptions.NonBacktracking)]
    private static partial Regex SizeForm();
}
