using System.Globalization;
using ContainerIR.Actions;
using ContainerIR.Evidence;

namespace ContainerIR.Playbooks.Actions;

/// <summary>Judges the newest bundles of the container by the rules.</summary>
internal sealed class TriageAction(OwnActionParts parts) : ReadingAction
{
    private const int MaxBundles = 16;

    public override string Name => "triage";

    public override string Title => "Judges the bundles of the container by rules";

    public override bool NeedsContainer => true;

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [new("rules", ParameterKind.List, "Rules, with * at the end for all that begin so.", Default: "*")];

    public override async Task<ActionOutcome> RunAsync(ActionCall call, CancellationToken ct)
    {
        if (parts.Triage is not { } triage)
        {
            throw new OperatorException("This build of cir has no triage.", "Read the bundle by hand (cir case show) and answer the manual steps.");
        }

        // One that is not sealed may be what another responder writes at this moment.
        IReadOnlyList<string> all = CaseBundles.Of(parts.Home, call.CaseId, call.Container);
        string[] bundles = [.. all.Where(Cases.SealedBundleFiles.IsSealed)];
        if (bundles.Length == 0)
        {
            throw new OperatorException($"The case holds no sealed bundle of {Evidence.Text.DisplayText.Shorten(call.Container, 100)} to judge.", "Collect first: cir do collect, or a step 'action: collect' before this one.");
        }

        string[] rules = call.With["rules"].Split(',');
        List<TriageVerdict> verdicts = [];
        foreach (string bundle in bundles.TakeLast(MaxBundles))
        {
            verdicts.Add(await triage(bundle, rules, ct));
        }

        // Each bundle may hold a part of the evidence: together they say what was seen.
        string[] fired = [.. verdicts.SelectMany(verdict => verdict.Rules).Distinct().Order(StringComparer.Ordinal)];
        int score = verdicts.Max(verdict => verdict.Score);
        return Outcome(
            true,
            (fired.Length == 0 ? "no rule fired" : $"score {score}: {string.Join(", ", fired)}") + (all.Count > bundles.Length ? $"; not judged, for not sealed: {all.Count - bundles.Length}" : ""),
            new Dictionary<string, string>
            {
                ["score"] = score.ToString(CultureInfo.InvariantCulture),
                ["rules"] = string.Join(',', fired),
                ["severities"] = string.Join(',', verdicts.SelectMany(verdict => verdict.Severities).Distinct()),
            },
            [.. bundles.TakeLast(MaxBundles).Select(bundle => "bundle:" + Path.GetFileName(bundle))]);
    }
}
