using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Runtimes;

namespace ContainerIR.Playbooks.Actions;

/// <summary>What triage says of a sealed bundle.</summary>
/// <param name="Score">0 to 100.</param>
/// <param name="Rules">Ids of the rules that fired.</param>
/// <param name="Severities">Severities of the findings, lower case.</param>
internal sealed record TriageVerdict(int Score, IReadOnlyList<string> Rules, IReadOnlyList<string> Severities)
{
    /// <summary>The verdict by some of the rules; what an allow-list takes out does not count.</summary>
    /// <param name="report">All that triage gave.</param>
    /// <param name="rules"><c>*</c> is all, <c>CIR-0*</c> those that begin so.</param>
    public static TriageVerdict Of(TriageReport report, IReadOnlyList<string> rules)
    {
        TriageReport chosen = report with { Findings = [.. report.Counted.Where(finding => rules.Any(rule => IsMeant(rule.Trim(), finding.Rule.Id)))] };
        return new TriageVerdict(
            chosen.Score,
            [.. chosen.Findings.Select(finding => finding.Rule.Id).Distinct().Order(StringComparer.Ordinal)],
            [.. chosen.Findings.Select(finding => finding.Severity.ToString().ToLowerInvariant()).Distinct()]);
    }

    private static bool IsMeant(string rule, string id) => rule.EndsWith('*') ? id.StartsWith(rule[..^1], StringComparison.Ordinal) : id == rule;
}

/// <summary>Judges a sealed bundle by the rules named; <c>*</c> is all, <c>CIR-0*</c> those that begin so.</summary>
internal delegate Task<TriageVerdict> TriageRun(string bundle, IReadOnlyList<string> rules, CancellationToken ct);

/// <summary>Copies a container into a sealed bundle: <c>Acquirer.RunAsync</c>.</summary>
internal delegate Task<AcquisitionResult> CollectRun(AcquisitionRequest request, AcquisitionParts parts, CancellationToken ct);

/// <summary>What the actions of this folder take from their surroundings.</summary>
/// <param name="Home">Cases and keys.</param>
/// <param name="Passphrase">Opens the responder's key.</param>
/// <param name="Clock">Time.</param>
/// <param name="Collect">Acquires.</param>
/// <param name="Say">Words for the person at the keyboard.</param>
internal sealed record OwnActionParts(CaseHome Home, PassphraseSource Passphrase, TimeProvider Clock, CollectRun Collect, Action<string> Say)
{
    /// <summary>The engine; null to look at the usual places.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The host's change journal.</summary>
    public string ChangesFolder { get; init; } = ContainerIR.Actions.Changes.ChangeJournal.DefaultFolder;

    /// <summary>Whether the process may do what only root may.</summary>
    public bool IsRoot { get; init; }

    /// <summary>The analysis; null where this build has none.</summary>
    public TriageRun? Triage { get; init; }

    /// <summary>Opens the engine.</summary>
    public IContainerRuntime Connect() => RuntimeConnector.Find(Endpoint, clock: Clock);
}

/// <summary>The actions a playbook has beside those that change a container: look, copy, judge, prove, tell.</summary>
internal static class OwnActions
{
    /// <summary>All of them.</summary>
    /// <param name="parts">Their surroundings.</param>
    /// <param name="others">The actions of the other list: preflight looks at what they need.</param>
    public static IReadOnlyList<IAction> Make(OwnActionParts parts, IReadOnlyList<IAction> others) =>
    [
        new PreflightAction(parts, others),
        new CollectAction(parts),
        new TriageAction(parts),
        new SealAction(parts),
        new NotifyAction(parts),
        new ReportAction(parts),
    ];
}
