using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Actions.Isolation;

/// <summary>One way a packet could take, and whether it was shown to be shut.</summary>
/// <param name="Name"><c>established</c>, <c>new-out</c>, <c>same-bridge</c>, <c>host</c>, <c>from-host</c>, <c>published</c>.</param>
/// <param name="IsShut">True: shown shut; false: shown open, or not shown; null: there is no such way.</param>
/// <param name="Words">What was tried and seen.</param>
internal sealed record ProbedWay(string Name, bool? IsShut, string Words)
{
    /// <summary>The result in a word.</summary>
    public string Result => IsShut switch { true => "verified", false => "not verified", null => "not applicable" };
}

/// <summary>
/// Tries an isolation from both sides without running anything in the container: sockets of ours are opened in its network namespace for a moment and one
/// datagram is sent each way. Silence alone proves nothing (nobody may listen), so a way counts as shut only when the packet was sent, did not arrive, and
/// our own drop counter went up, or the link is down.
/// </summary>
internal sealed class IsolationProbe(IsolationPlan plan, IsolationWork work, ActionScene scene)
{
    private const int DiscardPort = 9;

    // TEST-NET-1, RFC 5737: routed nowhere, should the isolation leak.
    private static readonly IPAddress Outside = IPAddress.Parse("192.0.2.1");
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan CountLimit = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>Tries every way.</summary>
    public async Task<IReadOnlyList<ProbedWay>> RunAsync(CancellationToken ct)
    {
        try
        {
            using NamespaceHandle container = NamespaceHandle.OfProcess(scene.Container.InitPid);
            return plan.Method == "cgroup" ? OfGroup(container) : await OfLinksAsync(container, ct);
        }
        catch (IOException failure)
        {
            return [new ProbedWay("probe", false, failure.Message)];
        }
    }

    /// <summary>One sentence of all.</summary>
    public static string Words(IReadOnlyList<ProbedWay> ways) =>
        string.Join(", ", ways.Where(way => way.IsShut is not null).Select(way => $"{way.Name} {way.Result}"));

    /// <summary>Whether all that could be tried was shut, and something was.</summary>
    public static bool IsProven(IReadOnlyList<ProbedWay> ways) => ways.All(way => way.IsShut != false) && ways.Any(way => way.IsShut == true);

    private async Task<IReadOnlyList<ProbedWay>> OfLinksAsync(NamespaceHandle container, CancellationToken ct)
    {
        List<ProbedWay> ways = [];
        Dictionary<string, ulong> flows = Flows(container, null);
        (List<AddressEntry> addresses, List<RouteEntry> routes) = Routing(container);
        IPAddress? own = addresses.Find(each => each.Address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(each.Address))?.Address;
        IPAddress? gateway = routes.Find(each => each.Destination is null && each.Gateway?.AddressFamily == AddressFamily.InterNetwork)?.Gateway;
        using NamespaceHandle? outside = plan.Links.FirstOrDefault(link => link.IsHostSide) is { } link ? VethEnds.Open(link.Space) : null;
        if (own is null)
        {
            ways.Add(new ProbedWay("new-out", null, "it has no IPv4 address"));
        }
        else
        {
            using ProbeSocket inside = ProbeSocket.Datagram(container, IPAddress.Any);
            ways.Add(gateway is null ? new ProbedWay("new-out", null, "it has no default route") : Out("new-out", inside, Outside, DiscardPort, null));
            ways.Add(await PeerAsync(inside, ct));
            ways.Add(ToHost(inside, gateway, outside));
            ways.Add(FromHost(inside, own, outside));
            ways.Add(Published(outside));
        }

        ways.Insert(0, Established(flows, Flows(container, null)));
        return ways;
    }

    // Sockets of the control group alone: others in the same namespace are the host's. Ours would not be in the group, so only what comes in can be tried.
    private List<ProbedWay> OfGroup(NamespaceHandle host)
    {
        ulong? group = HostFile.TryStat("/sys/fs/cgroup/" + plan.CgroupPath) is { } stat ? stat.stx_ino : null;
        Dictionary<string, ulong> flows = Flows(host, group);
        List<ProbedWay> ways = [];
        SocketEntry? listener = Listener(host, group);
        if (listener is null)
        {
            ways.Add(new ProbedWay("from-host", null, "it listens on no TCP port"));
        }
        else
        {
            IPAddress address = listener.Local is { } local && !local.Equals(IPAddress.Any) && !local.Equals(IPAddress.IPv6Any) ? local : IPAddress.Loopback;
            DropCount before = work.Drops(plan) ?? default;
            using ProbeSocket caller = ProbeSocket.Connecting(host, address, listener.LocalPort);
            bool isShut = HasRisen(before, isFrom: false);
            ways.Add(new ProbedWay("from-host", isShut, $"a connection to its port {listener.LocalPort} was {(isShut ? "dropped, and counted" : "not seen among the drops")}"));
        }

        ways.Add(new ProbedWay("new-out", null, "on the host's network only a process of its own control group could try"));
        if (flows.Count == 0)
        {
            Libc.Pause(Quiet);
        }

        ways.Insert(0, Established(flows, Flows(host, group)));
        return ways;
    }

