using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Analyzers;

/// <summary>Runs all analyzers over one sealed bundle.</summary>
public static class Triage
{
    private const int MaxOfOneRule = 50;

    /// <summary>Judges a bundle.</summary>
    /// <param name="bundle">Its folder.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The findings, worst first; the same bytes always give the same.</returns>
    /// <exception cref="OperatorException">It is no sealed bundle, or its record is not as it was sealed.</exception>
    public static TriageReport Run(string bundle, CancellationToken ct) => Run(bundle, TriageRules.None, ct);

    /// <summary>Judges a bundle by the catalogue and by further rules.</summary>
    /// <param name="bundle">Its folder.</param>
    /// <param name="rules">Rules beside the catalogue's.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The findings, worst first; the same bytes and rules always give the same.</returns>
    /// <exception cref="OperatorException">It is no sealed bundle, or its record is not as it was sealed.</exception>
    public static TriageReport Run(string bundle, TriageRules rules, CancellationToken ct) => Run(bundle, rules, Expectations.None, ct);

    /// <summary>Judges a bundle by the catalogue and by further rules, and holds it against what is expected.</summary>
    /// <param name="bundle">Its folder.</param>
    /// <param name="rules">Rules beside the catalogue's.</param>
    /// <param name="expected">What is no news, and what it was when it was good.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The findings, worst first, those suppressed last; the same bytes, rules and expectations always give the same.</returns>
    /// <exception cref="OperatorException">It is no sealed bundle, its record is not as it was sealed, or the baseline is of another image.</exception>
    public static TriageReport Run(string bundle, TriageRules rules, Expectations expected, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(expected);
        Scene scene = Scene.Open(bundle, expected.Allowed, ct);
        List<Finding> findings = [];
        Dictionary<string, int> counts = [];
        List<string> notExamined = [];
        foreach (IAnalyzer analyzer in AnalyzerList.With(rules, expected, notExamined.Add))
        {
            foreach (Finding found in analyzer.Analyze(scene, ct))
            {
                // Those suppressed do not use up the places of those that are not.
                Finding finding = expected.Allowed.Judge(found, scene);
                string key = finding.SuppressedBy is null ? finding.Rule.Id : finding.Rule.Id + " (suppressed)";
                int count = counts[key] = counts.GetValueOrDefault(key) + 1;
                if (count <= MaxOfOneRule)
                {
                    findings.Add(finding);
                }
            }
        }

        return new TriageReport
        {
            ContainerName = DisplayText.Shorten(scene.Record.ContainerName ?? "", 256),
            ContainerId = DisplayText.Shorten(scene.Record.ContainerId ?? "", 128),
            Image = DisplayText.Shorten(scene.Record.ImageName ?? "", 256),
            BundleId = DisplayText.Shorten(scene.Record.BundleId, 64),
            RootSha256 = scene.RootSha256,
            Findings = [.. findings.OrderBy(finding => finding.SuppressedBy is not null).ThenByDescending(finding => finding.Severity).ThenBy(finding => finding.Rule.Id, StringComparer.Ordinal)],
            NotExamined = [.. scene.NotExamined.Concat(notExamined).Concat(scene.Record.Gaps.Select(gap => DisplayText.Shorten($"{gap.Collector}: {gap.Sought}: {gap.Reason}", 500)))],
            RulesRun = rules.Sigma.Rules.Count(),
            RuleNotes = [.. rules.Sigma.Outcomes.SelectMany(RuleNote.Of)],
            LeftOut = counts.Where(entry => entry.Value > MaxOfOneRule).ToDictionary(entry => entry.Key, entry => entry.Value - MaxOfOneRule),
        };
    }
}
