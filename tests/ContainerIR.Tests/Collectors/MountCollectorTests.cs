using System.Text;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Collectors.Mounts;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

/// <summary>What is mounted into a container, against the real engine.</summary>
public sealed class Mounts_of_a_container
{
    private static readonly string[] MayMount = ["--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"];

    [Fact]
    public async Task Are_all_the_engines_where_nobody_inside_mounted()
    {
        using TestContainer container = RealEngine.Start(["-v", "/data", "--tmpfs", "/scratch", "--mount", "type=tmpfs,destination=/fast"], "sleep", "1000");

        using FolderSink sink = await Engine.Collect(container.Id, context => new MountsCollector(context.Runtime));

        List<JsonElement> rows = Lines(sink, MountsCollector.RowsItem);
        Assert.DoesNotContain(rows, row => Text(row, "origin") is "not-configured" or "configured-but-missing");
        JsonElement volume = rows.Single(row => Text(row, "mount_point") == "/data");
        Assert.Equal("configured", Text(volume, "origin"));
        Assert.EndsWith("/_data", Text(volume.GetProperty("configuration"), "host_path"), StringComparison.Ordinal);
        Assert.Equal("runtime-specification", JsonDocument.Parse(sink.Read("mounts-summary.json")).RootElement.GetProperty("expected_by").GetString());
        Assert.Empty(sink.Gaps);
    }

    [Fact]
    public async Task Are_copied_where_they_live_in_memory_covered_ones_too()
    {
        using TestContainer container = RealEngine.Start([.. MayMount, "--tmpfs", "/scratch"], "sleep", "1000");
        container.Exec("""
            echo shm > /dev/shm/.implant; echo dev > /dev/hidden; printf 'a' > "/scratch/$(printf 'b\377')"; ln -s /etc/shadow /scratch/link; mkfifo /scratch/fifo
            mkdir /trick; echo under > /trick/under; mount -t tmpfs first /trick; echo hidden > /trick/hidden; mount -t tmpfs second /trick; echo shown > /trick/shown
            """);
        string before = File.ReadAllText($"/proc/{container.InitPid}/mountinfo");

        using FolderSink sink = await Engine.Collect(container.Id, context => new TmpfsCollector(context));
        using FolderSink table = await Engine.Collect(container.Id, context => new MountsCollector(context.Runtime));

        List<JsonElement> rows = Lines(sink, MountCopies.RowsItem);
        Assert.Equal("shm\n", ReadFrom(sink, Row(rows, "/dev/shm", false), ".implant"));
        Assert.Equal("dev\n", ReadFrom(sink, Row(rows, "/dev", false), "hidden"));
        Assert.Equal("shown\n", ReadFrom(sink, Row(rows, "/trick", false), "shown"));
        Assert.Equal("hidden\n", ReadFrom(sink, Row(rows, "/trick", true), "hidden"));
        Assert.Equal("not-configured", Text(Row(rows, "/trick", true), "origin"));
        Assert.Contains("prw-r--r--", TarList(sink, Row(rows, "/scratch", false)), StringComparison.Ordinal);
        Assert.Contains("/etc/shadow", TarList(sink, Row(rows, "/scratch", false)), StringComparison.Ordinal);
        Assert.Empty(sink.Gaps);
        Assert.Equal(2, Lines(table, MountsCollector.RowsItem).Count(row => Text(row, "origin") == "not-configured"));
        Assert.Equal(before, File.ReadAllText($"/proc/{container.InitPid}/mountinfo"));
    }

