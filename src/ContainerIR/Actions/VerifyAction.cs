using ContainerIR.Actions.Changes;
using ContainerIR.Actions.Isolation;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Actions;

/// <summary>Proves again what was done before: that the isolation stands, or that the newest bundle of the container is as it was sealed.</summary>
internal sealed class VerifyAction(ActionParts parts) : ContainerAction(parts)
{
    public override string Name => "verify";

    public override string Title => "Prove again that the isolation stands, or that the newest bundle is as it was sealed";

    public override ActionEffect Effect => ActionEffect.Reads;

    public override string EvidenceCost => "Of an isolation: six datagrams of ours, which are dropped. Of a bundle: nothing.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [new("what", ParameterKind.Text, "What.", Required: true, Choices: ["isolation", "bundle"])];

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct) => Value(call, "what") switch
    {
        "bundle" => Planned(Cases.CaseStore.Exists(Parts.Home, call.CaseId) && EvidenceGate.Newest(Parts.Home, call.CaseId, scene.Container.Id) is { } bundle
            ? new ActionPlan { Commands = [["cir", "verify", bundle]], EvidenceCost = "none", Apply = token => OfBundleAsync(bundle, token) }
            : ActionPlan.Refused($"No sealed bundle of container {scene.Container.ShortId} stands in case {call.CaseId}.")),
        "isolation" => Planned(Parts.Journal.Open(scene.Container.Id, "isolate") is [.., var change]
            ? new ActionPlan { EvidenceCost = EvidenceCost, Apply = token => OfIsolationAsync(scene, change, token) }
            : ActionPlan.Refused($"No isolation of container {scene.Container.ShortId} is on record on this host.")),
        _ => Planned(ActionPlan.Refused("'what' must be isolation or bundle.")),
    };

    private static async Task<AppliedChange> OfBundleAsync(string bundle, CancellationToken ct)
    {
        VerificationReport report = await BundleVerifier.VerifyAsync(bundle, new VerifyOptions(null), ct);
        bool isGood = report.Verdict == Verdict.Verified;
        return new AppliedChange($"{Evidence.Text.DisplayText.Escape(Path.GetFileName(bundle))} is {report.Verdict.ToString().ToLowerInvariant()}.", isGood)
        {
            Done = isGood,
            EvidenceRefs = [bundle],
            Outputs = new Dictionary<string, string> { ["root_sha256"] = report.RootSha256 ?? "" },
        };
    }

    private async Task<AppliedChange> OfIsolationAsync(ActionScene scene, Change change, CancellationToken ct)
    {
        IsolateAction isolate = new(Parts);
        ChangeLook look = await isolate.LookAsync(change, ct);
        if (look.Condition != ChangeCondition.InForce)
        {
            return new AppliedChange($"Isolation {change.Id}: {look.Words}.", false) { Done = false };
        }

        IReadOnlyList<ProbedWay> ways = await isolate.ProbeAsync(change, scene, ct);
        bool isProven = IsolationProbe.IsProven(ways);
        return new AppliedChange($"Isolation {change.Id} is {look.Words}: {IsolationProbe.Words(ways)}.", isProven)
        {
            Done = isProven,
            Outputs = IsolateAction.OutputsOf(IsolationPlan.Of(change), ways),
        };
    }
}
