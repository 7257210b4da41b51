using System.Globalization;

namespace ContainerIR.Actions;

/// <summary>Spans of time as parameters have them: <c>500ms</c>, <c>30s</c>, <c>15m</c>, <c>4h</c>.</summary>
internal static class ActionTime
{
    /// <summary>Reads one; null when it is none.</summary>
    public static TimeSpan? Parse(string text)
    {
        int end = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (end <= 0 || !long.TryParse(text.AsSpan(0, end), NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number > 10_000_000)
        {
            return null;
        }

        return text[end..] switch
        {
            "ms" => TimeSpan.FromMilliseconds(number),
            "s" => TimeSpan.FromSeconds(number),
            "m" => TimeSpan.FromMinutes(number),
            "h" => TimeSpan.FromHours(number),
            _ => null,
        };
    }
}