    private ProbedWay Out(string name, ProbeSocket inside, IPAddress to, int port, ProbeSocket? receiver)
    {
        DropCount? before = work.Drops(plan);
        int errno = inside.Send(to, port);
        if (errno is Libc.ENETUNREACH or Libc.EHOSTUNREACH or Libc.ENETDOWN)
        {
            return new ProbedWay(name, plan.IsNft ? null : true, $"to {to}: {Libc.Describe(errno)}");
        }

        if (receiver?.HasReceived(Quiet) == true)
        {
            return new ProbedWay(name, false, $"OPEN: a datagram to {to} arrived");
        }

        return before is { } count
            ? HasRisen(count, isFrom: true, () => inside.Send(to, port))
                ? new ProbedWay(name, true, $"a datagram to {to} was dropped, and counted")
                : new ProbedWay(name, false, $"a datagram to {to} was not seen among the drops")
            : new ProbedWay(name, AreDown(), $"a datagram to {to}: the link is {(AreDown() ? "down" : "UP")}");
    }

    private async Task<ProbedWay> PeerAsync(ProbeSocket inside, CancellationToken ct)
    {
        HashSet<string> networks = [.. scene.Container.Networks.Select(each => each.NetworkId)];
        IReadOnlyList<ContainerSummary> all = await scene.Runtime.ListAsync(ct);
        ContainerNetwork? peer = all.Where(each => each.Container.Id != scene.Container.Id && each.Container.HasProcesses)
            .SelectMany(each => each.Container.Networks)
            .FirstOrDefault(each => networks.Contains(each.NetworkId) && each.IPv4.Length > 0);
        return peer is not null && IPAddress.TryParse(peer.IPv4, out IPAddress? address)
            ? Out("same-bridge", inside, address, DiscardPort, null)
            : new ProbedWay("same-bridge", null, "no other container runs on its networks");
    }

    private ProbedWay ToHost(ProbeSocket inside, IPAddress? gateway, NamespaceHandle? outside)
    {
        if (gateway is null || outside is null)
        {
            return new ProbedWay("host", null, "no address of the host is its gateway");
        }

        try
        {
            using ProbeSocket receiver = ProbeSocket.Datagram(outside, gateway);
            return Out("host", inside, gateway, receiver.Port, receiver);
        }
        catch (IOException failure)
        {
            return new ProbedWay("host", null, $"its gateway is not this host: {failure.Message}");
        }
    }

    private ProbedWay FromHost(ProbeSocket inside, IPAddress own, NamespaceHandle? outside)
    {
        if (outside is null)
        {
            return new ProbedWay("from-host", null, "its interfaces have no end on this host");
        }

        using ProbeSocket sender = ProbeSocket.Datagram(outside, IPAddress.Any);
        DropCount? before = work.Drops(plan);
        int errno = sender.Send(own, inside.Port);
        if (inside.HasReceived(Quiet))
        {
            return new ProbedWay("from-host", false, $"OPEN: a datagram from the host to {own} arrived");
        }

        bool isShut = before is { } count ? HasRisen(count, isFrom: false, () => sender.Send(own, inside.Port)) : AreDown();
        return errno != 0 && !isShut
            ? new ProbedWay("from-host", null, $"to {own}: {Libc.Describe(errno)}")
            : new ProbedWay("from-host", isShut, $"a datagram from the host to {own} was {(isShut ? "dropped" : "not seen among the drops")}");
    }

