using System.Globalization;
using System.Net;
using System.Text;
using ContainerIR.Actions.Changes;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Actions.Isolation;

/// <summary>One network interface that is cut.</summary>
/// <param name="Space">Inode of the network namespace it lies in.</param>
/// <param name="Index">Its index there.</param>
/// <param name="Name">Its name there.</param>
/// <param name="IsHostSide">Whether it is the other end of a veth, which the container cannot see.</param>
/// <param name="OwnIndex">Index of the container's interface behind it.</param>
internal sealed record CutLink(ulong Space, int Index, string Name, bool IsHostSide, int OwnIndex)
{
    /// <summary>As journaled: <c>SPACE:INDEX:SIDE:OWN:NAME</c>.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Space}:{Index}:{(IsHostSide ? "host" : "inside")}:{OwnIndex}:{Name}");

    public static CutLink? Parse(string text) =>
        text.Split(':', 5) is [var space, var index, var side, var own, var name]
        && ulong.TryParse(space, CultureInfo.InvariantCulture, out ulong inode) && int.TryParse(index, CultureInfo.InvariantCulture, out int number)
        && int.TryParse(own, CultureInfo.InvariantCulture, out int behind)
            ? new CutLink(inode, number, name, side == "host", behind)
            : null;

    /// <summary>Whether its name can stand in a script of nft.</summary>
    public bool HasPlainName => Name.Length is > 0 and < 16 && Name.All(static each => char.IsAsciiLetterOrDigit(each) || each is '_' or '-' or '.');
}

/// <summary>An address and port that stay reachable.</summary>
internal sealed record AllowedPeer(IPAddress Address, int Port)
{
    /// <summary>Reads <c>IP:PORT</c> or <c>[IP]:PORT</c>; null when it is none.</summary>
    public static AllowedPeer? Parse(string text) =>
        IPEndPoint.TryParse(text, out IPEndPoint? point) && point.Port > 0 && text.EndsWith(":" + point.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            ? new AllowedPeer(point.Address, point.Port)
            : null;
}

/// <summary>How a container is cut off, as it is carried out and as it is journaled.</summary>
internal sealed record IsolationPlan
{
    /// <summary><c>veth-nft</c>, <c>netns-nft</c>, <c>cgroup</c>, <c>link-down</c>.</summary>
    public required string Method { get; init; }

    /// <summary>Name of our tables.</summary>
    public required string Table { get; init; }

    /// <summary>Inode of the container's network namespace.</summary>
    public required ulong ContainerSpace { get; init; }

    /// <summary>When the container's life began, as the engine says it; empty when it does not. The kernel uses the number of an inode again, also at once.</summary>
    public string Life { get; init; } = "";

    /// <summary>The interfaces.</summary>
    public IReadOnlyList<CutLink> Links { get; init; } = [];

    /// <summary>Path of the control group below /sys/fs/cgroup, its depth in the v2 hierarchy and its inode; for the method cgroup.</summary>
    public string CgroupPath { get; init; } = "";

    public int CgroupLevel { get; init; }

    public IReadOnlyList<AllowedPeer> Allow { get; init; } = [];

    public bool LogDrops { get; init; }

    /// <summary>Other containers in the same network namespace: ids.</summary>
    public IReadOnlyList<string> Sharers { get; init; } = [];

    /// <summary>Namespaces that hold a table of ours.</summary>
    public IEnumerable<ulong> Spaces => Method == "cgroup" ? [ContainerSpace] : Links.Select(link => link.Space).Distinct();

    /// <summary>nft's family of our tables.</summary>
    public string Family => Method == "cgroup" ? "inet" : "netdev";

    public bool IsNft => Method != "link-down";

    public static string LifeOf(ContainerRef container) => container.StartedAt?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture) ?? "";

    public static string TableOf(string containerId) => "cir_" + containerId[..12];