    [Fact]
    public async Task Are_found_in_namespaces_a_process_made_for_itself()
    {
        using TestContainer container = RealEngine.Start(MayMount, "sleep", "1000");
        RealEngine.Docker("exec", "-d", container.Id, "sh", "-c", "mkdir /nest; exec unshare -m sh -c 'mount -t tmpfs none /nest; echo secret > /nest/egg; touch /ready; exec sleep 1000'");
        await RealEngine.Until(() => File.Exists(Path.Combine(container.UpperDirectory, "ready")), "the nested mount");

        using FolderSink sink = await Engine.Collect(container.Id, context => new TmpfsCollector(context));

        JsonElement nest = Row(Lines(sink, MountCopies.RowsItem), "/nest", false);
        Assert.Equal("not-configured", Text(nest, "origin"));
        Assert.Equal("secret\n", ReadFrom(sink, nest, "egg"));
    }

    [Fact]
    public async Task Are_copied_as_volumes_with_names_and_attributes_and_leave_no_mark()
    {
        using HostileTree bound = new();
        bound.File("b\u00e9"u8, "one").Dir("sub"u8).File("sub/x\xff"u8, "two").Xattr("sub/x\xff"u8, "user.note"u8, "mine"u8).Node("sub/null"u8, 0x2000 | 0x1B6, 1, 3);
        bound.File("sub/old"u8, "three").Times("sub/old"u8, new(1_000_000_000, 5), new(1_000_000_000, 7));
        using TestContainer container = RealEngine.Start(["-v", $"{bound.Root}:/srv/bound", "-v", "/data", "-v", "/etc/hostname:/one-file:ro"], "sh", "-c", "echo kept > /data/file; exec sleep 1000");
        await RealEngine.Until(() => container.Exec("cat /data/file").Length > 0, "the file in the volume");
        SortedDictionary<string, string> times = TreeFacts.ReadTimes(bound.Root);

        using FolderSink sink = await Engine.Collect(container.Id, context => new VolumesCollector(context));

        List<JsonElement> rows = Lines(sink, MountCopies.RowsItem);
        JsonElement row = Row(rows, "/srv/bound", false);
        Assert.Equal(("bind", bound.Root), (Text(row, "configured_type"), Text(row, "host_path")));
        using HostileTree extracted = new();
        RealEngine.Run("sh", "-c", $"tar --warning=no-unknown-keyword --numeric-owner --xattrs --xattrs-include='*' -xpf '{sink.PathOf(Text(row, "tree") + ".tar.zst")}' -C '{extracted.Root}' 2>&1");
        Assert.Equal("", TreeFacts.Difference(times, TreeFacts.ReadTimes(bound.Root)));
        Assert.Equal("", TreeFacts.Difference(TreeFacts.Read(bound.Root), TreeFacts.Read(extracted.Root)));
        Assert.Equal("kept\n", ReadFrom(sink, Row(rows, "/data", false), "file"));
        Assert.Contains(sink.Gaps, gap => gap.Sought.Contains("/one-file", StringComparison.Ordinal) && gap.Reason.Contains("--mount /one-file", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Leave_the_hosts_disk_alone_unless_it_is_named()
    {
        using TestContainer container = RealEngine.Start(["-v", "/:/host:ro", "-v", "/etc/apt:/host-apt:ro", "-v", "/data"], "sleep", "1000");

        using FolderSink all = await Engine.Collect(container.Id, context => new VolumesCollector(context));
        using FolderSink named = await Engine.Collect(container.Id, context => new VolumesCollector(context with { Mounts = ["/host-apt/", "/nowhere"] }));

        Assert.Equal(["/data"], Lines(all, MountCopies.RowsItem).Where(row => row.TryGetProperty("tree", out _)).Select(row => Text(row, "mount_point")));
        Assert.Contains(all.Gaps, gap => gap.Sought.Contains("/host", StringComparison.Ordinal) && gap.Reason.Contains("--mount /host", StringComparison.Ordinal));
        Assert.Equal(["/host-apt"], Lines(named, MountCopies.RowsItem).Where(row => row.TryGetProperty("tree", out _)).Select(row => Text(row, "mount_point")));
        Assert.Single(named.Gaps, gap => gap.Sought.Contains("/nowhere", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Do_not_hold_the_collector_when_their_server_never_answers()
    {
        using Trap trap = new("proc-exe-fuse");
        await RealEngine.Until(() => File.ReadAllText($"/proc/{trap.InitPid}/mountinfo").Contains(" fuse ", StringComparison.Ordinal), "the FUSE mount");

        using FolderSink volumes = await Engine.Collect(trap.ContainerName, context => new VolumesCollector(context));
        using FolderSink table = await Engine.Collect(trap.ContainerName, context => new MountsCollector(context.Runtime));

        Assert.Contains(volumes.Gaps, gap => gap.Sought.Contains("fuse at /m", StringComparison.Ordinal) && gap.Reason.Contains("could wait for ever", StringComparison.Ordinal));
        JsonElement row = Lines(table, MountsCollector.RowsItem).Single(each => Text(each, "mount_point") == "/m");
        Assert.Equal(("not-configured", true), (Text(row, "origin"), row.GetProperty("may_block").GetBoolean()));
    }

    [Fact]
    public async Task Are_no_gap_where_a_file_of_the_container_lies_over_another_of_it()
    {
        using TestContainer container = RealEngine.Start(MayMount, "sh", "-c", "echo evil > /tmp/passwd; mount -o bind /tmp/passwd /etc/passwd; echo ready; exec sleep 1000");
        await RealEngine.Until(() => RealEngine.Docker("logs", container.Id).Contains("ready", StringComparison.Ordinal), "the mount");

        using FolderSink sink = await Engine.Collect(container.Id, context => new VolumesCollector(context));

        Assert.DoesNotContain(sink.Gaps, gap => gap.Sought.Contains("/etc/passwd", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Are_read_from_the_host_when_the_container_ends_during_the_acquisition()
    {
        using TestContainer container = RealEngine.Start(["-v", "/data"], "sleep", "1000");
        container.Exec("echo kept > /data/file");

        using FolderSink sink = await Engine.Collect(container.Id, context =>
        {
            RealEngine.Docker("restart", "-t", "0", container.Id);
            return new VolumesCollector(context);
        });

        Assert.Contains("is gone", Assert.Single(sink.Gaps).Reason, StringComparison.Ordinal);
        Assert.Contains("kept", Encoding.UTF8.GetString(sink.Read(Assert.Single(sink.Items, item => item.Path.EndsWith(".tar.zst", StringComparison.Ordinal)).Path)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Are_read_from_the_host_when_the_container_has_ended()
    {
        using TestContainer container = RealEngine.Start(["-v", "/data", "--mount", "type=tmpfs,destination=/fast"], "sh", "-c", "echo last > /data/words");
        await RealEngine.Until(() => container.Inspect("{{.State.Status}}") == "exited", "the end");

        using FolderSink sink = await Engine.Collect(container.Id, context => new VolumesCollector(context));

        Assert.Equal("last\n", ReadFrom(sink, Lines(sink, MountCopies.RowsItem).Single(), "words"));
        Assert.Contains(sink.Gaps, gap => gap.Sought.Contains("/fast", StringComparison.Ordinal) && gap.Reason.Contains("memory is gone", StringComparison.Ordinal));
    }

    private static List<JsonElement> Lines(FolderSink sink, string item) => [.. File.ReadLines(sink.PathOf(item)).Select(line => JsonDocument.Parse(line).RootElement)];

    private static string? Text(JsonElement row, string name) => row.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static JsonElement Row(List<JsonElement> rows, string mountPoint, bool isCovered) =>
        rows.Single(row => Text(row, "mount_point") == mountPoint && row.GetProperty("covered").GetBoolean() == isCovered);

    private static string ReadFrom(FolderSink sink, JsonElement row, string member) =>
        RealEngine.Run("tar", "-xOf", sink.PathOf(Text(row, "tree") + ".tar.zst"), member);

    private static string TarList(FolderSink sink, JsonElement row) => RealEngine.Run("tar", "-tvf", sink.PathOf(Text(row, "tree") + ".tar.zst"));
}