    private ProbedWay Published(NamespaceHandle? outside)
    {
        (IPAddress Address, int Port)? port = Ports().Cast<(IPAddress, int)?>().FirstOrDefault();
        if (port is not { } published || outside is null)
        {
            return new ProbedWay("published", null, "it publishes no TCP port");
        }

        DropCount? before = work.Drops(plan);

        // The engine's proxy accepts by itself and dials the container then: what counts is that its call is dropped.
        using ProbeSocket caller = ProbeSocket.Connecting(outside, published.Address, published.Port);
        bool isShut = before is { } count ? HasRisen(count, isFrom: false) : AreDown();
        return new ProbedWay("published", isShut, $"a call to {published.Address}:{published.Port} was {(isShut ? "dropped" : "not seen among the drops")}");
    }

    private IEnumerable<(IPAddress Address, int Port)> Ports()
    {
        foreach (System.Text.Json.JsonProperty port in scene.Inspect.Object("NetworkSettings").Members("Ports"))
        {
            if (!port.Name.EndsWith("/tcp", StringComparison.Ordinal) || port.Value.ValueKind != System.Text.Json.JsonValueKind.Array)
            {
                continue;
            }

            foreach (System.Text.Json.JsonElement binding in port.Value.EnumerateArray())
            {
                if (IPAddress.TryParse(binding.Text("HostIp"), out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetwork && binding.Number("HostPort") is > 0 and var number)
                {
                    yield return (address.Equals(IPAddress.Any) ? IPAddress.Loopback : address, (int)number);
                }
            }
        }
    }

    private static ProbedWay Established(Dictionary<string, ulong> before, Dictionary<string, ulong> after)
    {
        if (before.Count == 0)
        {
            return new ProbedWay("established", null, "it had no open connection");
        }

        int moving = before.Count(flow => after.TryGetValue(flow.Key, out ulong bytes) && bytes > flow.Value);
        return new ProbedWay("established", moving == 0, moving == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{before.Count} open connections, and not one byte came or was acknowledged")
            : string.Create(CultureInfo.InvariantCulture, $"OPEN: {moving} of {before.Count} connections still move"));
    }

    // Bytes received and acknowledged of each connection, half-closed ones too: what only packets of the other end can make grow.
    private static Dictionary<string, ulong> Flows(NamespaceHandle space, ulong? group)
    {
        Dictionary<string, ulong> flows = [];
        foreach (SocketEntry each in SocketReset.Connected(space, entry => entry.Protocol == "tcp" && entry.State != "SYN_SENT" && (group is null || entry.CgroupId == group)))
        {
            flows[$"{each.Local}:{each.LocalPort}>{each.Remote}:{each.RemotePort}"] = (each.BytesReceived ?? 0) + (each.BytesAcknowledged ?? 0);
        }

        return flows;
    }

    private static SocketEntry? Listener(NamespaceHandle space, ulong? group)
    {
        SocketEntry? found = null;
        using NetlinkSocket netlink = space.CreateNetlink(Libc.NETLINK_SOCK_DIAG);
        SockDiag.List(netlink, entry => found ??= entry.Protocol == "tcp" && entry.State == "LISTEN" && entry.CgroupId == group ? entry : null, static (_, _) => { });
        return found;
    }

    private static (List<AddressEntry> Addresses, List<RouteEntry> Routes) Routing(NamespaceHandle space)
    {
        using NetlinkSocket netlink = space.CreateNetlink(Libc.NETLINK_ROUTE);
        return (RouteTables.Addresses(netlink).Addresses, RouteTables.Routes(netlink).Routes);
    }

    // A datagram waits for its neighbour's address first. The kernel asks for that three times, a second apart, then gives up and throws away what waited: a
    // datagram that came after the last question is never seen by anybody. So it is sent again, until a question or the datagram itself is counted.
    private bool HasRisen(DropCount before, bool isFrom, Action? again = null)
    {
        long started = Stopwatch.GetTimestamp(), sent = started;
        do
        {
            if (again is not null && Stopwatch.GetElapsedTime(sent) > AgainAfter)
            {
                again();
                sent = Stopwatch.GetTimestamp();
            }

            if (work.Drops(plan) is { } now && (isFrom ? now.From > before.From : now.To > before.To))
            {
                return true;
            }

            Libc.Pause(TimeSpan.FromMilliseconds(20));
        }
        while (Stopwatch.GetElapsedTime(started) < CountLimit);
        return false;
    }

    private bool AreDown() => plan.Links.GroupBy(link => link.Space).All(group =>
    {
        using NamespaceHandle? space = VethEnds.Open(group.Key);
        List<LinkEntry> present = space is null ? [] : VethEnds.LinksOf(space);
        return group.All(link => present.Exists(each => each.Index == link.Index && !each.IsUp));
    });
}
