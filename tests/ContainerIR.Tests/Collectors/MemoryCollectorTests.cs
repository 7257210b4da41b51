using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Linux;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

public sealed class Copied_memory
{
    [Theory]
    [InlineData(FreezePolicy.Auto, "frozen")]
    [InlineData(FreezePolicy.Never, "not-frozen")]
    public async Task Opens_in_gdb_with_threads_mappings_and_a_backtrace(FreezePolicy policy, string outcome)
    {
        using MemoryProgram program = await MemoryProgram.Start("threads");
        using FolderSink sink = await Collect(program.Id, MemoryScope.All, policy);
        JsonElement row = Row(sink, program.Pid);
        Assert.Equal(outcome, Freeze(sink).GetProperty("outcome").GetString());
        Assert.Equal(outcome == "frozen", row.GetProperty("frozen").GetBoolean());
        Assert.Equal(3, row.GetProperty("registers").GetProperty("ptrace").GetInt32());
        Assert.Empty(sink.Gaps);
        string gdb = Gdb(sink, row);
        Assert.Equal(3, ThreadsIn(gdb));
        foreach (string function in (string[])["beta_waits ()", "alpha_calls ()", "gamma_turns ()", "main (count=2", "in first ("])
        {
            Assert.Contains(function, gdb, StringComparison.Ordinal);
        }

        Assert.Contains("/program", gdb[gdb.IndexOf("Mapped address spaces", StringComparison.Ordinal)..], StringComparison.Ordinal);
        string notes = RealEngine.Run("sh", "-c", $"readelf -n -l '{Core(sink, row)}' 2>&1");
        Assert.DoesNotContain("arning", notes, StringComparison.Ordinal);
        Assert.DoesNotContain("rror", notes, StringComparison.Ordinal);
        Assert.Equal(3, Count(notes, "NT_PRSTATUS"));
        Assert.Equal(3, Count(notes, "NT_FPREGSET"));
        foreach (string note in (string[])["NT_PRPSINFO", "NT_AUXV", "NT_FILE"])
        {
            Assert.Equal(1, Count(notes, note));
        }

        Assert.True(Holds(sink, row, "MARK-heap-4711"));
        Assert.Equal("running", program.Container.Inspect("{{.State.Status}}"));
    }

