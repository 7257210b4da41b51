using ContainerIR.Actions.Changes;
using ContainerIR.Evidence;
using ContainerIR.Linux;

namespace ContainerIR.Actions.Isolation;

/// <summary>
/// Cuts a container off: an nft table of family netdev at the host side of every veth of its network namespace drops what it sends and what is sent to it.
/// Nothing changes inside; its sockets stay as they are, to be seen.
/// </summary>
internal sealed class IsolateAction(ActionParts parts) : ContainerAction(parts), IReversible
{
    private static readonly TimeSpan SettleLimit = TimeSpan.FromMilliseconds(50);
    private readonly IsolationWork work = new(parts.FindNft);

    public override string Name => "isolate";

    public override string Title => "Cut the container off the network, silently, at the host's side";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost =>
        "Packet counters, and six datagrams of ours (neighbour entries). Sockets, processes and files stay as they are; the other side sees silence, no reset.";

    public override IReadOnlyList<string> Needs => ["root", "engine", "nft (else links are set down)"];

    public override IReadOnlyList<ActionParameter> Parameters { get; } =
    [
        new("method", ParameterKind.Text, "How; auto takes the host side of each veth, else the namespace, else the control group.", Default: "auto", Choices: ["auto", "veth-nft", "netns-nft", "link-down", "cgroup"]),
        new("log_drops", ParameterKind.Switch, "Write dropped packets to the kernel's log, at most 10 a second.", Default: "true"),
        new("include_sharers", ParameterKind.Switch, "Go on when other containers share its network and are cut off with it.", Default: "true"),
        new("allow", ParameterKind.List, "IP:PORT that stay reachable, TCP and UDP."),
    ];

    public async Task<ChangeLook> LookAsync(Change change, CancellationToken ct)
    {
        await using ActionScene? scene = await ActionScene.OfChangeAsync(Parts, change, ct);
        return work.Look(IsolationPlan.Of(change), scene?.Container);
    }

    public async Task<UndoResult> UndoAsync(Change change, UndoChoices choices, CancellationToken ct)
    {
        IsolationPlan plan = IsolationPlan.Of(change);
        await using ActionScene? scene = await ActionScene.OfChangeAsync(Parts, change, ct);
        List<IReadOnlyList<string>> commands = [];
        string sockets = scene is { Container.HasProcesses: true } ? ResetSockets(plan, scene.Container.InitPid, choices, commands) : "";
        work.Remove(plan);
        commands.AddRange(plan.IsNft
            ? [["nft", "delete", "table", plan.Family, plan.Table]]
            : plan.Links.Select(link => (IReadOnlyList<string>)["ip", "link", "set", link.Name, "up"]));
        return new UndoResult(true, $"Isolation {change.Id} is lifted{sockets}.", commands);
    }

    /// <summary>Puts an isolation in force again that a restart or a new network left behind.</summary>
    /// <returns>The change as journaled now, and what probing showed; null when the container has ended.</returns>
    public async Task<(Change Change, IReadOnlyList<ProbedWay> Ways)?> ReapplyAsync(Change change, CancellationToken ct)
    {
        using IDisposable held = await Parts.Journal.LockAsync(ct);
        change = Parts.Journal.Load(change.Id);
        await using ActionScene? scene = await ActionScene.OfChangeAsync(Parts, change, ct);
        if (!ChangeJournal.IsOpen(change) || scene is not { Container.HasProcesses: true })
        {
            return null;
        }

        IsolationPlan old = IsolationPlan.Of(change);
        if (work.Look(old, scene.Container).Condition == ChangeCondition.InForce)
        {
            return null;
        }

        List<string> faults = [], notes = [];
        IsolationPlan? plan = await IsolationPlanner.FindAsync(scene, "auto", Parts.FindNft() is not null, old.Table, faults, notes, ct);
        if (plan is null || plan.Method == "none")
        {
            throw new OperatorException($"Isolation {change.Id} cannot be put in force again: {string.Join(" ", [.. faults, .. notes])}", $"Pause it: cir do pause {scene.Container.ShortId} --case {change.CaseId}");
        }

        plan = plan with { Allow = old.Allow, LogDrops = old.LogDrops };

        // The new place is on record before it is used; a table of the same name in the old one is made anew or taken away.
        Change next = Parts.Journal.Save(change with { Facts = plan.Facts() });
        foreach (ulong gone in old.Spaces.Except(plan.Spaces))
        {
            work.Remove(old with { Links = [.. old.Links.Where(link => link.Space == gone)] });
        }

        work.Apply(plan);
        IReadOnlyList<ProbedWay> ways = await new IsolationProbe(plan, work, scene).RunAsync(ct);
        next = Parts.Journal.Save(next with { State = ChangeState.Done, Verified = IsolationProbe.IsProven(ways), Note = $"put in force again: {IsolationProbe.Words(ways)}" });
        return (next, ways);
    }

    /// <summary>Probes an isolation that stands.</summary>
    public async Task<IReadOnlyList<ProbedWay>> ProbeAsync(Change change, ActionScene scene, CancellationToken ct) =>
        await new IsolationProbe(IsolationPlan.Of(change), work, scene).RunAsync(ct);

    protected override async Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        List<string> faults = [], notes = [];
        string[] allowed = Value(call, "allow").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (string text in allowed.Where(text => AllowedPeer.Parse(text) is null))
        {
            faults.Add($"'{Evidence.Text.DisplayText.Shorten(text, 60)}' is no IP:PORT.");
        }

        List<Change> old = Parts.Journal.Open(scene.Container.Id, Name);
        foreach (Change each in old)
        {
            if (work.Look(IsolationPlan.Of(each), scene.Container).Condition == ChangeCondition.InForce)
            {
                faults.Add($"It is isolated already, by change {each.Id} of case {each.CaseId} ({Evidence.Text.DisplayText.Shorten(each.Actor, 60)}).");
            }
        }

