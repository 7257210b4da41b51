using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Rows;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

/// <summary>Processes that are not what a list of processes shows.</summary>
public sealed class Odd_processes_of_a_container
{
    [Fact]
    public async Task Are_each_told_for_what_they_are()
    {
        using Trap trap = new("proc-odd");
        byte[] program = File.ReadAllBytes($"/proc/{trap.InitPid}/exe");

        using Capture capture = await Capture.Processes(trap.ContainerName);

        List<ProcessRow> rows = await capture.ProcessRows();
        List<JsonElement> lines = capture.Lines("processes.jsonl.zst");
        ProcessRow Named(string comm) => Assert.Single(rows, row => row.Comm == comm);
        JsonElement Line(string comm) => lines.Single(line => line.GetProperty("pid").GetInt32() == Named(comm).Pid);
        Assert.Equal(16, rows.Count);
        Assert.InRange(capture.Took, TimeSpan.Zero, TimeSpan.FromSeconds(20));

        // A dead leader: what its living thread shows stands in the row.
        Assert.Contains("dead-leader-live-threads", Named("zombie").Signs);
        Assert.Equal("/po", Named("zombie").ExecutablePath);
        Assert.NotEqual(0, Line("zombie").GetProperty("read_through_thread").GetInt32());

        JsonElement alone = Assert.Single(Line("threadns").GetProperty("differing_threads").EnumerateArray());
        Assert.Equal("alone", alone.GetProperty("comm").GetString());
        Assert.Contains(alone.GetProperty("differs").EnumerateArray(), what => what.GetString()!.StartsWith("namespace:net", StringComparison.Ordinal));

        Assert.Equal(4, Named("nested").NamespacePids.Count);
        Assert.Equal([2, 1], Named("nested").NamespacePids.Skip(2));

        JsonElement growing = Line("growing").GetProperty("fds").EnumerateArray().Single(fd => fd.TryGetProperty("deleted", out JsonElement gone) && gone.GetBoolean());
        Assert.StartsWith("GROWING-MARK\n", Encoding.ASCII.GetString(capture.Sink.Read(growing.GetProperty("item").GetString()!)), StringComparison.Ordinal);

        foreach (string comm in (string[])["sealed", "renamed"])
        {
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(program)), Named(comm).ExecutableSha256);
            Assert.Equal(program, capture.Sink.Read(Named(comm).ExecutableItem!));
        }

        Assert.True(Named("sealed").IsExecutableInMemory);
        Assert.Contains("exe-replaced", Named("renamed").Signs);
        Assert.Contains("traced", Named("tracee").Signs);
        Assert.Equal(["cir", "stay", "cir"], Named("cir").CommandLine);
        Assert.Contains("oversized-command-line", Named("hugeargs").Signs);
        Assert.Equal("hugeargs", Named("hugeargs").CommandLine[0]);
        Assert.All(Named("blankargs").CommandLine, argument => Assert.Empty(argument));
        string users = Line("mapped").GetProperty("namespaces").GetProperty("user").GetRawText();
        Assert.NotEqual(users, Line("cir").GetProperty("namespaces").GetProperty("user").GetRawText());
        Assert.Contains(rows, row => row.Comm == "hidepid");
    }

    [Fact]
    public async Task Whose_thread_alone_listens_elsewhere_show_that_socket_with_its_owner()
    {
        using Trap trap = new("proc-odd");

        using Capture capture = await Capture.Network(trap.ContainerName);

        SocketRow socket = Assert.Single(await capture.SocketRows(), row => row.LocalPort == 4551);
        Assert.Equal("LISTEN", socket.State);
        Assert.Equal("threadns", File.ReadAllText($"/proc/{Assert.Single(socket.Owners).Pid}/comm").TrimEnd('\n'));
        Assert.Equal(2, capture.Document("namespaces.json").GetProperty("namespaces").GetArrayLength());
    }

    [Fact]
    public async Task Are_found_sixty_four_control_groups_deep_and_by_names_of_any_form()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "sleep 1001 & exec sleep 1002");
        await RealEngine.Until(() => RealEngine.Docker("top", container.Id, "-o", "pid,args").Contains("sleep 1001", StringComparison.Ordinal), "both sleeps");
        string inner = RealEngine.Docker("top", container.Id, "-o", "pid,args").Split('\n').Single(line => line.Contains("sleep 1001", StringComparison.Ordinal)).Trim().Split(' ')[0];
        string top = "/sys/fs/cgroup/pids" + File.ReadAllLines($"/proc/{container.InitPid}/cgroup").Single(line => line.Contains(":pids:", StringComparison.Ordinal)).Split(':', 3)[2];
        // The kernel takes any name but one with a newline (kernel/cgroup/cgroup.c, cgroup_mkdir).
        Assert.Throws<IOException>(() => Directory.CreateDirectory(top + "/new\nline"));
        string deepest = top + "/a \u001b[2J:\\) S 1";
        for (int level = 1; level < 64; level++)
        {
            deepest += "/l";
        }

        Directory.CreateDirectory(deepest);
        try
        {
            File.WriteAllText(deepest + "/cgroup.procs", inner);

            using Capture capture = await Capture.Processes(container.Id);

            List<ProcessRow> rows = await capture.ProcessRows();
            Assert.Equal(2, rows.Count);
            Assert.Contains("cgroup", rows.Single(row => row.Pid == int.Parse(inner, CultureInfo.InvariantCulture)).MemberBy);
            Assert.DoesNotContain('\u001b', Encoding.UTF8.GetString(capture.Sink.Read("processes.jsonl.zst")));
        }
        finally
        {
            RealEngine.Run("kill", "-9", inner);
            await RealEngine.Until(() => File.ReadAllText(deepest + "/cgroup.procs").Length == 0, "the group to be empty");
            for (string folder = deepest; folder.Length > top.Length; folder = Path.GetDirectoryName(folder)!)
            {
                Directory.Delete(folder);
            }
        }
    }
}