    [Fact]
    public async Task Names_threads_as_they_are_named_inside()
    {
        using MemoryProgram program = await MemoryProgram.Start("threads");
        using FolderSink sink = await Collect(program.Id, MemoryScope.All, FreezePolicy.Auto);
        JsonElement row = Row(sink, program.Pid);
        Assert.Equal(1, row.GetProperty("inner_pid").GetInt32());
        Assert.Contains("LWP 1)", Gdb(sink, row), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_paused_container_has_the_registers_the_kernel_tells_and_leaves_it_paused()
    {
        using MemoryProgram program = await MemoryProgram.Start("threads");
        RealEngine.Docker("pause", program.Id);
        using FolderSink sink = await Collect(program.Id, MemoryScope.All, FreezePolicy.Always);
        Assert.Equal("already-frozen", Freeze(sink).GetProperty("outcome").GetString());
        JsonElement row = Row(sink, program.Pid);
        Assert.Equal(3, row.GetProperty("registers").GetProperty("syscall_file").GetInt32());
        string gdb = Gdb(sink, row);
        Assert.Equal(3, ThreadsIn(gdb));
        Assert.Contains("gamma_turns ()", gdb, StringComparison.Ordinal);
        Assert.DoesNotContain(sink.Effects, effect => effect.Contains("held", StringComparison.Ordinal));
        Assert.Equal("paused", program.Container.Inspect("{{.State.Status}}"));
        RealEngine.Docker("unpause", program.Id);
    }

    [Fact]
    public async Task Leaves_out_what_is_reserved_and_never_written()
    {
        using MemoryProgram program = await MemoryProgram.Start("reserve");
        using FolderSink sink = await Collect(program.Id, MemoryScope.All, FreezePolicy.Auto);
        JsonElement row = Row(sink, program.Pid);
        Assert.InRange(row.GetProperty("copied_bytes").GetInt64(), 1, 16L << 20);
        Assert.True(row.GetProperty("hole_bytes").GetInt64() > (1L << 40) + (63L << 30));
        Assert.InRange(new FileInfo(Core(sink, row)).Length, 1, 16L << 20);
        Assert.True(Holds(sink, row, "MARK-reserve-4711"));
        Assert.True(Holds(sink, row, "MARK-tebibyte-4711"));
    }

    [Fact]
    public async Task Of_implants_is_of_those_with_a_sign_alone()
    {
        using MemoryProgram program = await MemoryProgram.Start("implant");
        using FolderSink sink = await Collect(program.Id, MemoryScope.Implants, FreezePolicy.Auto);
        List<JsonElement> rows = Rows(sink);
        JsonElement planted = rows.Single(row => row.GetProperty("pid").GetInt32() == program.Pid);
        Assert.Contains("exe-in-memory", planted.GetProperty("signs").EnumerateArray().Select(sign => sign.GetString()));
        Assert.True(Holds(sink, planted, "MARK-planted-4711"));
        JsonElement sleep = rows.Single(row => row.GetProperty("comm").GetString() == "busybox");
        Assert.Equal(JsonValueKind.Null, sleep.GetProperty("core").ValueKind);
        Assert.Single(sink.Items, item => item.Path.StartsWith("cores/", StringComparison.Ordinal));
        // The implant's code lives nowhere else: its bytes are in the core, so gdb needs no file for them.
        Assert.Equal(0, planted.GetProperty("skipped_file_bytes").GetInt64());
        byte[] code = File.ReadAllBytes(MemoryProgram.Executable)[0x1000..0x2000];
        Assert.True(File.ReadAllBytes(Core(sink, planted)).AsSpan().IndexOf(code) > 0);
    }

    [Fact]
    public async Task Holds_changed_hidden_shared_and_nameless_pages_but_not_those_of_a_file_it_names()
    {
        using MemoryProgram program = await MemoryProgram.Start("pages");
        using FolderSink sink = await Collect(program.Id, MemoryScope.All, FreezePolicy.Auto);
        JsonElement row = Row(sink, program.Pid);
        foreach (string mark in (string[])["changed", "hidden", "untouched", "shared", "gone"])
        {
            Assert.True(Holds(sink, row, $"MARK-{mark}-4711"), mark);
        }

        Assert.InRange(new FileInfo(Core(sink, row)).Length, 1, 8L << 20);
        JsonElement skipped = row.GetProperty("skipped_files").EnumerateArray().Single(file => file.GetProperty("path").GetString() == "/program");
        Assert.True(skipped.GetProperty("skipped_bytes").GetInt64() > 0);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(MemoryProgram.Executable))), skipped.GetProperty("sha256").GetString());
        byte[] code = File.ReadAllBytes(MemoryProgram.Executable)[0x2000..0x3000];
        Assert.True(File.ReadAllBytes(Core(sink, row)).AsSpan().IndexOf(code) < 0);
        string[] mappings = Encoding.UTF8.GetString(sink.Read("mappings.jsonl.zst")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(row.GetProperty("mappings").GetInt32(), mappings.Count(line => line.Contains($"\"pid\":{program.Pid},", StringComparison.Ordinal)));
        Assert.Contains(mappings, line => line.Contains("[vvar", StringComparison.Ordinal) && line.Contains("\"treatment\":\"kernel\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Lacks_what_the_kernel_shows_nobody_and_says_so()
    {
        using MemoryProgram program = await MemoryProgram.Start("secret", "--security-opt", "seccomp=unconfined");
        Assert.SkipWhen(File.Exists($"/proc/{program.Pid}/root/none"), "this kernel has no memfd_secret");
        using FolderSink sink = await Collect(program.Id, MemoryScope.All, FreezePolicy.Auto);
        JsonElement row = Row(sink, program.Pid);
        Assert.True(Holds(sink, row, "MARK-plain-4711"));
        Assert.False(Holds(sink, row, "MARK-secret-4711"), "it never leaves the process");
        (string sought, string reason) = Assert.Single(sink.Gaps);
        Assert.Contains("1 mappings of secret memory", sought, StringComparison.Ordinal);
        Assert.Contains("nobody", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_more_segments_than_an_elf_header_counts_opens_in_readelf_and_gdb()
    {
        using MemoryProgram program = await MemoryProgram.Start("many");
        using FolderSink sink = await Collect(program.Id, MemoryScope.All, FreezePolicy.Auto);
        JsonElement row = Row(sink, program.Pid);
        long segments = row.GetProperty("segments").GetInt64();
        Assert.True(segments > 65_535, $"{segments} segments");
        string headers = RealEngine.Run("sh", "-c", $"readelf -h -l -W '{Core(sink, row)}' 2>&1");
        Assert.Equal(segments - 1, headers.Split('\n').Count(line => line.TrimStart().StartsWith("LOAD ", StringComparison.Ordinal)));
        Assert.Contains("beta_waits ()", Gdb(sink, row), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_process_whose_first_thread_is_dead_is_that_of_the_others()
    {
        using MemoryProgram program = await MemoryProgram.Start("dead-leader");
        using FolderSink sink = await Collect(program.Id, MemoryScope.All, FreezePolicy.Auto);
        JsonElement row = Rows(sink).Single(row => row.GetProperty("pid").GetInt32() != program.Pid);
        Assert.True(Holds(sink, row, "MARK-rest-4711"));
        Assert.Contains("dead_leader_rest ()", Gdb(sink, row), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_one_task_does_not_stop_names_it_and_holds_the_others()
    {
        using MemoryProgram program = await MemoryProgram.Start("uninterruptible", "--security-opt", "seccomp=unconfined", "--cap-add", "SYS_PTRACE");
        using FolderSink sink = await Collect(program.Id, MemoryScope.All, FreezePolicy.Auto);
        JsonElement freeze = Freeze(sink);
        Assert.Equal("freezing", freeze.GetProperty("outcome").GetString());
        JsonElement task = Assert.Single(freeze.GetProperty("unfrozen_tasks").EnumerateArray());
        Assert.Equal((program.Pid, true), (task.GetProperty("pid").GetInt32(), task.GetProperty("tid").GetInt32() != program.Pid));
        Assert.Contains(sink.Gaps, gap => gap.Sought.Contains("standstill of 1 task", StringComparison.Ordinal));
        Assert.Contains("beta_waits ()", Gdb(sink, Row(sink, program.Pid)), StringComparison.Ordinal);
        Assert.Equal(1, Count(File.ReadAllText($"{Path.GetDirectoryName(freeze.GetProperty("control").GetString()!)}/cgroup.events"), "frozen 0"));
    }

    [Fact]
    public async Task Of_a_stopped_container_is_a_gap()
    {
        using TestContainer container = RealEngine.Start([], "true");
        await RealEngine.Until(() => container.Inspect("{{.State.Status}}") == "exited", "the container to end");
        using FolderSink sink = await Collect(container.Id, MemoryScope.All, FreezePolicy.Auto);
        Assert.Contains("exited", Assert.Single(sink.Gaps).Reason, StringComparison.Ordinal);
        Assert.Empty(sink.Items);
    }

    [Fact]
    public async Task Of_a_supervised_container_is_taken_unfrozen_unless_told_otherwise()
    {
        using TestContainer container = RealEngine.Start(["--label", "autoheal=true", "--health-cmd", "true", "--health-interval", "1h"], "sleep", "1000");
        using FolderSink careful = await Collect(container.Id, MemoryScope.All, FreezePolicy.Auto);
        Assert.Equal("not-frozen", Freeze(careful).GetProperty("outcome").GetString());
        Assert.Contains("supervisor", Assert.Single(careful.Gaps).Reason, StringComparison.Ordinal);
        using FolderSink bold = await Collect(container.Id, MemoryScope.All, FreezePolicy.Always);
        Assert.Equal("frozen", Freeze(bold).GetProperty("outcome").GetString());
        Assert.Contains(bold.Effects, effect => effect.Contains("autoheal", StringComparison.Ordinal));
    }

    private static Task<FolderSink> Collect(string id, MemoryScope scope, FreezePolicy policy) => Engine.Collect(
        id,
        context => new MemoryCollector(scope, policy, context.Runtime, new Freezer(HiddenHost.Guard, context.Clock), context.Clock, TimeSpan.FromMinutes(2)));

    private static List<JsonElement> Rows(FolderSink sink) =>
        [.. Encoding.UTF8.GetString(sink.Read("cores.jsonl")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    private static JsonElement Row(FolderSink sink, int pid) => Rows(sink).Single(row => row.GetProperty("pid").GetInt32() == pid);

    private static JsonElement Freeze(FolderSink sink) => JsonDocument.Parse(sink.Read("freeze.json")).RootElement;

    private static string Core(FolderSink sink, JsonElement row) => sink.PathOf(row.GetProperty("core").GetString()!);

    private static bool Holds(FolderSink sink, JsonElement row, string mark) =>
        File.ReadAllBytes(Core(sink, row)).AsSpan().IndexOf(Encoding.ASCII.GetBytes(mark)) >= 0;

    private static string Gdb(FolderSink sink, JsonElement row) => RealEngine.Run(
        "gdb", "-nx", "-batch", "-ex", "info threads", "-ex", "thread apply all bt", "-ex", "info proc mappings", MemoryProgram.Executable, Core(sink, row));

    // Lines of "info threads": "* 1    Thread 0x7f… (LWP 1) …".
    private static int ThreadsIn(string gdb) => System.Text.RegularExpressions.Regex.Count(gdb, @"(?m)^[* ] \d+ +Thread 0x");

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
