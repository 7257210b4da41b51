using System.Net;
using ContainerIR.Linux;

namespace ContainerIR.Collectors.Networks;

/// <summary>One network namespace and what was read of it.</summary>
internal sealed class NetworkSpace : IDisposable
{
    private readonly NetworkNamespace hands;

    private NetworkSpace(ulong inode, string foundBy, string side, NetworkNamespace hands)
    {
        (Inode, FoundBy, Side, this.hands) = (inode, foundBy, side, hands);
        Sockets = new SocketTable(hands.Diagnostics!.Inode, hands.Routing?.Inode ?? 0, hands.Netfilter?.Inode ?? 0);
    }

    public ulong Inode { get; }

    /// <summary>Where it was found: <c>/proc/7/ns/net</c>, <c>/proc/7/fd/3</c>, <c>socket …</c>.</summary>
    public string FoundBy { get; }

    /// <summary><c>container</c>, <c>engine</c>, <c>host</c>.</summary>
    public string Side { get; }

    public SocketTable Sockets { get; }

    public List<LinkEntry> Links { get; private set; } = [];

    public List<AddressEntry> Addresses { get; private set; } = [];

    public List<RouteEntry> Routes { get; private set; } = [];

    public List<NeighbourEntry> Neighbours { get; private set; } = [];

    /// <summary>Lines of /proc tables that were not of their form: a newline in the name of an abstract socket makes one.</summary>
    public int MalformedLines { get; set; }

    /// <summary>Open tables.</summary>
    public IReadOnlyDictionary<string, (Descriptor? File, int Errno)> Tables => hands.Tables;

    /// <summary>Enters a namespace through a descriptor of it.</summary>
    public static NetworkSpace? Enter(Descriptor nsfs, string foundBy, string side, bool withTables, out string? error)
    {
        if (!nsfs.TryStat(out StatX stat, out int errno))
        {
            error = Libc.Describe(errno);
            return null;
        }

        NetworkNamespace? hands = NetworkNamespace.Enter(nsfs, withTables, out error);
        return hands is null ? null : new NetworkSpace(stat.stx_ino, foundBy, side, hands);
    }

    /// <summary>Lists sockets by sock_diag.</summary>
    public void ListSockets(Func<SocketEntry, bool> isWanted, Action<string, string> problem) => SockDiag.List(
        hands.Diagnostics!,
        entry =>
        {
            if (isWanted(entry))
            {
                Sockets.Add(entry);
            }
        },
        problem);

    /// <summary>Reads interfaces, addresses and, for the container's own, routes and neighbours.</summary>
    public void ReadRouting(bool isWhole, Action<string, string> problem)
    {
        if (hands.Routing is not { } routing)
        {
            problem("interfaces and routes", "no rtnetlink socket");
            return;
        }

        (Links, DumpResult links) = RouteTables.Links(routing);
        Check("interfaces", links);
        (Addresses, DumpResult addresses) = RouteTables.Addresses(routing);
        Check("addresses", addresses);
        if (isWhole)
        {
            (Routes, DumpResult routes) = RouteTables.Routes(routing);
            Check("routes", routes);
            (Neighbours, DumpResult neighbours) = RouteTables.Neighbours(routing);
            Check("neighbours", neighbours);
        }

        void Check(string what, DumpResult result)
        {
            if (result.Errno != 0)
            {
                problem(what, Libc.Describe(result.Errno));
            }
        }
    }

    /// <summary>Lists tracked flows by ctnetlink; null where that cannot be asked.</summary>
    public DumpResult? ListFlows(Action<TrackedFlow> take, out int malformed)
    {
        malformed = 0;
        return hands.Netfilter is { } netfilter ? ConntrackDump.List(netfilter, take, out malformed) : null;
    }

    /// <summary>Rules of nftables.</summary>
    public List<NftEntry> ReadRules(Action<string, string> problem)
    {
        if (hands.Netfilter is { } netfilter)
        {
            return Nftables.Read(netfilter, problem);
        }

        problem("packet filter rules", "no netfilter socket");
        return [];
    }

    /// <summary>Rules of iptables and ip6tables where they have tables of their own.</summary>
    public IEnumerable<(int Family, LegacyRule Rule)> ReadLegacyRules(Action<string, string> problem)
    {
        foreach ((int family, Descriptor socket) in hands.Inet)
        {
            bool isIPv6 = family == Libc.AF_INET6;
            foreach (string table in TablesIn(isIPv6 ? "ip6_tables_names" : "ip_tables_names"))
            {
                List<LegacyRule> rules = LegacyTables.Read(socket, isIPv6, table, out int errno);
                if (errno != 0)
                {
                    problem($"{(isIPv6 ? "ip6tables" : "iptables")} table {table}", Libc.Describe(errno));
                }

                foreach (LegacyRule rule in rules)
                {
                    yield return (family, rule);
                }
            }
        }
    }

    private string[] TablesIn(string list)
    {
        byte[] names = new byte[4096];
        int count = Tables.TryGetValue(list, out (Descriptor? File, int Errno) table) && table.File is { } file ? file.ReadAt(names, 0, out _) : 0;
        return count <= 0 ? [] : System.Text.Encoding.ASCII.GetString(names, 0, count).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Its addresses but loopback, multicast and link-local ones.</summary>
    public IEnumerable<IPAddress> OwnAddresses => Addresses.Select(a => a.Address).Where(a => !IPAddress.IsLoopback(a) && !a.IsIPv6LinkLocal);

    public void Dispose() => hands.Dispose();
}
