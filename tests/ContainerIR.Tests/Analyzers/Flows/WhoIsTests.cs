using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ContainerIR.Acquisitions;
using ContainerIR.Analyzers.Flows;
using ContainerIR.Collectors;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Analyzers.Flows;

/// <summary><c>cir whois</c> on the real engine: one flow that leaves by address translation, one that comes in by a published port.</summary>
public sealed class A_flow_of_a_container
{
    [Fact]
    public async Task Is_found_by_its_translated_addresses_from_a_bundle_and_by_its_own_from_the_living_container()
    {
        using TestContainer probe = RealEngine.Start([], "sleep", "1000");
        using Outside outside = new(EnginePid(probe));
        using TestContainer client = RealEngine.Start([], "sh", "-c", $"sleep 1000 | nc {outside.Address} 4444");
        await RealEngine.Until(() => File.ReadAllText($"/proc/{client.InitPid}/net/tcp").Contains(":115C 01 ", StringComparison.Ordinal), "an established flow");
        string line = (File.ReadAllText($"/proc/{outside.Pid}/net/tcp") + File.ReadAllText($"/proc/{outside.Pid}/net/tcp6")).Split('\n').Single(text => text.Contains(" 01 ", StringComparison.Ordinal));
        int translatedPort = int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2].Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        using SomeAcquisition some = new();
        AcquisitionResult bundle = await some.RunAsync(new() { Container = client.Id, CaseId = SomeAcquisition.CaseId, Profile = Profile.Triage, Examiner = "x", Endpoint = RealEngine.Endpoint, Skip = ["rootfs-diff", "configuration"] });

        // What an IDS outside saw: the gateway's address.
        FlowAnswer answer = Assert.Single(WhoIs.Find(bundle.BundlePath, FlowQuestion.Parse($"{outside.Gateway}:{translatedPort}", $"{outside.Address}:4444", null), CancellationToken.None));

        FlowProcess process = Assert.Single(answer.Processes);
        Assert.Equal((client.Id, "flow", "/bin/busybox", $"nc {outside.Address} 4444"), (answer.ContainerId, answer.Kind, process.ExecutablePath, process.CommandLine));
        Assert.Contains(answer.Path, leg => leg.StartsWith($"{outside.Gateway}:{translatedPort} -> {outside.Address}:4444 after translation of the source", StringComparison.Ordinal));
        Assert.Empty(answer.Notes);
        Assert.Empty(WhoIs.Find(bundle.BundlePath, FlowQuestion.Parse($"{outside.Gateway}:{translatedPort}", $"{outside.Address}:4445", null), CancellationToken.None));
        FlowAnswer early = Assert.Single(WhoIs.Find(bundle.BundlePath, FlowQuestion.Parse($"{outside.Address}:4444", null, "2001-01-01T00:00:00Z"), CancellationToken.None));
        Assert.Contains(early.Notes, note => note.EndsWith("started after the time asked for: it was not the one", StringComparison.Ordinal));

