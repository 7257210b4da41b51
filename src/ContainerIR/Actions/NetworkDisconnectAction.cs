using System.Text.Json;
using ContainerIR.Actions.Changes;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Actions;

/// <summary>
/// Takes the container off its networks through the engine: survives a restart. Undone it has the same settings on each network (fixed addresses, names, driver options);
/// the engine makes another endpoint of them, so what it chose itself may be another: the interface's name, an address that was not fixed.
/// </summary>
internal sealed class NetworkDisconnectAction(ActionParts parts) : ContainerAction(parts), IReversible
{
    private const string FactPrefix = "network:";

    public override string Name => "network-disconnect";

    public override string Title => "Take the container off its networks in the engine; lasts over a restart";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost =>
        "The interface with its addresses, neighbours and routes goes, its connections die; connecting again makes another endpoint and interface. Isolate, capture, and only then this.";

    public string UndoLeaves => "the settings are the same, the endpoint is another; an address that was not fixed may be another";

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [new("network", ParameterKind.Text, "Only this network; by default all.")];

    public async Task<ChangeLook> LookAsync(Change change, CancellationToken ct)
    {
        await using ActionScene? scene = await ActionScene.OfChangeAsync(Parts, change, ct);
        if (scene is null)
        {
            return new ChangeLook(ChangeCondition.Gone, "the container is gone");
        }

        string[] back = [.. Recorded(change).Where(each => IsOn(scene, each)).Select(each => DisplayText.Shorten(each.Name, 64))];
        return back.Length == 0
            ? new ChangeLook(ChangeCondition.InForce, "off " + Words(Recorded(change)))
            : new ChangeLook(ChangeCondition.NotInForce, "NOT IN FORCE: it is on " + string.Join(", ", back));
    }

    public async Task<UndoResult> UndoAsync(Change change, UndoChoices choices, CancellationToken ct)
    {
        List<IReadOnlyList<string>> commands = [];
        await using (ActionScene? scene = await ActionScene.OfChangeAsync(Parts, change, ct))
        {
            foreach (RecordedNetwork each in scene is null ? [] : Recorded(change).Where(each => !IsOn(scene, each)))
            {
                await scene!.Control.ConnectAsync(each.Id.Length > 0 ? each.Id : each.Name, change.ContainerId, each.Settings, ct);
                commands.Add(CommandOf(each, change.ContainerId));
            }
        }

        await using ActionScene? after = await ActionScene.OfChangeAsync(Parts, change, ct);
        string[] other = after is null ? [] : [.. Recorded(change).SelectMany(each => Differences(each, after))];
        return new UndoResult(
            true, $"It is on {Words(Recorded(change))} again, as another endpoint{(other.Length > 0 ? "; other than before: " + string.Join(", ", other) : ", with the same addresses")}.", commands);
    }

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        string wanted = Value(call, "network");
        List<ContainerNetwork> networks = [.. scene.Container.Networks.Where(each => wanted.Length == 0 || each.Name == wanted || each.NetworkId == wanted)];
        if (networks.Exists(each => each.Name is "host"))
        {
            return Planned(ActionPlan.Refused("It uses the host's network, from which the engine cannot take it: cir do isolate."));
        }

        networks.RemoveAll(static each => each.Name is "none");
        return Planned(networks.Count == 0
            ? wanted.Length > 0 ? ActionPlan.Refused($"It is on no network called {DisplayText.Shorten(wanted, 64)}.")
                : new ActionPlan { EvidenceCost = "none", NothingToDo = "It is on no network of its own (one that shares another container's is taken off with that)." }
            : new ActionPlan
            {
                Commands = [.. networks.Select(each => (IReadOnlyList<string>)["docker", "network", "disconnect", each.Name, scene.Container.Id])],
                EvidenceCost = EvidenceCost,
                Facts = networks.ToDictionary(each => FactPrefix + each.Name, each => SettingsOf(scene, each.Name) is { ValueKind: JsonValueKind.Object } settings ? settings.GetRawText() : "{}"),
                Apply = async token =>
                {
                    foreach (ContainerNetwork each in networks)
                    {
                        await scene.Control.DisconnectAsync(each.NetworkId.Length > 0 ? each.NetworkId : each.Name, scene.Container.Id, token);
                    }

                    ContainerRef after = await scene.Runtime.ResolveAsync(scene.Container.Id, token);
                    bool isOff = !after.Networks.Any(each => networks.Exists(gone => gone.NetworkId == each.NetworkId && gone.Name == each.Name));
                    return new AppliedChange($"It is off {string.Join(", ", networks.Select(each => DisplayText.Shorten(each.Name, 64)))}.", isOff) { Done = isOff };
                },
            });
    }

    private static JsonElement SettingsOf(ActionScene scene, string network) => scene.Inspect.Object("NetworkSettings").Object("Networks").Object(network);

    private static bool IsOn(ActionScene scene, RecordedNetwork network) => SettingsOf(scene, network.Name).ValueKind == JsonValueKind.Object;

    private static List<RecordedNetwork> Recorded(Change change) =>
    [
        .. change.Facts.Where(fact => fact.Key.StartsWith(FactPrefix, StringComparison.Ordinal)).Select(fact =>
        {
            using JsonDocument json = JsonDocument.Parse(fact.Value);
            return new RecordedNetwork(fact.Key[FactPrefix.Length..], json.RootElement.Text("NetworkID") ?? "", json.RootElement.Clone());
        }),
    ];

    private static string Words(List<RecordedNetwork> networks) => string.Join(", ", networks.Select(each => DisplayText.Shorten(each.Name, 64)));

    // What names the endpoint itself is another each time.
    private static IEnumerable<string> Differences(RecordedNetwork before, ActionScene after)
    {
        JsonElement now = SettingsOf(after, before.Name);
        foreach (JsonProperty field in before.Settings.EnumerateObject().Where(static field => field.Name is not ("EndpointID" or "NetworkID")))
        {
            string was = Text(field.Value), isNow = Text(now.Field(field.Name) ?? default);
            if (was != isNow)
            {
                yield return $"{DisplayText.Shorten(before.Name, 64)} {DisplayText.Shorten(field.Name, 64)} (was {DisplayText.Shorten(was, 100)}, is {DisplayText.Shorten(isNow, 100)})";
            }
        }
    }

    private static string Text(JsonElement value) => value.ValueKind != JsonValueKind.Undefined && value.ToString() is { Length: > 0 } text ? text : "nothing";

    private static List<string> CommandOf(RecordedNetwork network, string container)
    {
        JsonElement fixedAddress = network.Settings.Object("IPAMConfig");
        return
        [
            "docker", "network", "connect",
            .. network.Settings.Texts("Aliases").SelectMany(alias => (string[])["--alias", alias]),
            .. fixedAddress.Text("IPv4Address") is { Length: > 0 } four ? (string[])["--ip", four] : [],
            .. fixedAddress.Text("IPv6Address") is { Length: > 0 } six ? (string[])["--ip6", six] : [],
            network.Name, container,
        ];
    }

    private sealed record RecordedNetwork(string Name, string Id, JsonElement Settings);
}
