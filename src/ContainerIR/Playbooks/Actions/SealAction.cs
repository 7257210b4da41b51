using ContainerIR.Actions;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Time;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Playbooks.Actions;

/// <summary>Proves that every bundle of the container is sealed and as it was sealed; adds time-stamps where asked. Each bundle was signed when it was made.</summary>
internal sealed class SealAction(OwnActionParts parts) : ReadingAction
{
    public override string Name => "seal";

    public override string Title => "Checks that every bundle is sealed, and adds time-stamps";

    public override IReadOnlyList<ActionParameter> Parameters { get; } =
    [
        new("timestamp", ParameterKind.Switch, "Add an RFC 3161 token to each signature.", Default: "false"),
        new("tsa", ParameterKind.List, "Time-stamp authorities, tried in this order."),
    ];

    public override async Task<ActionOutcome> RunAsync(ActionCall call, CancellationToken ct)
    {
        IReadOnlyList<string> bundles = CaseBundles.Of(parts.Home, call.CaseId, call.Container);
        if (bundles.Count == 0)
        {
            return Outcome(false, "the case holds no bundle of this container: nothing is sealed");
        }

        List<string> faults = [];
        bool wantsTime = call.With["timestamp"] == "true";
        if (wantsTime && !call.With.ContainsKey("tsa"))
        {
            throw new OperatorException("A time-stamp needs an authority.", "Name one: --tsa URL; in a playbook, with: { timestamp: true, tsa: [URL] }");
        }

        foreach (string bundle in bundles)
        {
            VerificationReport report = await BundleVerifier.VerifyAsync(bundle, new VerifyOptions(), ct);
            if (report.Verdict != Verdict.Verified)
            {
                faults.Add($"{Path.GetFileName(bundle)} is {report.Verdict.ToString().ToLowerInvariant()}");
            }
            else if (wantsTime && !File.Exists(Path.Combine(bundle, "seal", "0001-responder.p7s.tsr")))
            {
                using TimestampClient authorities = TimestampClient.Parse(call.With["tsa"].Split(','), TimestampClient.DefaultTimeout);
                await SealTimestamp.AddAsync(bundle, authorities, ct);
            }
        }

        return faults.Count > 0
            ? Outcome(false, string.Join("; ", faults.Select(fault => DisplayText.Shorten(fault, 200))))
            : Outcome(true, $"{(bundles.Count == 1 ? "1 bundle is" : $"{bundles.Count} bundles are")} sealed and unchanged{(wantsTime ? ", time-stamped" : "")}", null, [.. bundles.Select(bundle => "bundle:" + Path.GetFileName(bundle))], verified: true);
    }
}
