using System.Globalization;
using System.Net;
using System.Text;
using ContainerIR.Linux;

namespace ContainerIR.Collectors.Networks;

/// <summary>A process of the engine that carries connections from a port of the host to the container, and so hides who connects.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Space">Inode of its network namespace.</param>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c>, <c>sctp</c>.</param>
/// <param name="HostAddress">Where it listens.</param>
/// <param name="HostPort">Where it listens.</param>
/// <param name="ContainerAddress">Where it carries to.</param>
/// <param name="ContainerPort">Where it carries to.</param>
/// <param name="Sockets">Inodes of its sockets.</param>
internal sealed record PortProxy(
    int Pid, ulong Space, string Protocol, string HostAddress, int HostPort, string ContainerAddress, int ContainerPort, IReadOnlySet<ulong> Sockets);

/// <summary>Finds the proxies of published ports by their own arguments (<c>docker-proxy -proto tcp -host-ip … -host-port … -container-ip … -container-port …</c>).</summary>
internal static class PublishedPorts
{
    private const int MaxProxies = 4096;

    /// <summary>Those of a container's addresses.</summary>
    /// <param name="processes">Processes of the host's side.</param>
    /// <param name="own">Addresses of the container.</param>
    public static List<PortProxy> Find(IEnumerable<ProcessFacts> processes, IReadOnlySet<IPAddress> own)
    {
        List<PortProxy> found = [];
        foreach (ProcessFacts facts in processes)
        {
            using ProcEntry? process = found.Count < MaxProxies ? ProcEntry.Open(facts.Pid, out _) : null;
            if (process is null || !process.Read("comm", 64).Content.AsSpan().StartsWith("docker-proxy"u8))
            {
                continue;
            }

            if (Parse(process.Read("cmdline", 4096).Content) is { } said && IPAddress.TryParse(said.ContainerAddress, out IPAddress? address) && own.Contains(address))
            {
                HashSet<ulong> sockets = [.. process.Numbers("fd", 65_536, out _)
                    .Select(number => process.ReadLink("fd/" + number.ToString(CultureInfo.InvariantCulture)).Content)
                    .Where(link => link.AsSpan().StartsWith("socket:["u8)).Select(link => ProcEntry.NamespaceInode(link))];
                found.Add(said with { Pid = facts.Pid, Space = facts.Namespaces.Network, Sockets = sockets });
            }
        }

        return found;
    }

    /// <summary>Reads its arguments; null when they are not all there.</summary>
    public static PortProxy? Parse(ReadOnlySpan<byte> commandLine)
    {
        string[] arguments = Encoding.Latin1.GetString(commandLine).Split('\0');
        string? After(string option) => Array.IndexOf(arguments, option) is >= 0 and var at && at + 1 < arguments.Length ? arguments[at + 1] : null;
        return After("-container-ip") is { } container && After("-host-ip") is { } host && Port(After("-container-port")) is { } containerPort && Port(After("-host-port")) is { } hostPort
            ? new PortProxy(0, 0, After("-proto") ?? "tcp", host, hostPort, container, containerPort, new HashSet<ulong>())
            : null;
    }

    private static int? Port(string? text) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) ? port : null;
}