        using SomeTerminal terminal = new() { Acquire = Acquirer.RunAsync };
        string own = client.Inspect("{{.NetworkSettings.IPAddress}}");
        Assert.Equal(0, await terminal.RunAsync("whois", $"{outside.Address}:4444", "--peer", $"{own}:{translatedPort}", "--endpoint", RealEngine.Endpoint));
        Assert.Contains($"Container  {client.Name} {client.Id}", terminal.Out, StringComparison.Ordinal);
        Assert.Contains($"nc {outside.Address} 4444", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_found_by_the_host_s_port_it_came_to()
    {
        using TestContainer server = RealEngine.Start(["-p", "18443:9000"], "sh", "-c", "sleep 1000 | nc -l -p 9000");
        await RealEngine.Until(() => File.ReadAllText($"/proc/{server.InitPid}/net/tcp6").Contains(":2328 ", StringComparison.Ordinal) || File.ReadAllText($"/proc/{server.InitPid}/net/tcp").Contains(":2328 ", StringComparison.Ordinal), "a listener");
        string gateway = server.Inspect("{{.NetworkSettings.Gateway}}");
        using Process caller = Process.Start(new ProcessStartInfo("nsenter", ["-t", EnginePid(server), "-n", "sh", "-c", $"sleep 1000 | busybox nc {gateway} 18443"]))!;
        try
        {
            await RealEngine.Until(
                () => (File.ReadAllText($"/proc/{server.InitPid}/net/tcp") + File.ReadAllText($"/proc/{server.InitPid}/net/tcp6")).Contains(" 01 ", StringComparison.Ordinal), "an established flow");
            using SomeAcquisition some = new();
            AcquisitionResult bundle = await some.RunAsync(new() { Container = server.Id, CaseId = SomeAcquisition.CaseId, Profile = Profile.Triage, Examiner = "x", Endpoint = RealEngine.Endpoint, Skip = ["rootfs-diff", "configuration"] });

            IReadOnlyList<FlowAnswer> answers = WhoIs.Find(bundle.BundlePath, FlowQuestion.Parse($"{gateway}:18443", null, null), CancellationToken.None);

            Assert.Equal(("flow", "nc -l -p 9000"), (answers[0].Kind, Assert.Single(answers[0].Processes).CommandLine));
            Assert.Contains(answers[0].Path, leg => leg.Contains(":9000 after translation of the destination", StringComparison.Ordinal));
            Assert.Contains(answers, answer => answer.Kind == "published port");
        }
        finally
        {
            caller.Kill(entireProcessTree: true);
        }
    }

    private static string EnginePid(TestContainer container)
    {
        // Whoever made the container's namespaces stands at the host's side of its veth: its shim, a child of the engine's containerd.
        string stat = File.ReadAllText($"/proc/{container.InitPid}/stat");
        return stat[(stat.LastIndexOf(')') + 4)..].Split(' ')[0];
    }

    /// <summary>A network namespace behind the engine's, with a server on port 4444. It goes with its process.</summary>
    private sealed class Outside : IDisposable
    {
        private readonly Process server;

        public Outside(string enginePid)
        {
            // A /30 of 198.18.0.0/15 (RFC 2544) and names that no other run on this engine has.
            int part = Environment.ProcessId % 16_000;
            string prefix = $"198.18.{part / 64}.";
            int first = part % 64 * 4;
            (Gateway, Address) = ($"{prefix}{first + 1}", $"{prefix}{first + 2}");
            string link = "cw" + Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            server = Process.Start(new ProcessStartInfo("unshare", ["-n", "sh", "-c", "sleep 1000 | exec busybox nc -l -p 4444"]))!;
            SpinWait.SpinUntil(() => File.ReadAllText($"/proc/{server.Id}/cmdline").StartsWith("sh\0", StringComparison.Ordinal), TimeSpan.FromSeconds(10));
            RealEngine.Run(
                "nsenter", "-t", enginePid, "-n", "sh", "-ec",
                $"ip link add {link} type veth peer name out0 netns {Pid}; ip addr add {Gateway}/30 dev {link}; ip link set {link} up; nsenter -t {Pid} -n sh -ec 'ip addr add {Address}/30 dev out0; ip link set out0 up; ip link set lo up'");
        }

        public string Gateway { get; }

        public string Address { get; }

        public int Pid => server.Id;

        public void Dispose()
        {
            server.Kill(entireProcessTree: true);
            server.Dispose();
        }
    }
}

/// <summary><c>cir whois</c> on bundles recorded by hand.</summary>
public sealed class A_recorded_flow
{
    private const string Processes =
        """
        {"pid":9,"cmdline":["app","\u001b"],"exe":{"link":"/bin/app","sha256":"ab"},"started_at":"2026-11-23T01:00:00Z"}

        """;

    private const string Sockets =
        """
        {"netns":1,"protocol":"tcp","state":"LISTEN","local":"::","local_port":80,"inode":4,"owners":[{"pid":9,"member":true}]}
        {"netns":1,"protocol":"tcp","state":"ESTABLISHED","local":"::ffff:172.17.0.2","local_port":80,"remote":"::ffff:198.51.100.7","remote_port":5000,"inode":5,"owners":[{"pid":9,"member":true}]}
        {"netns":1,"protocol":"tcp","state":"TIME_WAIT","local":"172.17.0.2","local_port":4001,"remote":"203.0.113.9","remote_port":443,"inode":0,"owners":[]}
        {"netns":1,"protocol":"tcp","state":"ESTABLISHED","local":"172.17.0.2","local_port":4002,"remote":"203.0.113.9","remote_port":444,"inode":7,"owners":[{"pid":77,"member":false}]}
        {"netns":2,"protocol":"tcp","state":"TIME_WAIT","local":"192.0.2.1","local_port":4003,"remote":"203.0.113.9","remote_port":445,"inode":0,"owners":[]}

        """;

    private const string Tracked =
        """
        {"netns":2,"side":"host","protocol":"tcp","state":"ESTABLISHED","original":{"src":"198.51.100.7","dst":"192.0.2.1","sport":5000,"dport":8080},"reply":{"src":"172.17.0.2","dst":"198.51.100.7","sport":80,"dport":5000},"translated":true}
        {"netns":2,"side":"host","protocol":"udp","original":{"src":"172.17.0.2","dst":"203.0.113.53","sport":4444,"dport":53},"reply":{"src":"203.0.113.53","dst":"192.0.2.1","sport":53,"dport":61000},"translated":true}

        """;

