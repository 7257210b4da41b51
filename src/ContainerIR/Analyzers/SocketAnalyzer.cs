using System.Globalization;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>Sockets joined with the processes that hold them.</summary>
internal sealed class SocketAnalyzer : IAnalyzer
{
    private static readonly Rule Pool = RuleList.Of("CIR-002");
    private static readonly Rule ReverseShell = RuleList.Of("CIR-007");
    private static readonly Rule Listener = RuleList.Of("CIR-040");
    private static readonly Rule Outbound = RuleList.Of("CIR-041");
    private static readonly Rule Packet = RuleList.Of("CIR-049");
    private static readonly Rule Tunnel = RuleList.Of("CIR-039");
    private static readonly int[] TorPorts = [9001, 9030, 9050, 9150];
    private static readonly int[] PoolPorts = [3333, 4444, 5555, 7777, 9999, 14433, 14444, 45560, 45700];
    private static readonly string[] Brokers = ["inetd", "xinetd", "tcpsvd", "udpsvd", "ipsvd", "systemd"];
    private static readonly string[] PacketPrograms = ["dhclient", "dhcpcd", "udhcpc", "keepalived", "tcpdump", "arping", "ping"];
    private static readonly string[] Relays = ["nc", "ncat", "netcat", "socat"];

    public string Name => "socket";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        ILookup<long, SeenProcess> remoteShells = scene.Processes
            .Where(process => process.IsInterpreter && process.StandardSockets is [> 0 and var input, var output, var error] && (input == output || input == error))
            .ToLookup(process => process.StandardSockets[0]);
        foreach ((FindingPlace place, SocketRow row) in scene.Sockets(ct))
        {
            bool isInternet = row.Protocol is "tcp" or "udp";
            if (isInternet && row.Inode != 0)
            {
                foreach (SeenProcess shell in remoteShells[row.Inode])
                {
                    yield return OfShell(scene, shell, row, place);
                }
            }

            if (row.Owners.Where(owner => owner.IsMember).Select(owner => scene.Process(owner.Pid)).OfType<SeenProcess>().FirstOrDefault() is not { } holder)
            {
                continue;
            }

            bool isBroughtIn = scene.IsBroughtIn(holder);
            foreach (Finding finding in OfHolder(row, holder, isBroughtIn, place))
            {
                yield return finding;
            }
        }
    }

    private static IEnumerable<Finding> OfHolder(SocketRow row, SeenProcess holder, bool isBroughtIn, FindingPlace place)
    {
        List<SeenValue> seen = holder.Seen(Flow(row));
        if (row.Protocol == "packet")
        {
            yield return !isBroughtIn && PacketPrograms.Contains(holder.Role)
                ? new Finding(Packet, Severity.Low, seen, place, "a program of the image whose work it is")
                : new Finding(Packet, Packet.Severity, seen, place);
        }

        if (row.Protocol != "tcp")
        {
            yield break;
        }

        if (row.State == "LISTEN")
        {
            if (isBroughtIn || holder.IsShell)
            {
                yield return new Finding(Listener, Listener.Severity, seen, place);
            }
            else if (Relays.Contains(holder.Role))
            {
                yield return new Finding(Listener, Severity.Low, seen, place, "a netcat of the image");
            }

            yield break;
        }

        if (row.State is not ("ESTABLISHED" or "SYN_SENT") || row.Peer is not { } peer || !peer.Contains("public", StringComparison.Ordinal))
        {
            yield break;
        }

        if (PoolPorts.Contains(row.RemotePort))
        {
            yield return isBroughtIn || CommandAnalyzer.SpeaksOfPool(holder)
                ? new Finding(Pool, Pool.Severity, seen, place)
                : new Finding(Pool, Severity.Medium, seen, place, "only the port speaks of it");
        }

        if (TorPorts.Contains(row.RemotePort))
        {
            yield return isBroughtIn
                ? new Finding(Tunnel, Tunnel.Severity, seen, place)
                : new Finding(Tunnel, Severity.Low, seen, place, "a program of the image, and only the port speaks of it");
        }

        if (isBroughtIn || holder.IsShell || Relays.Contains(holder.Role))
        {
            yield return new Finding(Outbound, Outbound.Severity, seen, place);
        }
    }

    private static Finding OfShell(Scene scene, SeenProcess shell, SocketRow row, FindingPlace place)
    {
        List<SeenValue> seen = shell.Seen(
            Flow(row), new SeenValue("socket_inode", row.Inode.ToString(CultureInfo.InvariantCulture)), SeenValue.Of("descriptors", "0 and " + (shell.StandardSockets[1] == row.Inode ? "1" : "2")));
        bool isBrokered = scene.Process(shell.ParentPid) is { } parent && Brokers.Contains(parent.Role) && scene.DriftOf(parent) is null;
        return isBrokered
            ? new Finding(ReverseShell, Severity.Low, seen, place, "started for a connection by a broker of the image")
            : new Finding(ReverseShell, ReverseShell.Severity, seen, place);
    }

    private static SeenValue Flow(SocketRow row) => SeenValue.Of(
        "socket", string.Create(CultureInfo.InvariantCulture, $"{row.Protocol} {row.State} {row.LocalAddress}:{row.LocalPort} -> {row.RemoteAddress}:{row.RemotePort}").TrimEnd());
}
