using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using ContainerIR.Collectors.Networks;
using ContainerIR.Linux;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

/// <summary>What stands around a container's sockets: rules, translations, published ports, who talks to whom, namespaces nobody is in.</summary>
public sealed class Network_surroundings_of_a_container
{
    [Fact]
    public async Task Hold_the_rules_of_its_namespace_and_of_the_engine_s_in_words_and_bytes()
    {
        using TestContainer container = RealEngine.Start(["-p", "127.0.0.1:18080:80"], "sleep", "1000");
        string address = container.Inspect("{{.NetworkSettings.IPAddress}}");
        Inside(container, "nft add table inet evil && nft add chain inet evil out '{ type filter hook output priority 0; policy accept; }'"
            + " && nft add rule inet evil out ip daddr 203.0.113.7 tcp dport 443 counter accept && nft add set inet evil c2 '{ type ipv4_addr; }'"
            + " && nft add element inet evil c2 '{ 198.51.100.9 }' && nft add rule inet evil out ip daddr @c2 oifname eth0 drop");

        using Capture capture = await Capture.Network(container.Id);

        List<JsonElement> rows = capture.Lines("firewall.jsonl.zst");
        string[] inside = [.. Texts(rows, "container", "rule")];
        Assert.Contains(inside, text => text.Contains("ip daddr 203.0.113.7", StringComparison.Ordinal) && text.Contains("th dport 443 counter packets 0 bytes 0 accept", StringComparison.Ordinal));
        Assert.Contains(inside, text => text.EndsWith("ip daddr @c2 meta oifname \"eth0\" drop", StringComparison.Ordinal));
        Assert.Contains("type filter hook output priority 0 policy accept", Texts(rows, "container", "chain"));
        Assert.Contains("198.51.100.9", Texts(rows, "container", "elements"));
        Assert.All(rows, row => Assert.NotEmpty(row.GetProperty("b64").GetBytesFromBase64()));

        JsonElement forward = rows.Single(row => Text(row, "side") == "engine" && Text(row, "text").Contains("DNAT", StringComparison.OrdinalIgnoreCase)
            && Text(row, "text").Contains($"{address}:80", StringComparison.Ordinal));
        Assert.Equal("nat", Text(forward, "table"));
        Assert.Contains(forward.GetProperty("mentions").EnumerateArray(), label => label.GetString() == address);
        Assert.Empty(capture.Sink.Gaps);
    }

    [Fact]
    public async Task Hold_the_rules_of_iptables_where_it_has_tables_of_its_own()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        Inside(container, "iptables-legacy -N EVIL && iptables-legacy -A EVIL -d 203.0.113.0/24 -p tcp -m tcp --dport 4444 -j ACCEPT && iptables-legacy -A OUTPUT ! -o lo -j EVIL"
            + " && iptables-legacy -t nat -A OUTPUT -d 198.51.100.1 -p tcp -j DNAT --to-destination 203.0.113.9:53 && ip6tables-legacy -A INPUT -s 2001:db8::/32 -j DROP");

        using Capture capture = await Capture.Network(container.Id);