    /// <summary>The script for one namespace: the table is made anew as a whole, so that applying it twice is applying it once.</summary>
    public string Script(ulong space)
    {
        StringBuilder script = new();
        script.Append(CultureInfo.InvariantCulture, $"table {Family} {Table}\ndelete table {Family} {Table}\ntable {Family} {Table} {{\n");
        if (Method == "cgroup")
        {
            AppendChain(script, "from_ct", "filter hook output priority -500; policy accept", $"socket cgroupv2 level {CgroupLevel} \"{CgroupPath}\" ", isFrom: true);
            AppendChain(script, "to_ct", "filter hook input priority -500; policy accept", $"socket cgroupv2 level {CgroupLevel} \"{CgroupPath}\" ", isFrom: false);
        }
        else
        {
            foreach ((CutLink link, int number) in Links.Where(link => link.Space == space).Select(static (link, number) => (link, number)))
            {
                // From the host's side of a veth, what the container sends comes in; inside, it goes out.
                (string sent, string received) = link.IsHostSide ? ("ingress", "egress") : ("egress", "ingress");
                AppendChain(script, $"from_ct_{number}", $"filter hook {sent} device \"{link.Name}\" priority -500; policy drop", "", isFrom: true);
                AppendChain(script, $"to_ct_{number}", $"filter hook {received} device \"{link.Name}\" priority -500; policy drop", "", isFrom: false);
            }
        }

        return script.Append("}\n").ToString();
    }

    /// <summary>For the journal.</summary>
    public Dictionary<string, string> Facts() => new()
    {
        ["method"] = Method,
        ["table"] = Table,
        ["container_netns"] = ContainerSpace.ToString(CultureInfo.InvariantCulture),
        ["started"] = Life,
        ["links"] = string.Join('\n', Links.Select(link => link.Text)),
        ["cgroup"] = CgroupPath,
        ["cgroup_level"] = CgroupLevel.ToString(CultureInfo.InvariantCulture),
        ["allow"] = string.Join(',', Allow.Select(peer => new IPEndPoint(peer.Address, peer.Port).ToString())),
        ["log_drops"] = LogDrops ? "true" : "false",
        ["sharers"] = string.Join(',', Sharers),
    };

    /// <summary>From the journal.</summary>
    public static IsolationPlan Of(Change change) => new()
    {
        Method = change.Fact("method"),
        Table = change.Fact("table"),
        ContainerSpace = ulong.TryParse(change.Fact("container_netns"), CultureInfo.InvariantCulture, out ulong inode) ? inode : 0,
        Life = change.Fact("started"),
        Links = [.. change.Fact("links").Split('\n').Select(CutLink.Parse).OfType<CutLink>()],
        CgroupPath = change.Fact("cgroup"),
        CgroupLevel = int.TryParse(change.Fact("cgroup_level"), CultureInfo.InvariantCulture, out int level) ? level : 0,
        Allow = [.. change.Fact("allow").Split(',').Select(AllowedPeer.Parse).OfType<AllowedPeer>()],
        LogDrops = change.Fact("log_drops") == "true",
        Sharers = [.. change.Fact("sharers").Split(',', StringSplitOptions.RemoveEmptyEntries)],
    };

    /// <summary>The interfaces in words.</summary>
    public string LinkWords => string.Join(", ", Links.Select(link => DisplayText.Escape(link.Name)));

    private void AppendChain(StringBuilder script, string name, string hook, string match, bool isFrom)
    {
        script.Append(CultureInfo.InvariantCulture, $"chain {name} {{\ntype {hook};\n");
        foreach (AllowedPeer peer in Allow)
        {
            string family = peer.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? "ip6" : "ip";
            foreach (string protocol in (string[])["tcp", "udp"])
            {
                script.Append(CultureInfo.InvariantCulture, $"{match}{family} {(isFrom ? "daddr" : "saddr")} {peer.Address} {protocol} {(isFrom ? "dport" : "sport")} {peer.Port} accept\n");
            }
        }

        if (Allow.Count > 0 && Method != "cgroup")
        {
            // Without neighbours no allowed packet is ever sent.
            script.Append("ether type arp accept\nicmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n");
        }

        if (LogDrops)
        {
            script.Append(CultureInfo.InvariantCulture, $"{match}limit rate 10/second burst 20 packets log prefix \"{Table} {(isFrom ? "out" : "in")} \"\n");
        }

        script.Append(CultureInfo.InvariantCulture, $"{match}counter drop\n}}\n");
    }
}
