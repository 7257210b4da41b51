using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Actions;

/// <summary>Takes the container off its networks through the engine: survives a restart, but cannot be put back exactly.</summary>
internal sealed class NetworkDisconnectAction(ActionParts parts) : ContainerAction(parts)
{
    public override string Name => "network-disconnect";

    public override string Title => "Take the container off its networks in the engine; lasts over a restart";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost =>
        "The interface with its addresses, neighbours and routes goes, its connections die; connecting again makes another endpoint, interface and perhaps address. Isolate, capture, and only then this.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [new("network", ParameterKind.Text, "Only this network; by default all.")];

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
                Facts = networks.ToDictionary(each => "network:" + each.Name, each => $"{each.NetworkId} {each.IPv4} {each.IPv6} {each.MacAddress}"),
                Apply = async token =>
                {
                    foreach (ContainerNetwork each in networks)
                    {
                        await scene.Control.DisconnectAsync(each.NetworkId.Length > 0 ? each.NetworkId : each.Name, scene.Container.Id, token);
                    }

                    ContainerRef after = await scene.Runtime.ResolveAsync(scene.Container.Id, token);
                    bool isOff = !after.Networks.Any(each => networks.Exists(gone => gone.NetworkId == each.NetworkId && gone.Name == each.Name));
                    return new AppliedChange(
                        $"It is off {string.Join(", ", networks.Select(each => DisplayText.Shorten(each.Name, 64)))}. To put it back (as another endpoint): docker network connect.", isOff)
                    { Done = isOff };
                },
            });
    }
}
