using System.Globalization;
using System.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Hosts;

/// <summary>
/// Where a person came from, by what programs of root wrote when he logged in: systemd-logind's file of the audit session, and the login records of the terminal.
/// A process's own environment says it too, but its owner can write anything there.
/// </summary>
/// <param name="prefix">What makes a path of the host true for us.</param>
/// <param name="logins">Login records of the host.</param>
internal sealed class LoginOrigins(string prefix, IReadOnlyList<SessionRow> logins)
{
    private const int FileLimitBytes = 64 * 1024;

    private readonly Dictionary<long, Dictionary<string, string>> sessions = [];

    /// <summary>The row with the address its login came from, where a record says so.</summary>
    public SessionRow Complete(SessionRow row)
    {
        if (row.AuditSession is { } number && SessionOf(number) is { } session)
        {
            string person = $"session {number} of {session.GetValueOrDefault("USER") ?? session.GetValueOrDefault("UID")}";
            return session.GetValueOrDefault("REMOTE_HOST") is { Length: > 0 } host
                ? With(row, host, $"systemd-logind: {person} on {session.GetValueOrDefault("TTY") ?? "no terminal"} from {host}")
                : row with { Basis = $"{row.Basis}; systemd-logind: {person}, of this host" };
        }

        return row.Terminal is { } terminal && row.TimeNs is { } at && LoginOn(NameOf(terminal), at) is { } login
            ? With(row, login.Source!, $"{login.Basis}: {login.User} on {login.Terminal} from {login.Source}")
            : row;
    }

    private static SessionRow With(SessionRow row, string source, string basis) => row with
    {
        Source = source,
        Basis = $"{row.Basis}; {basis}{(row.Source is null || row.Source == source ? "" : $"; its own word: {row.Source}")}",
    };

    /// <summary>The login that held the terminal at a time: the last before it, unless it ended.</summary>
    private SessionRow? LoginOn(string terminal, long at)
    {
        SessionRow? last = logins.Where(login => login.Kind is "login" or "logout" && login.Terminal is { } line && NameOf(line) == terminal && login.TimeNs <= at)
            .OrderBy(login => login.TimeNs).ThenBy(login => login.Kind == "login" ? 1 : 0).LastOrDefault();
        return last is { Kind: "login", Source: not null } ? last : null;
    }

    /// <summary>One name for /dev/pts/3, pts/3 (utmp) and pts3 (the audit system).</summary>
    private static string NameOf(string terminal) => (terminal.StartsWith("/dev/", StringComparison.Ordinal) ? terminal[5..] : terminal).Replace("/", "", StringComparison.Ordinal);

    private Dictionary<string, string>? SessionOf(long number)
    {
        if (!sessions.TryGetValue(number, out Dictionary<string, string>? fields))
        {
            fields = [];
            try
            {
                string path = string.Create(CultureInfo.InvariantCulture, $"{prefix}/run/systemd/sessions/{number}");
                foreach (string line in Encoding.Latin1.GetString(HostFile.ReadSmall(path, FileLimitBytes)).Split('\n'))
                {
                    if (line.IndexOf('=') is > 0 and var at)
                    {
                        fields.TryAdd(line[..at], line[(at + 1)..]);
                    }
                }
            }
            catch (HostFileException)
            {
                // No logind, or the session is over: the login records say it.
            }

            sessions[number] = fields;
        }

        return fields.Count > 0 ? fields : null;
    }
}
