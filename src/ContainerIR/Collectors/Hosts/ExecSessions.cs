using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Hosts;

/// <summary>
/// Puts a person to each exec session of the engine's events. The engine does not say who asked; what the host knows of the same seconds does: a client that is
/// still connected, a record of auditd, a sudo, a line of shell history. How sure that is stands with it.
/// </summary>
internal static class ExecSessions
{
    private const long BeforeNs = 15_000_000_000;
    private const long AfterNs = 2_000_000_000;

    /// <summary>Within so much the better source counts, not the nearer time.</summary>
    private const long NearNs = 2_000_000_000;

    private static readonly string[] Kinds = ["api-client", "audit", "sudo", "shell-history"];

    /// <summary>A row for each session.</summary>
    /// <param name="events">Events of the engine.</param>
    /// <param name="container">The container.</param>
    /// <param name="known">What the host knows.</param>
    /// <param name="healthCommand">Command line of the container's health check as events tell it; null when it has none.</param>
    public static IEnumerable<SessionRow> Match(IEnumerable<EventRow> events, ContainerRef container, IReadOnlyList<SessionRow> known, string? healthCommand = null)
    {
        SessionRow[] candidates = [.. known.Where(row => row.TimeNs is not null && IsExecOf(row, container))];
        EventRow[] starts = [.. events.Where(row => row.OfContainer && row.Action == "exec_start")];
        foreach (EventRow row in starts)
        {
            SessionRow[] near = [.. candidates.Where(candidate => IsNear(row, candidate))];
            SessionRow? best = near.OrderBy(candidate => Math.Abs(candidate.TimeNs!.Value - row.TimeNs!.Value) / NearNs).ThenBy(RankOf).FirstOrDefault();
            bool isHealth = healthCommand is not null && row.Detail == healthCommand;
            SessionRow session = new() { TimeNs = row.TimeNs, Kind = "exec", What = $"exec in {container.Name}: {row.Detail}", Basis = $"event {row.Number} of the engine; " };
            yield return isHealth
                ? session with { Certainty = "engine", Basis = session.Basis + "its command line is that of the container's health check, which the engine runs by itself" }
                : best is null
                    ? session with { Certainty = "unknown", Basis = session.Basis + "nothing on the host says who" }
                    : session with
                    {
                        User = best.User,
                        Terminal = best.Terminal,
                        Source = best.Source,
                        Pid = best.Pid,
                        AuditSession = best.AuditSession,
                        Certainty = CertaintyOf(best, near, starts),
                        Basis = $"{session.Basis}{best.Kind} \"{DisplayText.Shorten(best.What, 300)}\" of the same seconds: {best.Basis}",
                    };
        }

        bool IsNear(EventRow row, SessionRow candidate) => row.TimeNs is { } at && candidate.TimeNs is { } then && then > at - BeforeNs && then < at + AfterNs;

        // A client and a session that are each other's only choice are one; where there are two of either, time alone chose.
        string CertaintyOf(SessionRow best, SessionRow[] near, EventRow[] all)
        {
            bool isOnly = near.Count(other => other.Kind == best.Kind) == 1 && all.Count(other => IsNear(other, best) && (healthCommand is null || other.Detail != healthCommand)) == 1;
            return !isOnly ? "likely" : best.Kind switch { "api-client" => "observed", "audit" when IsNamed(best, container) => "recorded", _ => "likely" };
        }
    }

    private static bool IsExecOf(SessionRow row, ContainerRef container) =>

        // A record of auditd has no arguments where no EXECVE record came with it.
        Kinds.Contains(row.Kind) && (IsNamed(row, container) || (row.Kind == "audit" && row.What.StartsWith("SYSCALL ", StringComparison.Ordinal)));

    /// <summary>A record of auditd without arguments says less than a sudo or a line of history that has them.</summary>
    private static int RankOf(SessionRow row) => row.Kind == "audit" && row.What.StartsWith("SYSCALL ", StringComparison.Ordinal) ? Kinds.Length : Array.IndexOf(Kinds, row.Kind);

    private static bool IsNamed(SessionRow row, ContainerRef container) =>
        row.What.Contains("exec", StringComparison.Ordinal)
        && (row.What.Contains(container.Name, StringComparison.Ordinal) || row.What.Contains(container.Id[..4], StringComparison.Ordinal));
}
