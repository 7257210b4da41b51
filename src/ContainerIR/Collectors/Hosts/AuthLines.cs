using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Hosts;

/// <summary>What sshd, sudo, su, logind and the audit system say, as rows. Their words are matched from the start of the message: text a user chose stands behind.</summary>
internal static partial class AuthLines
{
    private const int MaxLineCharacters = 8192;

    /// <summary>A message of a program; null for one that says nothing we know.</summary>
    /// <param name="program">Who says it, without its pid.</param>
    /// <param name="message">What it says.</param>
    /// <param name="timeNs">When.</param>
    /// <param name="pid">Its process; null when not known.</param>
    /// <param name="basis">Where it stands.</param>
    public static SessionRow? FromMessage(string program, string message, long? timeNs, long? pid, string basis)
    {
        message = message.Length > MaxLineCharacters ? message[..MaxLineCharacters] : message;
        Match match;
        switch (program)
        {
            case "sshd" or "sshd-session" when (match = Ssh().Match(message)).Success:
                bool isIn = match.Groups[1].Value == "Accepted";
                return new()
                {
                    TimeNs = timeNs,
                    Kind = isIn ? "login" : "failed-login",
                    User = match.Groups[3].Value,
                    Source = match.Groups[4].Value,
                    Pid = pid,
                    What = $"ssh {match.Groups[1].Value.ToLowerInvariant()} {match.Groups[2].Value}",
                    Basis = basis,
                };
            case "sudo" when (match = Sudo().Match(message)).Success:
                return new()
                {
                    TimeNs = timeNs,
                    Kind = "sudo",
                    User = match.Groups[1].Value,
                    Terminal = Known(match.Groups[2].Value),
                    Pid = pid,
                    What = $"sudo as {match.Groups[3].Value}: {match.Groups[4].Value}",
                    Basis = basis,
                };
            case "su" when (match = Su().Match(message)).Success:
                return new() { TimeNs = timeNs, Kind = "su", User = match.Groups[2].Value, Terminal = Known(match.Groups[3].Value), Pid = pid, What = $"su to {match.Groups[1].Value}", Basis = basis };
            case "systemd-logind" when (match = Logind().Match(message)).Success:
                return new() { TimeNs = timeNs, Kind = "login", User = match.Groups[2].Value, Pid = pid, What = $"session {match.Groups[1].Value}", Basis = basis };
            default:
                return null;
        }
    }

    /// <summary>A line of syslog: RFC 3164 without a year, or with an RFC 3339 time; null when it says nothing we know.</summary>
    /// <param name="line">The line.</param>
    /// <param name="nowNs">A time without a year is the last such before now.</param>
    /// <param name="offset">The host's offset from UTC, which the old form leaves out.</param>
    /// <param name="basis">Where it stands.</param>
    public static SessionRow? FromSyslog(ReadOnlySpan<byte> line, long nowNs, TimeSpan offset, string basis)
    {
        string text = Stanza(line);
        Match match = Syslog().Match(text);
        return match.Success && Time(match.Groups[1].Value, nowNs, offset) is { } time
            ? FromMessage(match.Groups[2].Value, match.Groups[4].Value, time, long.TryParse(match.Groups[3].Value, CultureInfo.InvariantCulture, out long pid) ? pid : null, basis)
            : null;
    }

    /// <summary>Whether a command line is one of a container tool.</summary>
    public static bool IsOfContainers(string text) =>
        text.Contains("docker", StringComparison.Ordinal) || text.Contains("runc", StringComparison.Ordinal) || text.Contains("containerd", StringComparison.Ordinal)
        || text.Contains("podman", StringComparison.Ordinal) || text.Contains("nerdctl", StringComparison.Ordinal) || text.Contains("kubectl", StringComparison.Ordinal) || text.Contains("crictl", StringComparison.Ordinal);

    private static string Stanza(ReadOnlySpan<byte> line) => Encoding.Latin1.GetString(line[..Math.Min(line.Length, MaxLineCharacters)]);

    private static string? Known(string text) => text.Length == 0 || text is "?" or "unknown" or "(none)" ? null : text;

    private static long? Time(string text, long nowNs, TimeSpan offset)
    {
        if (char.IsAsciiDigit(text[0]))
        {
            return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at) ? (at - DateTimeOffset.UnixEpoch).Ticks * 100 : null;
        }

        int year = DateTimeOffset.FromUnixTimeMilliseconds(nowNs / 1_000_000).Year;
        foreach (int candidate in new[] { year, year - 1 })
        {
            if (DateTime.TryParseExact($"{candidate} {text}", ["yyyy MMM d HH:mm:ss", "yyyy MMM  d HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTime local))
            {
                long ns = (new DateTimeOffset(local, offset) - DateTimeOffset.UnixEpoch).Ticks * 100;
                if (ns <= nowNs + 86_400_000_000_000)
                {
                    return ns;
                }
            }
        }

        return null;
    }

    [GeneratedRegex(@"^(Accepted|Failed) (\S+) for (?:invalid user )?(.{0,256}?) from (\S+) port \d+", RegexOptions.NonBacktracking)]
    private static partial Regex Ssh();

    [GeneratedRegex(@"^\s*(\S+) : (?:.{0,200}?; )?TTY=(\S+) ; PWD=.*? ; USER=(\S+) ; (?:.*? ; )?COMMAND=(.*)$", RegexOptions.NonBacktracking)]
    private static partial Regex Sudo();

    [GeneratedRegex(@"^\(to (\S+)\) (\S+) on (\S+)", RegexOptions.NonBacktracking)]
    private static partial Regex Su();

    [GeneratedRegex(@"^New session (\S+) of user (\S+?)\.?$", RegexOptions.NonBacktracking)]
    private static partial Regex Logind();

    [GeneratedRegex(@"^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ ([^\s:\[]+)(?:\[(\d+)\])?: (.*)$", RegexOptions.NonBacktracking)]
    private static partial Regex Syslog();
}
