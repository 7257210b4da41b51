using System.Text;
using static ContainerIR.Reports.Markup;
using static ContainerIR.Reports.ReportWords;

namespace ContainerIR.Reports;

/// <summary>What people decided and did, by the record of the case: what went against the rules stands before everything else.</summary>
internal static class DecisionsHtml
{
    /// <summary>Evidence given up and approvals passed over, each with the reason that was written.</summary>
    public static void WriteOverrides(StringBuilder html, IReadOnlyList<DecisionLine> overrides)
    {
        if (overrides.Count == 0)
        {
            return;
        }

        html.Append("<h2 id=\"overrides\">Done against the rules</h2><p class=\"note\">The rules ask for sealed evidence before anything is destroyed, and for the approval of others. Here somebody went on without, and wrote why.</p>");
        WriteTable(html, overrides, "Reason given");
    }

    /// <summary>Containment and the like.</summary>
    public static void WriteActions(StringBuilder html, ReportContent content)
    {
        html.Append("<h2 id=\"actions\">What was done about it</h2><p class=\"note\">What was done to containers, and what was refused, in the order of the case's record. Each row of that record names the digest of the one before.</p>");
        if (content.Actions.Count == 0)
        {
            html.Append("<p>").Append(content.CaseReason is null && content.Overrides.Count == 0 ? "Nothing that this report knows of: it was made of a bundle, not of a case." : "Nothing, by the record of this case on this machine.").Append("</p>");
            return;
        }

        WriteTable(html, content.Actions, "What came of it");
    }

    private static void WriteTable(StringBuilder html, IReadOnlyList<DecisionLine> lines, string result)
    {
        html.Append("<table><thead><tr><th style=\"width:17%\">When</th><th style=\"width:17%\">Who</th><th>What</th><th>").Append(result).Append("</th></tr></thead><tbody>");
        foreach (DecisionLine line in lines)
        {
            string kind = line.Outcome is "failed" or "refused" or "break_glass" ? "care" : "good";
            html.Append("<tr><td>").Append(Of(Instant(line.At))).Append("</td><td>").Append(Of(line.Who)).Append("<br><span class=\"small\">").Append(Of($"{line.Authentication}; {line.Origin}")).Append("</span></td><td><span class=\"mono\">")
                .Append(Of(line.What)).Append("</span><br><span class=\"small\">").Append(Of(line.Playbook.Length > 0 ? $"{line.Target}, playbook {line.Playbook}" : line.Target)).Append("</span></td><td><span class=\"badge ").Append(kind).Append("\">")
                .Append(Of(line.Outcome.Replace('_', ' '))).Append("</span><br>").Append(Of(line.Result)).Append("</td></tr>");
        }

        html.Append("</tbody></table>");
    }
}
