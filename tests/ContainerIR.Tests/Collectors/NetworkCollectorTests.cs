using System.Security.Cryptography;
using System.Text.Json;
using ContainerIR.Collectors.Networks;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

public sealed class Network_state_of_a_container
{
    [Fact]
    public async Task Shows_who_talks_to_whom_with_process_and_executable()
    {
        using TestContainer server = RealEngine.Start([], "sh", "-c", "sleep 1000 | nc -l -p 9000");
        await Listening(server, "2328");
        string address = server.Inspect("{{.NetworkSettings.IPAddress}}");
        using TestContainer client = RealEngine.Start([], "sh", "-c", $"sleep 1000 | nc {address} 9000");
        await RealEngine.Until(() => File.ReadAllText($"/proc/{client.InitPid}/net/tcp").Contains(":2328 01 ", StringComparison.Ordinal), "an established flow");

        using Capture capture = await Capture.Network(client.Id, NamedAddresses.Of(SomeContainer.RefOf(server.Id)), NamedAddresses.Of(SomeContainer.RefOf(client.Id)));

        SocketRow flow = (await capture.SocketRows()).Single(r => r.State == "ESTABLISHED" && r.Protocol == "tcp" && !r.IsHostSide);
        Assert.Equal((address, 9000, "container " + server.Name), (flow.RemoteAddress, flow.RemotePort, flow.Peer));
        Assert.Equal(["sock_diag", "proc"], flow.SeenBy);
        SocketOwner owner = Assert.Single(flow.Owners);
        Assert.True(owner.IsMember);
        Assert.Equal("/bin/busybox", owner.ExecutablePath);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes("/bin/busybox"))), owner.ExecutableSha256);

        JsonElement space = Assert.Single(capture.Document("namespaces.json").GetProperty("namespaces").EnumerateArray());
        JsonElement eth = space.GetProperty("interfaces").EnumerateArray().Single(i => i.GetProperty("name").GetString() == "eth0");
        Assert.StartsWith("veth", eth.GetProperty("peer").GetProperty("name").GetString(), StringComparison.Ordinal);
        Assert.Equal("docker0", eth.GetProperty("peer").GetProperty("bridge").GetString());
        Assert.Contains(space.GetProperty("routes").EnumerateArray(), r => r.GetProperty("destination").GetString() == "default");
        Assert.Contains(capture.Document("namespaces.json").GetProperty("name_resolution").EnumerateArray(), f => f.GetProperty("file").GetString() == "etc/hosts");
        Assert.Empty(capture.Sink.Gaps);
    }

    [Fact]
    public async Task Finds_everything_the_trap_hides()
    {
        using Trap trap = new("net-hidden");

        using Capture capture = await Capture.Network(trap.ContainerName);

        List<SocketRow> rows = await capture.SocketRows();
        SocketRow Listener(int port) => rows.Single(r => r.Protocol == "tcp" && r.LocalPort == port);
        Assert.All((int[])[4440, 4441, 4442], port => Assert.Equal("LISTEN", Listener(port).State));
        Assert.Equal(3, ((int[])[4440, 4441, 4442]).Select(port => Listener(port).NetworkNamespace).Distinct().Count());
        Assert.All((int[])[4440, 4441, 4442], port => Assert.NotEmpty(Listener(port).Owners));
        Assert.Equal("BOUND_INACTIVE", Listener(4443).State);
        Assert.Equal(["sock_diag"], Listener(4443).SeenBy);
        Assert.NotEmpty(rows.Single(r => r.Protocol == "packet").Owners);
        Assert.NotEmpty(rows.Single(r => r.Protocol == "raw").Owners);
        Assert.Equal("\\x00evil\\n\\x1b[2J", rows.Single(r => r.Protocol == "unix" && r.State == "LISTEN").Name);
        Assert.Equal(4, capture.Lines("sockets.jsonl").Single(l => l.GetProperty("protocol").GetString() == "packet").GetProperty("bpf_instructions").GetInt32());
        // The engine keeps netlink sockets in the namespaces it makes: its own, and said so. Ours are not listed.
        Assert.All(rows.Where(r => r.Protocol == "netlink"), r => Assert.EndsWith("dockerd", Assert.Single(r.Owners, o => !o.IsMember).ExecutablePath, StringComparison.Ordinal));
        Assert.Equal(3, capture.Document("namespaces.json").GetProperty("namespaces").GetArrayLength());
    }

    [Fact]
    public async Task Shows_a_listener_towards_the_machine_below()
    {
        using MemoryProgram program = await MemoryProgram.Start("secret", "--security-opt", "seccomp=unconfined");

        using Capture capture = await Capture.Network(program.Id);

        SocketRow? listener = (await capture.SocketRows()).SingleOrDefault(row => row.Protocol == "vsock");
        Assert.SkipWhen(listener is null && !File.Exists("/dev/vsock"), "this kernel has no vsock");
        Assert.Matches(@"^cid 4294967295 port [0-9]+\z", listener!.Name);
        Assert.Equal(program.Pid, Assert.Single(listener.Owners).Pid);
    }

    [Fact]
    public async Task Tells_own_sockets_from_a_sharer_s()
    {
        using TestContainer own = RealEngine.Start([], "nc", "-l", "-p", "9001");
        using TestContainer sharer = RealEngine.Start(["--network", "container:" + own.Id], "nc", "-l", "-p", "9002");
        await Listening(own, "2329");
        await Listening(own, "232A");

        using Capture capture = await Capture.Network(own.Id);

        List<SocketRow> rows = await capture.SocketRows();
        Assert.True(rows.Single(r => r.LocalPort == 9001).Owners.Single().IsMember);
        SocketOwner foreign = rows.Single(r => r.LocalPort == 9002).Owners.Single();
        Assert.False(foreign.IsMember);
        Assert.Equal(sharer.InitPid, foreign.Pid);
        JsonElement named = Assert.Single(capture.Document("namespaces.json").GetProperty("namespaces")[0].GetProperty("sharers").EnumerateArray());
        Assert.Equal(sharer.Id, named.GetProperty("container").GetString());
    }

    [Fact]
    public async Task Of_a_container_in_the_host_s_network_tells_own_sockets_from_the_host_s()
    {
        using TestContainer container = RealEngine.Start(["--network", "host"], "nc", "-l", "-p", "9003");
        await Listening(container, "232B");

        using Capture capture = await Capture.Network(container.Id);

        SocketRow own = Assert.Single(await capture.SocketRows(), r => r.Owners.Any(o => o.IsMember));
        Assert.Equal(9003, own.LocalPort);
        Assert.True(capture.Document("namespaces.json").GetProperty("namespaces")[0].GetProperty("host").GetBoolean());
    }

    [Fact]
    public async Task Holds_the_tracked_flows_of_its_own_and_the_engine_s_table()
    {
        RealEngine.Run("sh", "-c", "docker network inspect cir-test-net >/dev/null 2>&1 || docker network create cir-test-net");
        try
        {
            using TestContainer server = RealEngine.Start(["--network", "cir-test-net"], "sh", "-c", "sleep 1000 | nc -l -p 9004");
            await Listening(server, "232C");
            string address = server.Inspect("{{(index .NetworkSettings.Networks \"cir-test-net\").IPAddress}}");
            using TestContainer client = RealEngine.Start(["--network", "cir-test-net"], "sh", "-c", $"sleep 1000 | nc {address} 9004");
            await RealEngine.Until(() => File.ReadAllText($"/proc/{client.InitPid}/net/tcp").Contains(":232C 01 ", StringComparison.Ordinal), "an established flow");

            using Capture capture = await Capture.Network(client.Id, NamedAddresses.Of(SomeContainer.RefOf(server.Id)));

            ConntrackRow flow = (await capture.ConntrackRows()).First(r => r.OriginalDestinationPort == 9004 && r.Side == "container");
            Assert.Equal(("tcp", "ESTABLISHED", address, "container " + server.Name), (flow.Protocol, flow.State, flow.OriginalDestination, flow.Peer));
        }
        finally
        {
            RealEngine.Docker("network", "rm", "cir-test-net");
        }
    }

    [Fact]
    public async Task Goes_on_without_the_names_of_others()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        ContainerRef subject = SomeContainer.RefOf(container.Id);
        using FolderSink sink = new();

        await new ContainerIR.Collectors.NetworkCollector(_ => throw new IOException("engine gone"), ReadWorkerHost.Launch).CollectAsync(subject, sink, CancellationToken.None);

        Assert.Contains(sink.Gaps, g => g.Reason == "engine gone");
        Assert.Contains(sink.Items, i => i.Path == "sockets.jsonl");
    }

    private static async Task Listening(TestContainer container, string port)
    {
        int pid = container.InitPid;
        await RealEngine.Until(() => (File.ReadAllText($"/proc/{pid}/net/tcp") + File.ReadAllText($"/proc/{pid}/net/tcp6")).Contains($":{port} ", StringComparison.Ordinal), "a listener");
    }
}
