using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>
/// Hands into one network namespace: netlink sockets and open /proc/net tables stay with the namespace they were opened in, whoever reads them.
/// So a thread of its own enters (setns(2)), opens, and ends; no other thread ever changes its namespace. Nothing is visible inside but the
/// netlink sockets, which are left out of the lists by their inode.
/// </summary>
internal sealed class NetworkNamespace : IDisposable
{
    /// <summary>The tables of /proc/net that are copied, and cross-checked where they list sockets.</summary>
    public static readonly IReadOnlyList<string> TableNames =
    [
        "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6", "unix", "packet", "netlink", "ptype", "arp", "route", "ipv6_route",
        "fib_trie", "if_inet6", "igmp", "igmp6", "dev", "snmp", "netstat", "sockstat", "sockstat6", "ip_tables_names", "ip6_tables_names", "nf_conntrack",
        "nf_conntrack_expect", "wireless", "vlan/config",
    ];

    private NetworkNamespace()
    {
    }

    /// <summary>NETLINK_SOCK_DIAG.</summary>
    public NetlinkSocket? Diagnostics { get; private set; }

    /// <summary>NETLINK_ROUTE.</summary>
    public NetlinkSocket? Routing { get; private set; }

    /// <summary>NETLINK_NETFILTER.</summary>
    public NetlinkSocket? Netfilter { get; private set; }

    /// <summary>A socket of a family, bound to nothing, through which iptables' own tables are asked for; by AF_INET, AF_INET6.</summary>
    public Dictionary<int, Descriptor> Inet { get; } = [];

    /// <summary>Open tables by name; those that could not be opened have their errno.</summary>
    public Dictionary<string, (Descriptor? File, int Errno)> Tables { get; } = [];

    /// <summary>Enters the namespace behind a descriptor of nsfs; null and the reason on failure.</summary>
    public static NetworkNamespace? Enter(Descriptor nsfs, bool withTables, out string? error)
    {
        NetworkNamespace hands = new();
        string? failure = null;
        Thread thread = new(() => failure = hands.Open(nsfs, withTables)) { IsBackground = true, Name = "netns" };
        thread.Start();
        thread.Join();
        error = failure;
        if (failure is null)
        {
            return hands;
        }

        hands.Dispose();
        return null;
    }

    public void Dispose()
    {
        Diagnostics?.Dispose();
        Routing?.Dispose();
        Netfilter?.Dispose();
        foreach (Descriptor socket in Inet.Values)
        {
            socket.Dispose();
        }

        foreach ((Descriptor? file, _) in Tables.Values)
        {
            file?.Dispose();
        }
    }

    private string? Open(Descriptor nsfs, bool withTables)
    {
        if (Libc.setns(nsfs.Number, Libc.CLONE_NEWNET) != 0)
        {
            return "setns: " + Libc.Describe(Marshal.GetLastPInvokeError());
        }

        Diagnostics = NetlinkSocket.Open(Libc.NETLINK_SOCK_DIAG, out int errno);
        if (Diagnostics is null)
        {
            return "netlink sock_diag socket: " + Libc.Describe(errno);
        }

        Routing = NetlinkSocket.Open(Libc.NETLINK_ROUTE, out _);
        Netfilter = NetlinkSocket.Open(Libc.NETLINK_NETFILTER, out _);
        foreach (string name in withTables ? TableNames : ["nf_conntrack", "ip_tables_names", "ip6_tables_names"])
        {
            Tables[name] = (Descriptor.Open(Libc.AT_FDCWD, "/proc/thread-self/net/" + name, Libc.O_RDONLY, out errno), errno);
        }

        foreach (int family in (int[])[Libc.AF_INET, Libc.AF_INET6])
        {
            if (Descriptor.Own(Libc.socket(family, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, 0), out _) is { } socket)
            {
                Inet[family] = socket;
            }
        }

        return null;
    }
}
