using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Acquisitions;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Acquisitions;

/// <summary>The intrusion of the demo in one sealed bundle: an implant without an executable file that reports to another container.</summary>
public sealed class A_beacon : IDisposable
{
    private readonly SomeTerminal terminal = new() { Acquire = Acquirer.RunAsync };

    public void Dispose() => terminal.Dispose();

    [Fact]
    public async Task Is_one_row_with_its_peer_executable_flow_packets_and_memory_that_gdb_opens()
    {
        using TestContainer drop = RealEngine.Start([], "sh", "-c", "sleep 1000 | nc -l -p 4444 >/dev/null");
        await RealEngine.Until(() => (File.ReadAllText($"/proc/{drop.InitPid}/net/tcp") + File.ReadAllText($"/proc/{drop.InitPid}/net/tcp6")).Contains(":115C ", StringComparison.Ordinal), "a listener");
        string address = drop.Inspect("{{.NetworkSettings.IPAddress}}");
        using MemoryProgram implant = await MemoryProgram.Start($"beacon {address} 4444");
        terminal.Variables["CIR_PASSPHRASE"] = "a long passphrase";

        // given a container image this small, the volatile collectors alone are what profile full adds
        int code = await terminal.RunAsync(
            "acquire", implant.Id, "--case", "B-1", "--profile", "full", "--pcap", "3,10", "--freeze", "always", "--endpoint", RealEngine.Endpoint, "--out", terminal.Folder,
            "--skip", "image", "--skip", "host", "--json");

        Assert.True(code is 0 or 4, terminal.Error);
        string bundle = Directory.GetDirectories(terminal.Folder, "EV-*").Single();
        JsonElement socket = Lines(bundle, "network/sockets.jsonl").Single(row => Number(row, "remote_port") == 4444 && Text(row, "state") == "ESTABLISHED" && !row.TryGetProperty("host_side", out _));
        Assert.Equal((address, "container " + drop.Name), (Text(socket, "remote"), Text(socket, "peer")));
        JsonElement owner = Assert.Single(socket.GetProperty("owners").EnumerateArray());
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(MemoryProgram.Executable)));
        Assert.Equal((implant.Pid, "/program (deleted)", sha256), (owner.GetProperty("pid").GetInt32(), Text(owner, "exe"), Text(owner, "exe_sha256")));

        JsonElement process = Lines(bundle, "processes/processes.jsonl.zst").Single(row => row.GetProperty("pid").GetInt32() == implant.Pid);
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(Bytes(bundle, "processes/" + Text(process.GetProperty("exe"), "item")))));
        JsonElement flow = Lines(bundle, "network/connections.jsonl").Single(row => Number(row, "to_port") == 4444);
        Assert.Equal(("container " + implant.Container.Name, "container " + drop.Name), (Text(flow, "from"), Text(flow, "to")));
        Assert.Contains(Lines(bundle, "network/conntrack.jsonl"), row => Number(row.GetProperty("original"), "dport") == 4444);

        string capture = Find(bundle, "traffic/traffic.pcapng");
        string packets = RealEngine.Run("tshark", "-r", capture, "-Y", "tcp.dstport == 4444", "-T", "fields", "-e", "tcp.payload");
        Assert.Contains(Convert.ToHexStringLower("BEACON-4711\n"u8), packets, StringComparison.Ordinal);
        Assert.Contains("pcapng", RealEngine.Run("capinfos", capture), StringComparison.Ordinal);

        JsonElement core = Lines(bundle, "memory/cores.jsonl").Single(row => row.GetProperty("pid").GetInt32() == implant.Pid);
        string path = Path.Combine(terminal.Folder, "beacon.core");
        RealEngine.Run("zstd", "-dqf", Find(bundle, "memory/" + Text(core, "core")), "-o", path);
        string gdb = RealEngine.Run("gdb", "-nx", "-batch", "-ex", "info threads", "-ex", "thread apply all bt", MemoryProgram.Executable, path);
        Assert.Contains("beacon_reports (", gdb, StringComparison.Ordinal);
        Assert.Contains("alpha_calls ()", gdb, StringComparison.Ordinal);
        Assert.True(File.ReadAllBytes(path).AsSpan().IndexOf("MARK-beacon-4711"u8) >= 0);
        string notes = RealEngine.Run("sh", "-c", $"readelf -n '{path}' 2>&1");
        Assert.DoesNotContain("arning", notes, StringComparison.Ordinal);
        Assert.DoesNotContain("rror", notes, StringComparison.Ordinal);
        using JsonDocument freeze = JsonDocument.Parse(Bytes(bundle, "memory/freeze.json"));
        Assert.Equal("frozen", Text(freeze.RootElement, "outcome"));
        Assert.Equal("running", implant.Container.Inspect("{{.State.Status}}"));

        Assert.Equal(0, await terminal.RunAsync("verify", bundle));
    }

    [Fact]
    public async Task Is_in_the_memory_of_implants_alone_when_that_is_asked_for_in_profile_triage()
    {
        using TestContainer drop = RealEngine.Start([], "sh", "-c", "sleep 1000 | nc -l -p 4445 >/dev/null");
        await RealEngine.Until(() => (File.ReadAllText($"/proc/{drop.InitPid}/net/tcp") + File.ReadAllText($"/proc/{drop.InitPid}/net/tcp6")).Contains(":115D ", StringComparison.Ordinal), "a listener");
        using MemoryProgram implant = await MemoryProgram.Start($"beacon {drop.Inspect("{{.NetworkSettings.IPAddress}}")} 4445");
        RealEngine.Docker("exec", "-d", implant.Id, "sleep", "1000");
        terminal.Variables["CIR_PASSPHRASE"] = "a long passphrase";

        int code = await terminal.RunAsync(
            "acquire", implant.Id, "--case", "B-2", "--profile", "triage", "--memory", "implants", "--freeze", "never", "--endpoint", RealEngine.Endpoint, "--out", terminal.Folder,
            "--skip", "image", "--skip", "host", "--skip", "rootfs-diff", "--skip", "events");

        Assert.True(code is 0 or 4, terminal.Error);
        string bundle = Directory.GetDirectories(terminal.Folder, "EV-*").Single();
        List<JsonElement> cores = Lines(bundle, "memory/cores.jsonl");
        Assert.Equal(2, cores.Count);
        Assert.Equal(implant.Pid, Assert.Single(cores, row => row.GetProperty("core").ValueKind == JsonValueKind.String).GetProperty("pid").GetInt32());
        Assert.Contains("  memory ", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("effect: memory:", terminal.Error, StringComparison.Ordinal);
    }

    // Sections are numbered by their place in the run: only the name is asked for.
    private static string Find(string bundle, string item)
    {
        string[] parts = item.Split('/', 2);
        return Path.Combine(Directory.GetDirectories(Path.Combine(bundle, "data"), "*-" + parts[0]).Single(), parts[1]);
    }

    private static byte[] Bytes(string bundle, string item)
    {
        string path = Find(bundle, item);
        if (!item.EndsWith(".zst", StringComparison.Ordinal))
        {
            return File.ReadAllBytes(path);
        }

        string plain = Path.GetTempFileName();
        RealEngine.Run("zstd", "-dqf", path, "-o", plain);
        byte[] bytes = File.ReadAllBytes(plain);
        File.Delete(plain);
        return bytes;
    }

    private static List<JsonElement> Lines(string bundle, string item) =>
        [.. Encoding.UTF8.GetString(Bytes(bundle, item)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    private static string Text(JsonElement row, string name) => row.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static int Number(JsonElement row, string name) => row.TryGetProperty(name, out JsonElement value) ? int.Parse(value.GetRawText(), CultureInfo.InvariantCulture) : 0;
}
