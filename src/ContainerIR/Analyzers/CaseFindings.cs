using ContainerIR.Cases;

namespace ContainerIR.Analyzers;

/// <summary>Triage of a bundle in the form a case keeps: the catalogue's rules alone, so that the same bytes give the same rows everywhere.</summary>
public static class CaseFindings
{
    /// <summary>Judges a bundle; a <see cref="BundleJudge"/>.</summary>
    /// <exception cref="Evidence.OperatorException">It is no sealed bundle, or its record is not as it was sealed.</exception>
    public static JudgedBundle Judge(string bundlePath, CancellationToken ct)
    {
        TriageReport report = Triage.Run(bundlePath, ct);
        return new JudgedBundle(report.Score, [.. report.Findings.Select(RowOf)], report.LeftOut.Values.Sum(), report.NotExamined.Count);
    }

    private static JudgedFinding RowOf(Finding finding) => new()
    {
        Rule = finding.Rule.Id,
        Title = finding.Rule.Title,
        Severity = JudgedFinding.SeverityWords[(int)finding.Severity],
        Attack = finding.Rule.Techniques,
        Seen = [.. finding.Seen.Select(value => $"{value.Name}: {value.Text}")],
        Item = finding.Where.Item,
        Row = finding.Where.Row,
        Offset = finding.Where.Offset,
        LoweredBy = finding.LoweredBy,
        SuppressedBy = finding.SuppressedBy,
    };
}