        string[] texts = [.. Texts(capture.Lines("firewall.jsonl.zst"), "container", "iptables-rule")];
        Assert.Contains("-d 203.0.113.0/24 -p 6 tcp dport 4444 -j ACCEPT [0:0]", texts);
        Assert.Contains("! -o lo -j EVIL [0:0]", texts);
        Assert.Contains("-d 198.51.100.1/32 -p 6 -j DNAT to 203.0.113.9:53 [0:0]", texts);
        Assert.Contains("-s 2001:db8::/32 -j DROP [0:0]", texts);
        Assert.Contains(capture.Lines("firewall.jsonl.zst"), row => Text(row, "chain") == "EVIL");
        Assert.Empty(capture.Sink.Gaps);
    }

    [Fact]
    public async Task Tell_who_talks_to_whom_between_containers()
    {
        using TestContainer server = RealEngine.Start([], "sh", "-c", "sleep 1000 | nc -l -p 9000");
        await Listening(server, "2328");
        string address = server.Inspect("{{.NetworkSettings.IPAddress}}");
        using TestContainer client = RealEngine.Start([], "sh", "-c", $"sleep 1000 | nc {address} 9000");
        await RealEngine.Until(() => File.ReadAllText($"/proc/{client.InitPid}/net/tcp").Contains(":2328 01 ", StringComparison.Ordinal), "an established flow");

        foreach (TestContainer side in (TestContainer[])[client, server])
        {
            using Capture capture = await Capture.Network(side.Id, NamedAddresses.Of(SomeContainer.RefOf(server.Id)), NamedAddresses.Of(SomeContainer.RefOf(client.Id)));

            JsonElement flow = capture.Lines("connections.jsonl").Single(row => row.GetProperty("to_port").GetInt32() == 9000);
            Assert.Equal(
                ("tcp", "container " + client.Name, "container " + server.Name, address, 1),
                (Text(flow, "protocol"), Text(flow, "from"), Text(flow, "to"), Text(flow, "to_address"), flow.GetProperty("connections").GetInt32()));
            Assert.Contains(flow.GetProperty("seen_by").EnumerateArray(), by => by.GetString() == "sockets of the container");
        }
    }

    [Fact]
    public async Task Show_clients_that_a_published_port_s_proxy_hides()
    {
        using TestContainer container = RealEngine.Start(["-p", "127.0.0.1:18081:9100"], "sh", "-c", "sleep 1000 | nc -l -p 9100");
        await Listening(container, "238C");
        // From the engine's own loopback, which only the proxy serves.
        using Process client = Process.Start(new ProcessStartInfo(
            "nsenter", ["-t", EnginePid(container), "-n", "sh", "-c", "sleep 1000 | busybox nc 127.0.0.1 18081"])
        { RedirectStandardInput = true })!;
        try
        {
            await RealEngine.Until(
                () => (File.ReadAllText($"/proc/{container.InitPid}/net/tcp") + File.ReadAllText($"/proc/{container.InitPid}/net/tcp6")).Contains(" 01 ", StringComparison.Ordinal), "a connection");
            using Capture capture = await Capture.Network(container.Id);

            JsonElement port = Assert.Single(capture.Document("namespaces.json").GetProperty("published_ports").EnumerateArray());
            Assert.Equal(("127.0.0.1", 18081, 9100), (Text(port, "host_address"), port.GetProperty("host_port").GetInt32(), port.GetProperty("container_port").GetInt32()));
            Assert.True(port.GetProperty("listening").GetBoolean());
            Assert.Equal("127.0.0.1", Text(Assert.Single(port.GetProperty("clients").EnumerateArray()), "address"));
        }
        finally
        {
            client.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task Show_sockets_of_a_namespace_that_only_a_mount_keeps()
    {
        using TestContainer container = RealEngine.Start(["--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined", "--security-opt", "seccomp=unconfined"], "sleep", "1000");
        // As ip netns add does: a namespace mounted on a file, nobody in it.
        container.Exec("touch /hidden && unshare -n sh -c 'mount --bind /proc/self/ns/net /hidden'");

        using Capture capture = await Capture.Network(container.Id);

        JsonElement[] spaces = [.. capture.Document("namespaces.json").GetProperty("namespaces").EnumerateArray()];
        JsonElement hidden = Assert.Single(spaces, space => Text(space, "found_by").StartsWith("mount /hidden", StringComparison.Ordinal));
        Assert.Empty(hidden.GetProperty("members").EnumerateArray());
        Assert.Contains(hidden.GetProperty("interfaces").EnumerateArray(), link => Text(link, "name") == "lo");
        Assert.Empty(capture.Sink.Gaps);
    }

    [Fact]
    public async Task Come_from_ctnetlink_and_agree_with_the_kernel_s_text()
    {
        using TestContainer server = RealEngine.Start(["-p", "127.0.0.1:18082:9200"], "sh", "-c", "sleep 1000 | nc -l -p 9200");
        await Listening(server, "23F0");
        string address = server.Inspect("{{.NetworkSettings.IPAddress}}");
        using TestContainer client = RealEngine.Start([], "sh", "-c", $"sleep 1000 | nc {address} 9200");
        await RealEngine.Until(() => File.ReadAllText($"/proc/{client.InitPid}/net/tcp").Contains(":23F0 01 ", StringComparison.Ordinal), "an established flow");

        using Capture capture = await Capture.Network(client.Id);

        int engine = int.Parse(EnginePid(client), CultureInfo.InvariantCulture);
        foreach (JsonElement row in capture.Lines("conntrack.jsonl").Where(row => row.GetProperty("original").GetProperty("dport").GetInt32() == 9200))
        {
            Assert.Equal("ctnetlink", Text(row, "source"));
            int sport = row.GetProperty("original").GetProperty("sport").GetInt32();
            string table = File.ReadAllText($"/proc/{(Text(row, "side") == "container" ? client.InitPid : engine)}/net/nf_conntrack");
            string line = table.Split('\n').Single(text => text.Contains($"sport={sport} dport=9200 ", StringComparison.Ordinal));
            Assert.Contains($" {Text(row, "state")} src={Text(row.GetProperty("original"), "src")} dst={address} ", line, StringComparison.Ordinal);
            Assert.Equal(line.Contains("[ASSURED]", StringComparison.Ordinal), row.GetProperty("assured").GetBoolean());
        }

        // Where the kernel does not answer ctnetlink, or with more than is held at a time, the text table gives the same.
        Dictionary<string, string> netlink = await FlowsAsync(engine, address, int.MaxValue), text = await FlowsAsync(engine, address, 0);
        Assert.Equal(["ctnetlink"], netlink.Keys.Select(row => row.Split(' ')[0]).Distinct());
        Assert.Equal(["proc"], text.Keys.Select(row => row.Split(' ')[0]).Distinct());
        Assert.NotEmpty(netlink);
        Assert.Equal(netlink.Values.Order(StringComparer.Ordinal), text.Values.Order(StringComparer.Ordinal));
    }

    /// <summary>Flows of a namespace to an address, by their source and number; what counts seconds is left out.</summary>
    private static async Task<Dictionary<string, string>> FlowsAsync(int pid, string address, int maxHeldFlows)
    {
        using Descriptor nsfs = Descriptor.Open(Libc.AT_FDCWD, $"/proc/{pid}/ns/net", Libc.O_RDONLY, out _)!;
        using NetworkSpace space = NetworkSpace.Enter(nsfs, "test", "container", withTables: true, out _)!;
        using FolderSink sink = new();
        PeerNames peers = new();
        await ConntrackCopy.WriteAsync([space], new HashSet<IPAddress>(), peers, new FlowPairs(peers, "test"), sink, CancellationToken.None, maxHeldFlows);
        Assert.Empty(sink.Gaps);
        Dictionary<string, string> rows = [];
        foreach (string line in File.ReadLines(sink.PathOf("conntrack.jsonl")))
        {
            JsonElement row = JsonDocument.Parse(line).RootElement;
            if (Text(row.GetProperty("original"), "dst") != address)
            {
                continue;
            }

            rows[$"{Text(row, "source")} {rows.Count}"] = $"{Text(row, "protocol")} {Text(row, "state")} {row.GetProperty("original").GetRawText()} {row.GetProperty("reply").GetRawText()} {row.GetProperty("assured").GetRawText()}";
        }

        return rows;
    }

    private static IEnumerable<string> Texts(IEnumerable<JsonElement> rows, string side, string kind) =>
        rows.Where(row => Text(row, "side") == side && Text(row, "kind") == kind).Select(row => Text(row, "text"));

    private static string Text(JsonElement row, string name) => row.TryGetProperty(name, out JsonElement value) ? value.GetString() ?? "" : "";

    private static void Inside(TestContainer container, string shell) =>
        RealEngine.Run("nsenter", "-t", container.InitPid.ToString(CultureInfo.InvariantCulture), "-n", "sh", "-c", shell);

    private static string EnginePid(TestContainer container)
    {
        // Whoever made the container's namespaces stands at the host's side of its veth: its shim, a child of the engine's containerd.
        string stat = File.ReadAllText($"/proc/{container.InitPid}/stat");
        return stat[(stat.LastIndexOf(')') + 4)..].Split(' ')[0];
    }

    private static async Task Listening(TestContainer container, string port)
    {
        int pid = container.InitPid;
        await RealEngine.Until(() => (File.ReadAllText($"/proc/{pid}/net/tcp") + File.ReadAllText($"/proc/{pid}/net/tcp6")).Contains($":{port} ", StringComparison.Ordinal), "a listener");
    }
}
