using System.Text;
using static ContainerIR.Reports.Markup;
using static ContainerIR.Reports.ReportWords;

namespace ContainerIR.Reports;

/// <summary>Findings of triage for people: the worst first, each with what it rests on; what the allow-list expects stands apart.</summary>
internal static class FindingsHtml
{
    /// <summary>One sentence for the summary.</summary>
    public static void WriteSentence(StringBuilder html, BundleReport bundle)
    {
        List<FindingLine> counted = [.. bundle.Findings.Where(finding => finding.SuppressedBy is null)];
        int grave = counted.Count(finding => finding.Severity is "critical" or "high");
        html.Append("<p>").Append(counted.Count == 0
            ? "Our rules found nothing unusual in what was copied; that is no proof that nothing happened."
            : $"Our rules point at {Count(counted.Count, "thing")} to look into, {(grave == 0 ? "none" : Number(grave))} of them grave.");
        if (grave > 0)
        {
            html.Append(" The gravest: ").Append(string.Join("; ", counted.Where(finding => finding.Severity is "critical" or "high").Select(finding => finding.Title).Distinct().Take(4).Select(Of))).Append('.');
        }

        int expected = bundle.Findings.Count - counted.Count;
        html.Append(expected == 0 ? "" : $" {Count(expected, "further finding")} {(expected == 1 ? "is" : "are")} expected by the owner and stand{(expected == 1 ? "s" : "")} apart.").Append("</p>");
    }

    /// <summary>The section of one bundle.</summary>
    public static void Write(StringBuilder html, BundleReport bundle)
    {
        List<FindingLine> counted = [.. bundle.Findings.Where(finding => finding.SuppressedBy is null)], expected = [.. bundle.Findings.Where(finding => finding.SuppressedBy is not null)];
        html.Append("<p class=\"note\">Score ").Append(Number(bundle.Score)).Append(" of 100.</p>");
        WriteTable(html, counted);
        if (expected.Count > 0)
        {
            html.Append("<h3>Expected, by the reviewed allow-list</h3>");
            WriteTable(html, expected);
        }
    }

    private static void WriteTable(StringBuilder html, List<FindingLine> findings)
    {
        if (findings.Count == 0)
        {
            html.Append("<p>None.</p>");
            return;
        }

        html.Append("<table><thead><tr><th style=\"width:10%\">Severity</th><th style=\"width:42%\">What was seen, and where</th><th>Why it matters, and what to do next</th></tr></thead><tbody>");
        foreach (FindingLine finding in findings)
        {
            string badge = finding.SuppressedBy is not null ? "" : finding.Severity is "critical" or "high" or "medium" ? " care" : "";
            html.Append("<tr><td><span class=\"badge").Append(badge).Append("\">").Append(finding.Severity).Append("</span></td><td><b>").Append(Of(finding.Title)).Append("</b> <span class=\"note\">")
                .Append(Of(finding.Rule)).Append("</span><br>");
            foreach (CustodyLine seen in finding.Seen)
            {
                html.Append(Of(seen.Label)).Append(": <code").Append(seen.Label.EndsWith("sha256", StringComparison.Ordinal) ? " class=\"digest\"" : "").Append('>').Append(Of(seen.Value)).Append("</code><br>");
            }

            html.Append("<span class=\"note\">").Append(Of(finding.Row is { } row ? $"{finding.Item}, row {row}" : finding.Item)).Append("</span></td><td>").Append(Of(finding.Why))
                .Append("<br><b>Next:</b> ").Append(Of(finding.NextStep)).Append("<br><span class=\"note\">May also be: ").Append(Of(finding.FalsePositives)).Append("</span>");
            if (finding.LoweredBy is { } lowered)
            {
                html.Append("<br><span class=\"note\">Lowered: ").Append(Of(lowered)).Append("</span>");
            }

            if (finding.SuppressedBy is { } entry)
            {
                html.Append("<br><b>Expected:</b> ").Append(Of(entry));
            }

            html.Append("</td></tr>");
        }

        html.Append("</tbody></table>");
    }
}
