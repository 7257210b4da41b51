using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Hosts;

/// <summary>
/// Puts a person to each exec session of the engine's events. The engine does not say who asked; what the host knows of the same seconds does: a client that is
/// still connected, a sudo, an audit record, a line of shell history. The basis says which; it is likely, not proven.
/// </summary>
internal static class ExecSessions
{
    private const long BeforeNs = 15_000_000_000;
    private const long AfterNs = 2_000_000_000;

    /// <summary>Within so much the better source counts, not the nearer time.</summary>
    private const long NearNs = 2_000_000_000;

    private static readonly string[] Order = ["api-client", "sudo", "audit", "shell-history"];

    /// <summary>A row for each session.</summary>
    /// <param name="events">Events of the engine.</param>
    /// <param name="container">The container.</param>
    /// <param name="known">What the host knows.</param>
    public static IEnumerable<SessionRow> Match(IEnumerable<EventRow> events, ContainerRef container, IReadOnlyList<SessionRow> known)
    {
        SessionRow[] candidates = [.. known.Where(row => row.TimeNs is not null && IsExecOf(row, container))];
        foreach (EventRow row in events.Where(row => row.OfContainer && row.Action == "exec_start"))
        {
            SessionRow? best = candidates
                .Where(candidate => row.TimeNs is { } at && candidate.TimeNs is { } then && then > at - BeforeNs && then < at + AfterNs)
                .OrderBy(candidate => Math.Abs(candidate.TimeNs!.Value - row.TimeNs!.Value) / NearNs).ThenBy(candidate => Array.IndexOf(Order, candidate.Kind))
                .FirstOrDefault();
            yield return new()
            {
                TimeNs = row.TimeNs,
                Kind = "exec",
                User = best?.User,
                Terminal = best?.Terminal,
                Source = best?.Source,
                Pid = best?.Pid,
                What = $"exec in {container.Name}: {row.Detail}",
                Basis = best is null
                    ? $"event {row.Number} of the engine; nothing on the host says who"
                    : $"event {row.Number} of the engine; likely {best.Kind} \"{Evidence.Text.DisplayText.Shorten(best.What, 300)}\" of the same seconds: {best.Basis}",
            };
        }
    }

    private static bool IsExecOf(SessionRow row, ContainerRef container)
    {
        if (!Order.Contains(row.Kind))
        {
            return false;
        }

        // Records of auditd carry no arguments.
        return row.Kind == "audit" || (row.What.Contains("exec", StringComparison.Ordinal)
            && (row.What.Contains(container.Name, StringComparison.Ordinal) || row.What.Contains(container.Id[..4], StringComparison.Ordinal)));
    }
}
