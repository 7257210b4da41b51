using System.Globalization;
using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Collectors;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Playbooks.Actions;

/// <summary>Copies evidence into a sealed bundle of the case: the same acquisition as <c>cir acquire</c>, of a part or of all.</summary>
internal sealed class CollectAction(OwnActionParts parts) : ReadingAction
{
    private const int MaxContainers = 32;

    // The part a step asks for: the smallest profile that holds it, and the collectors kept of it; null for all.
    private static readonly Dictionary<string, (Profile Profile, string[]? Keep)> Parts = new()
    {
        ["volatile"] = (Profile.Triage, ["host", "events", "network", "processes", "mounts"]),
        ["live"] = (Profile.Triage, null),
        ["memory"] = (Profile.Triage, ["host", "processes", "memory"]),
        ["filesystem"] = (Profile.Full, ["host", "mounts", "tmpfs", "rootfs-diff", "volumes"]),
        ["logs"] = (Profile.Standard, ["host", "events", "logs"]),
        ["host"] = (Profile.Standard, ["host", "configuration", "host-context"]),
        ["image"] = (Profile.Full, ["host", "packages", "secrets", "layers", "image"]),
        ["triage"] = (Profile.Triage, null),
        ["standard"] = (Profile.Standard, null),
        ["full"] = (Profile.Full, null),
    };

    public override string Name => "collect";

    public override string Title => "Copies evidence into a sealed bundle of the case";

    public override string EvidenceCost => "reads only, without touching access times; memory of a container is read while it stands still";

    public override IReadOnlyList<string> Needs => ["root"];

    public override bool NeedsContainer => true;

    public override IReadOnlyList<ActionParameter> Parameters { get; } =
    [
        new("profile", ParameterKind.Text, "What is copied.", Required: true, Choices: ["triage", "standard", "full", "volatile", "live", "memory", "filesystem", "logs", "host", "image"]),
        new("scope", ParameterKind.Text, "The container alone, all that share its network, or all of its compose project.", Default: "container", Choices: ["container", "netns-peers", "project"]),
    ];

    /// <summary>The acquisition a part of the evidence asks for.</summary>
    internal static AcquisitionRequest RequestOf(string part, string container, ActionCall call, string? endpoint)
    {
        (Profile profile, string[]? keep) = Parts[part];
        return new AcquisitionRequest
        {
            Container = container,
            CaseId = call.CaseId,
            Profile = profile,
            Choices = part == "memory" ? new VolatileChoices { Memory = MemoryScope.All } : new VolatileChoices(),
            Skip = keep is null ? [] : [.. CollectorList.All.Select(entry => entry.Name).Where(name => !keep.Contains(name))],
            ImageLayers = part == "image",
            Reason = $"collected for {call.Actor}",
            Endpoint = endpoint,
        };
    }

    public override async Task<ActionOutcome> RunAsync(ActionCall call, CancellationToken ct)
    {
        string part = call.With["profile"];
        List<string> notCopied = [];
        string[] others = await OthersAsync(call, notCopied, ct);
        List<string> bundles = [];
        List<Gap> gaps = [];
        foreach (string container in (string[])[call.Container, .. others])
        {
            try
            {
                AcquisitionResult result = await parts.Collect(RequestOf(part, container, call, parts.Endpoint), new AcquisitionParts(parts.Home, parts.Passphrase, parts.Clock), ct);
                bundles.Add(result.BundlePath);
                gaps.AddRange(result.Gaps);
            }
            catch (OperatorException problem) when (bundles.Count > 0)
            {
                // One that goes away meanwhile takes nothing from the container in question.
                notCopied.Add($"{DisplayText.Shorten(container, 12)}: {problem.Message}");
            }
        }

        (bool replaced, int lives) = CaseBundles.LivesOf(parts.Home, call.CaseId, call.Container);
        return Outcome(
            true,
            $"{bundles.Count} sealed: {string.Join(", ", bundles.Select(bundle => Path.GetFileName(bundle)))}{(gaps.Count == 0 ? "" : $"; {gaps.Count} gaps, first: {DisplayText.Shorten($"{gaps[0].Collector}: {gaps[0].Reason}", 200)}")}"
            + (notCopied.Count == 0 ? "" : $"; not copied: {notCopied.Count} that may belong to it, first: {DisplayText.Shorten(notCopied[0], 200)}"),
            new Dictionary<string, string>
            {
                ["replaced"] = replaced ? "true" : "false",
                ["respawns"] = Math.Max(0, lives - 1).ToString(CultureInfo.InvariantCulture),
                ["gaps"] = gaps.Count.ToString(CultureInfo.InvariantCulture),
                ["bundle"] = bundles[^1],
            },
            [.. bundles.Select(bundle => "bundle:" + Path.GetFileName(bundle))]);
    }

    // Those that share its network, or its project.
    private async Task<string[]> OthersAsync(ActionCall call, List<string> notCopied, CancellationToken ct)
    {
        if (call.With["scope"] == "container")
        {
            return [];
        }

        await using IContainerRuntime runtime = parts.Connect();
        ContainerRef first = await runtime.ResolveAsync(call.Container, ct);
        IEnumerable<ContainerRef> others = (await runtime.ListAsync(ct)).Select(summary => summary.Container).Where(other => other.Id != first.Id);
        if (call.With["scope"] == "project")
        {
            const string label = "com.docker.compose.project";
            others = others.Where(other => first.Labels.TryGetValue(label, out string? project) && other.Labels.GetValueOrDefault(label) == project);
        }
        else
        {
            string? network = NetworkOf(first);
            List<ContainerRef> peers = [];
            foreach (ContainerRef other in network is null ? [] : others.Where(other => other.State is not (ContainerState.Created or ContainerState.Exited or ContainerState.Dead)))
            {
                try
                {
                    // A list of the engine may not say the process: ask for each.
                    ContainerRef resolved = other.InitPid > 0 ? other : await runtime.ResolveAsync(other.Id, ct);
                    if (NetworkOf(resolved) == network)
                    {
                        peers.Add(resolved);
                    }
                }
                catch (OperatorException problem)
                {
                    notCopied.Add($"{DisplayText.Shorten(other.Name, 64)}: {problem.Message}");
                }
            }

            others = peers;
        }

        return [.. others.Take(MaxContainers - 1).Select(other => other.Id)];
    }

    // namespaces(7): two processes share a network namespace when the links read the same. A host's container is no peer of every other.
    private static string? NetworkOf(ContainerRef container) => container.InitPid > 0 ? new FileInfo($"/proc/{container.InitPid}/ns/net").LinkTarget : null;
}