        string wish = Value(call, "method") is { Length: > 0 } method ? method : "auto";
        IsolationPlan? plan = await IsolationPlanner.FindAsync(scene, wish, Parts.FindNft() is not null, IsolationPlan.TableOf(scene.Container.Id), faults, notes, ct);
        if (plan is { Sharers.Count: > 0 } && Value(call, "include_sharers") == "false")
        {
            faults.Add("Other containers share its network and would be cut off with it: --include-sharers true accepts that.");
        }

        if (plan is null || faults.Count > 0)
        {
            return new ActionPlan { EvidenceCost = EvidenceCost, Faults = faults };
        }

        if (plan.Method == "none")
        {
            return new ActionPlan { EvidenceCost = "none", NothingToDo = string.Join(' ', notes) };
        }

        plan = plan with { Allow = [.. allowed.Select(AllowedPeer.Parse).OfType<AllowedPeer>()], LogDrops = Value(call, "log_drops") != "false" };
        IReadOnlyList<IReadOnlyList<string>> commands = plan.IsNft
            ? [.. plan.Spaces.Select(space => (IReadOnlyList<string>)["nft", "-f", "-", plan.Script(space)])]
            : [.. plan.Links.Select(link => (IReadOnlyList<string>)["ip", "link", "set", link.Name, "down"])];
        return new ActionPlan
        {
            Commands = commands,
            EvidenceCost = string.Join(' ', [EvidenceCost, .. notes]),
            Facts = plan.Facts(),
            Outputs = new Dictionary<string, string> { ["method"] = plan.Method, ["sharers"] = string.Join(',', plan.Sharers) },
            Apply = token => ApplyAsync(scene, plan, old, notes, wish, token),
        };
    }

    private async Task<AppliedChange> ApplyAsync(ActionScene scene, IsolationPlan plan, List<Change> old, List<string> notes, string wish, CancellationToken ct)
    {
        foreach (Change each in old)
        {
            // Left by a life of the container that is over, or by a run that was killed.
            work.Remove(IsolationPlan.Of(each));
            Parts.Journal.Save(each with { State = ChangeState.Undone, EndedAt = Parts.Clock.GetUtcNow(), Note = "a newer isolation took its place" });
        }

        try
        {
            work.Apply(plan);
        }
        catch (IOException failure) when (wish == "auto" && plan.Method is "veth-nft" or "netns-nft")
        {
            // An older kernel has no egress hook: nothing was applied, a transaction of nft is whole or not at all.
            work.Remove(plan);
            notes.Add($"{failure.Message}; links were set down in its place, which the container can see.");
            plan = plan with { Method = "link-down" };
            Parts.Journal.Save(Parts.Journal.Open(scene.Container.Id, Name)[^1] with { Facts = plan.Facts() });
            work.Apply(plan);
        }

        Libc.Pause(SettleLimit);
        IReadOnlyList<ProbedWay> ways = await new IsolationProbe(plan, work, scene).RunAsync(ct);
        bool isProven = IsolationProbe.IsProven(ways);
        return new AppliedChange(
            $"Isolated by {plan.Method}{(plan.Links.Count > 0 ? " on " + plan.LinkWords : "")}: {IsolationProbe.Words(ways)}.{(notes.Count > 0 ? " " + string.Join(' ', notes) : "")}", isProven)
        {
            Facts = plan.Facts(),
            Outputs = OutputsOf(plan, ways),
        };
    }

    /// <summary>The ways probed, as outputs: <c>probe.NAME</c> and <c>probe.NAME.words</c>.</summary>
    internal static Dictionary<string, string> OutputsOf(IsolationPlan plan, IReadOnlyList<ProbedWay> ways)
    {
        Dictionary<string, string> outputs = new() { ["method"] = plan.Method };
        foreach (ProbedWay way in ways)
        {
            outputs[$"probe.{way.Name}"] = way.Result;
            outputs[$"probe.{way.Name}.words"] = way.Words;
        }

        return outputs;
    }

    // The attacker's session would go on where it stopped, with all the other side sent meanwhile. While still isolated the resets reach nobody.
    private static string ResetSockets(IsolationPlan plan, int initPid, UndoChoices choices, List<IReadOnlyList<string>> commands)
    {
        if (plan.Method == "cgroup" || NamespaceHandle.InodeOf(initPid) != plan.ContainerSpace)
        {
            return plan.Method == "cgroup" ? "; its connections are the host's to see and were left" : "";
        }

        using NamespaceHandle space = NamespaceHandle.OfProcess(initPid);
        List<SocketEntry> alive = SocketReset.Connected(space);
        if (alive.Count == 0)
        {
            return "; no connection had survived";
        }

        string words = string.Join(", ", alive.Take(5).Select(each => $"{each.Protocol} {each.Remote}:{each.RemotePort}")) + (alive.Count > 5 ? " …" : "");
        switch (choices.ResetSockets)
        {
            case null:
                throw new OperatorException(
                    $"{alive.Count} connections outlived the isolation and would go on where they stopped: {words}.",
                    "Decide: --reset-sockets ends them first (acquire them before), --keep-sockets lets them go on.");
            case false:
                return $"; {alive.Count} connections go on: {words}";
            default:
                List<string> failures = SocketReset.Destroy(space, alive);
                commands.Add(["ss", "-K", "state", "connected"]);
                int left = SocketReset.Connected(space).Count;
                return left == 0 ? $"; {alive.Count} connections were ended first: {words}"
                    : throw new IOException($"{left} of {alive.Count} connections could not be ended, the isolation stays: {string.Join("; ", failures)}");
        }
    }
}