/// <summary>Sockets that a plain list misreads.</summary>
public sealed class Odd_sockets_of_a_container
{
    [Fact]
    public async Task Are_each_listed_once_by_kind_state_and_owner()
    {
        using Trap trap = new("net-odd");

        using Capture capture = await Capture.Network(trap.ContainerName);

        List<SocketRow> rows = [.. (await capture.SocketRows()).Where(row => !row.IsHostSide)];
        Assert.Equal(2, rows.Where(row => row.LocalPort == 4560 && row.State == "LISTEN").Select(row => Assert.Single(row.Owners, owner => owner.Descriptor == 3).Pid).Distinct().Count());
        Assert.Contains(rows, row => row.RemotePort == 4561 && row.State == "FIN_WAIT2");
        Assert.Contains(rows, row => row.LocalPort == 4561 && row.State == "CLOSE_WAIT");
        Assert.Single(rows, row => row.Protocol == "udp" && row.RemotePort == 4562);
        Assert.Single(rows, row => row.Protocol == "packet");
        Assert.Single(rows, row => row.Protocol == "raw");
        string[] names = [.. rows.Where(row => row.Protocol == "unix" && row.State == "LISTEN").Select(row => row.Name!).Order(StringComparer.Ordinal)];
        Assert.Contains("\\x00\\x00a\\xff\\xfe", names);
        Assert.Contains(string.Concat(Enumerable.Repeat("\\x00", 108)), names);
        Assert.Contains("/tmp/x\\n\\x1b[2J", names);
        // Sent to nobody yet: an established connection that no descriptor holds.
        SocketRow flying = rows.Single(row => row.LocalPort == 4563 && row.State == "ESTABLISHED");
        Assert.Empty(flying.Owners);
        Assert.NotEqual(0, flying.Inode);
        Assert.Contains(rows, row => row.RemoteAddress == "127.0.0.1" && row.RemotePort == 4561 && row.State == "ESTABLISHED");
        Assert.Contains(rows, row => row.Protocol == "netlink" && row.Owners.Any(owner => owner.IsMember));
        Assert.Contains(rows, row => row.LocalPort == 4564 && row.State == "LISTEN");
        Assert.Contains(rows, row => row.RemotePort == 4565 && row.State == "TIME_WAIT" && row.Owners.Count == 0);
        Assert.Empty(capture.Sink.Gaps);
    }
}
