using ContainerIR.Actions;
using static ContainerIR.Actions.ActionEffect;
using static ContainerIR.Actions.ParameterKind;

namespace ContainerIR.Tests.Playbooks;

/// <summary>Actions with the names and parameters of the real ones, which do nothing but remember that they were called.</summary>
internal sealed class SomeActions
{
    private readonly Lock gate = new();
    private readonly List<(string Action, ActionCall Call)> calls = [];

    public SomeActions() => All =
    [
        Make("preflight", Reads, new ActionParameter("min_free", Size, "free space", Default: "1GiB")),
        Make("collect", Reads, new ActionParameter("profile", ParameterKind.Text, "what", Required: true, Choices: ["triage", "standard", "full", "volatile", "live", "memory", "filesystem", "logs", "host", "image"]),
            new ActionParameter("scope", ParameterKind.Text, "which containers", Default: "container", Choices: ["container", "netns-peers", "project"])),
        Make("triage", Reads, new ActionParameter("rules", List, "rules", Default: "*")),
        Make("seal", Reads, new ActionParameter("timestamp", Switch, "time-stamp", Default: "false"), new ActionParameter("tsa", List, "authorities")),
        Make("verify", Reads, new ActionParameter("what", ParameterKind.Text, "what", Required: true, Choices: ["bundle", "isolation"])),
        Make("notify", Reads, new ActionParameter("text", ParameterKind.Text, "what to say", Required: true)),
        Make("report", Reads, new ActionParameter("formats", List, "forms", Default: "md", Choices: ["md", "html", "json"])),
        Make("hold", Alters, new ActionParameter("restart_policy", Switch, "policy no", Default: "true"), new ActionParameter("watch_events", Switch, "watch", Default: "true")),
        Make("isolate", Alters, new ActionParameter("method", ParameterKind.Text, "how", Default: "auto", Choices: ["auto", "veth-nft", "netns-nft", "link-down", "cgroup"]),
            new ActionParameter("log_drops", Switch, "log", Default: "true"), new ActionParameter("include_sharers", Switch, "sharers", Default: "true"), new ActionParameter("allow", List, "ip:port")),
        Make("release", Alters, new ActionParameter("reset_sockets", Switch, "kill sockets first", Default: "true")),
        Make("pause", Alters, new ActionParameter("for_window", Switch, "thawed by the end", Default: "false")),
        Make("unpause", Alters),
        Make("freeze-window", Alters, new ActionParameter("max", Duration, "longest", Default: "60s")),
        Make("throttle", Alters, new ActionParameter("cpu_percent", Number, "percent"), new ActionParameter("pids", Number, "most pids")),
        Make("kill-sockets", Destroys, new ActionParameter("dst", ParameterKind.Text, "only to")),
        Make("stop-process", Alters, new ActionParameter("pid", Number, "pid", Required: true)),
        Make("kill-process", Destroys, new ActionParameter("pid", Number, "pid", Required: true)),
        Make("stop", Destroys, new ActionParameter("signal", ParameterKind.Text, "signal", Default: "SIGKILL")),
        Make("remove", Destroys),
        Make("commit", Alters, new ActionParameter("tag", ParameterKind.Text, "tag")),
        Make("rename", Alters, new ActionParameter("to", ParameterKind.Text, "name", Required: true)),
        Make("deny-image", Alters),
        Make("network-disconnect", Alters, new ActionParameter("network", ParameterKind.Text, "name")),
    ];

    public IReadOnlyList<IAction> All { get; }

    /// <summary>What an action answers; by default it is done.</summary>
    public Dictionary<string, Func<ActionCall, CancellationToken, Task<ActionOutcome>>> Answers { get; } = [];

    public IReadOnlyList<string> Called
    {
        get
        {
            lock (gate)
            {
                return [.. calls.Select(call => call.Action)];
            }
        }
    }

    public ActionCall CallOf(string action)
    {
        lock (gate)
        {
            return calls.Last(call => call.Action == action).Call;
        }
    }

    public static ActionOutcome Done(string summary = "done", IReadOnlyDictionary<string, string>? outputs = null, string? changeId = null, bool? verified = null) =>
        new(true, summary, [["true"]], changeId, verified, outputs ?? new Dictionary<string, string>(), []);

    public static ActionOutcome Failed(string summary) => new(false, summary, [], null, null, new Dictionary<string, string>(), []);

    private FakeAction Make(string name, ActionEffect effect, params ActionParameter[] parameters) => new(this, name, effect, parameters);

    private sealed class FakeAction(SomeActions owner, string name, ActionEffect effect, IReadOnlyList<ActionParameter> parameters) : IAction
    {
        public string Name => name;

        public string Title => "does " + name;

        public ActionEffect Effect => effect;

        public string EvidenceCost => effect switch { Reads => "reads only", Alters => "alters and puts back", _ => "destroys" };

        public bool CanBeUndone => effect == Alters;

        public IReadOnlyList<string> Needs => ["root"];

        public IReadOnlyList<ActionParameter> Parameters => parameters;

        public Task<ActionPreview> PreviewAsync(ActionCall call, CancellationToken ct) =>
            Task.FromResult(new ActionPreview([["cir-fake", name, .. call.With.Values]], EvidenceCost, []));

        public async Task<ActionOutcome> RunAsync(ActionCall call, CancellationToken ct)
        {
            lock (owner.gate)
            {
                owner.calls.Add((name, call));
            }

            return owner.Answers.TryGetValue(name, out Func<ActionCall, CancellationToken, Task<ActionOutcome>>? answer)
                ? await answer(call, ct)
                : Done(changeId: effect == Alters ? "chg-" + name : null, verified: effect == Alters ? true : null);
        }
    }
}
