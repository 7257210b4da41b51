using System.Net;
using ContainerIR.Linux;

namespace ContainerIR.Actions;

/// <summary>Ends connections of the container from outside.</summary>
internal sealed class KillSocketsAction(ActionParts parts) : ContainerAction(parts)
{
    public override string Name => "kill-sockets";

    public override string Title => "End the container's connections (SOCK_DESTROY)";

    public override ActionEffect Effect => ActionEffect.Destroys;

    public override string EvidenceCost => "The socket entries and what is queued in them; the other side gets a reset, unless the container is isolated.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [new("dst", ParameterKind.Text, "Only to this address, or address:port.")];

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        string wanted = Value(call, "dst");
        IPEndPoint? point = null;
        if (wanted.Length > 0 && !IPEndPoint.TryParse(wanted, out point))
        {
            return Planned(ActionPlan.Refused("'dst' must be an address, or address:port."));
        }

        if (!scene.Container.HasProcesses || NamespaceHandle.InodeOf(scene.Container.InitPid) is not { } inode)
        {
            return Planned(ActionPlan.Refused($"Container {scene.Container.ShortId} does not run: it has no connections."));
        }

        if (VethEnds.IsHosts(inode, scene.Container.InitPid) && point is null)
        {
            return Planned(ActionPlan.Refused("It uses the host's network, where other programs have connections too: name one with --dst."));
        }

        bool IsWanted(SocketEntry each) => point is null || (each.Remote is { } remote && (remote.IsIPv4MappedToIPv6 ? remote.MapToIPv4() : remote).Equals(point.Address) && (point.Port == 0 || each.RemotePort == point.Port));
        using NamespaceHandle space = NamespaceHandle.OfProcess(scene.Container.InitPid);
        List<SocketEntry> found = SocketReset.Connected(space, IsWanted);
        return Planned(found.Count == 0
            ? new ActionPlan { EvidenceCost = "none", NothingToDo = "It has no such connection." }
            : new ActionPlan
            {
                Commands = [.. found.Select(each => (IReadOnlyList<string>)["ss", "-K", "dst", $"{each.Remote}", "dport", "=", $"{each.RemotePort}"])],
                EvidenceCost = $"{EvidenceCost} Here: {found.Count}.",
                Apply = _ =>
                {
                    using NamespaceHandle again = NamespaceHandle.OfProcess(scene.Container.InitPid);
                    List<string> failures = SocketReset.Destroy(again, found);
                    HashSet<(string, int, ulong, string)> before = [.. found.Select(each => each.Identity)];
                    int left = SocketReset.Connected(again, IsWanted).Count(each => before.Contains(each.Identity));
                    return Task.FromResult(new AppliedChange($"{found.Count - left} of {found.Count} connections ended.{(failures.Count > 0 ? " " + string.Join("; ", failures) : "")}", left == 0) { Done = left == 0 });
                },
            });
    }
}
