using ContainerIR.Actions;
using ContainerIR.Evidence.Text;
using ContainerIR.Playbooks;

namespace ContainerIR.Cli.Commands;

/// <summary>Playbooks as text for people.</summary>
internal static class PlaybookText
{
    /// <summary>Draws a plan.</summary>
    public static void WriteTree(TextWriter writer, IReadOnlyList<PlanLine> lines, string indent, Func<PlanLine, IReadOnlyList<string>>? more = null)
    {
        for (int i = 0; i < lines.Count; i++)
        {
            PlanLine line = lines[i];
            bool last = i == lines.Count - 1;
            string below = indent + (last ? "   " : "│  ");
            writer.WriteLine($"{indent}{(last ? "└─ " : "├─ ")}{DisplayText.Escape(line.Text)}");
            string detail = below + (line.Below.Count > 0 ? "│  " : "   ");
            if (line.Approval is { } approval)
            {
                writer.WriteLine($"{detail}approved by {approval.Quorum} of {string.Join(", ", approval.Roles)}{(approval.ExcludeOperator ? ", not the operator" : "")}, within {Spans.Format(approval.Expires)}{(approval.BreakGlass ? "; break-glass with a reason" : "")}");
            }

            if (line.EvidenceCost is { } cost)
            {
                writer.WriteLine($"{detail}evidence: {DisplayText.Escape(cost)}");
            }

            if (line.Step is { } step)
            {
                string[] facts = [.. Facts(step)];
                if (facts.Length > 0)
                {
                    writer.WriteLine($"{detail}{string.Join("; ", facts)}");
                }
            }

            foreach (string each in more?.Invoke(line) ?? [])
            {
                writer.WriteLine(detail + each);
            }

            WriteTree(writer, line.Below, below, more);
        }
    }

    private static IEnumerable<string> Facts(PlaybookStep step)
    {
        if (step.Timeout is { } timeout)
        {
            yield return "at most " + Spans.Format(timeout);
        }

        if (step.Delay is { } delay)
        {
            yield return "after " + Spans.Format(delay);
        }

        if (step.OnCompletion is not null)
        {
            yield return "goes on when it fails";
        }

        if (step is BuiltInStep { Rollback: not "none" } change)
        {
            yield return "undo: " + change.Rollback;
        }

        if (step.Tags.Count > 0)
        {
            yield return DisplayText.Escape(string.Join(' ', step.Tags));
        }
    }
}