    private const string Namespaces =
        """
        {"namespaces":[{"inode":1,"interfaces":[{"addresses":["172.17.0.2/16"]}]},{"inode":2,"host":true}],
         "published_ports":[{"protocol":"tcp","host_address":"0.0.0.0","host_port":8080,"container_address":"172.17.0.2","container_port":80}]}
        """;

    [Theory]
    // In by a published port: by the host's side, by the container's, by the client's.
    [InlineData("192.0.2.1:8080", "198.51.100.7:5000", "flow 9")]
    [InlineData("172.17.0.2:80", "198.51.100.7:5000", "flow 9")]
    [InlineData("198.51.100.7:5000", null, "flow 9")]
    [InlineData("172.17.0.2:80", null, "flow 9,listener 9")]
    [InlineData("192.0.2.1:8080", null, "flow 9,published port -")]
    [InlineData("192.0.2.77:8080", null, "published port -")]
    // Out by translation, its socket gone.
    [InlineData("192.0.2.1:61000", "203.0.113.53:53", "flow -")]
    [InlineData("203.0.113.53:53", "172.17.0.2:4444", "flow -")]
    // Untracked; another's; the host's.
    [InlineData("203.0.113.9:443", null, "flow -")]
    [InlineData("203.0.113.9:444", null, "")]
    [InlineData("203.0.113.9:445", null, "")]
    [InlineData("203.0.113.9:446", null, "")]
    [InlineData("192.0.2.1:8080", "198.51.100.7:5001", "published port -")]
    public async Task Is_put_to_its_process(string end, string? peer, string expected)
    {
        IReadOnlyList<FlowAnswer> answers = await FindAsync(FlowQuestion.Parse(end, peer, null));
        Assert.Equal(expected, string.Join(',', answers.Select(answer => $"{answer.Kind} {(answer.Processes is [var process, ..] ? process.Pid : "-")}")));
    }

    [Fact]
    public async Task Is_written_for_machines_with_its_proof()
    {
        FlowAnswer answer = (await FindAsync(FlowQuestion.Parse("198.51.100.7:5000", null, null)))[0];
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            answer.Write(json);
        }

        using JsonDocument document = JsonDocument.Parse(bytes.ToArray());
        Assert.Equal(3, document.RootElement.GetProperty("where").GetArrayLength());
        Assert.Equal(["198.51.100.7:5000 -> 192.0.2.1:8080 as it was opened", "198.51.100.7:5000 -> 172.17.0.2:80 after translation of the destination (table of the host)"], answer.Path);
    }

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("10.0.0.1:0")]
    [InlineData("host:80")]
    [InlineData("10.0.0.1:80", "--at", "noon")]
    [InlineData("10.0.0.1:80", "--peer", "x")]
    [InlineData("10.0.0.1:80", "--bundle", "/no/such/bundle")]
    [InlineData("10.0.0.1:80", "--case", "NONE-1")]
    public async Task Must_be_named_well(params string[] arguments)
    {
        using SomeTerminal terminal = new();
        Assert.Equal(2, await terminal.RunAsync(["whois", .. arguments]));
    }

    [Fact]
    public async Task Needs_root_when_the_living_are_asked()
    {
        using SomeTerminal terminal = new() { IsRoot = false };
        Assert.Equal(2, await terminal.RunAsync("whois", "10.0.0.1:80"));
        Assert.Contains("root only", terminal.Error, StringComparison.Ordinal);
    }

    private static async Task<IReadOnlyList<FlowAnswer>> FindAsync(FlowQuestion question)
    {
        using TemporaryFolder folder = new();
        await using BundleWriter bundle = SomeBundle.Open(folder);
        IEvidenceSink network = bundle.OpenSection("network", 2);
        await AddAsync(network, "sockets.jsonl", ItemForm.Plain, Sockets);
        await AddAsync(network, "conntrack.jsonl", ItemForm.Plain, Tracked);
        await AddAsync(network, "namespaces.json", ItemForm.Plain, Namespaces);
        await AddAsync(bundle.OpenSection("processes", 3), "processes.jsonl.zst", ItemForm.Frames, Processes);
        SealedBundle made = await bundle.SealAsync();
        return WhoIs.Find(made.Path, question, CancellationToken.None);
    }

    private static Task<EvidenceItem> AddAsync(IEvidenceSink sink, string name, ItemForm form, string text) =>
        sink.AddAsync(name, System.Text.Encoding.UTF8.GetBytes(text), new ItemOptions("made by a test", form), CancellationToken.None);
}
