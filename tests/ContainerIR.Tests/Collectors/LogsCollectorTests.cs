using System.Text;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Rows;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

public sealed class Collected_logs
{
    [Fact]
    public async Task Hold_every_file_bit_by_bit_and_no_forged_time()
    {
        using Trap trap = new("log-forgery");
        string path = trap.Inspect("{{.LogPath}}");
        await RealEngine.Until(() => File.Exists(path + ".1.gz") || File.Exists(path + ".2.gz"), "compressed rotation");
        using FolderSink sink = await Engine.Collect(trap.ContainerName, context => new LogsCollector(context));
        Assert.Equal(File.ReadAllBytes(path), sink.Read("container-json.log.zst"));
        Assert.Contains(sink.Items, item => item.Path.EndsWith(".gz", StringComparison.Ordinal));
        foreach (string gz in sink.Items.Select(item => item.Path).Where(item => item.EndsWith(".gz", StringComparison.Ordinal)))
        {
            Assert.Equal(File.ReadAllBytes(path + gz["container-json.log".Length..]), sink.Read(gz));
        }

        List<LogRow> rows = Rows(sink);
        Assert.All(rows, row => Assert.True(row.TimeNs > 1_700_000_000_000_000_000, row.Text));
        Assert.All(rows, row => Assert.DoesNotContain(row.Text, char.IsControl));
        Assert.Contains(rows, row => row.Text.StartsWith("line 39999 ", StringComparison.Ordinal));
        List<string> lines = [.. rows.Select(row => row.Text).Where(text => text.StartsWith("line ", StringComparison.Ordinal))];
        int first = int.Parse(lines[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(Enumerable.Range(first, lines.Count).Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture)), lines.Select(text => text.Split(' ')[1]));
    }

    [Fact]
    public async Task Join_a_long_line_and_flag_what_the_driver_lost()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "head -c 204800 /dev/zero | tr '\\0' a; echo; printf 'bad\\377\\n'; printf 'real\\rFAKE\\n'; echo oops >&2; echo done; sleep 1000");
        await Written(container, "done");
        using FolderSink sink = await Engine.Collect(container.Id, context => new LogsCollector(context));
        List<LogRow> rows = Rows(sink);
        LogRow large = rows.Single(row => row.TextBytes == 204801);
        Assert.Equal((13, 4096), (large.Pieces, large.Text.Length));
        Assert.Contains(LogFlags.Cut, large.Flags);
        Assert.Equal([LogFlags.ReplacedBytes], rows.Single(row => row.Text.StartsWith("bad", StringComparison.Ordinal)).Flags);
        Assert.Equal([LogFlags.Controls], rows.Single(row => row.Text == "real\\rFAKE").Flags);
        Assert.Equal("stderr", rows.Single(row => row.Text == "oops").Stream);
        Assert.Empty(sink.Gaps);
    }

    [Theory]
    [InlineData("sed -i /secret/d")]
    [InlineData("rm")]
    public async Task Hold_what_the_engine_wrote_after_its_file_was_replaced_or_removed(string tamper)
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "echo first; echo secret; while ! [ -e /go ]; do sleep 0.1; done; echo later; sleep 1000");
        await Written(container, "secret");
        string path = container.Inspect("{{.LogPath}}");
        RealEngine.Run("sh", "-c", $"{tamper} {path}");
        container.Exec("touch /go");
        using FolderSink sink = await EventuallyLater(container);
        Assert.Contains("secret", Encoding.UTF8.GetString(sink.Read("container-json.log.held-1.zst")), StringComparison.Ordinal);
        Assert.Equal(["first", "secret", "later"], Rows(sink).Select(row => row.Text));
        using JsonDocument summary = JsonDocument.Parse(sink.Read("logs.json"));
        Assert.Contains(summary.RootElement.GetProperty("notes").EnumerateArray(), note => note.GetString()!.Contains("the engine's descriptor", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Are_decoded_from_the_local_driver()
    {
        using TestContainer container = RealEngine.Start(["--log-driver", "local"], "sh", "-c", "head -c 40000 /dev/zero | tr '\\0' a; echo; printf 'b\\377\\n'; echo done; sleep 1000");
        await RealEngine.Until(() => RealEngine.Docker("logs", container.Id).Contains("done", StringComparison.Ordinal), "output");
        using FolderSink sink = await Engine.Collect(container.Id, context => new LogsCollector(context));
        List<LogRow> rows = Rows(sink);
        Assert.Equal([40000, 2, 4], rows.Select(row => row.TextBytes));
        Assert.Equal("b\\xff", rows[1].Text);
        Assert.All(rows, row => Assert.NotNull(row.TimeNs));
    }

    [Theory]
    [InlineData("json-file")]
    [InlineData("local")]
    public async Task Are_complete_from_the_first_line_still_on_disk_to_the_last(string driver)
    {
        using TestContainer container = RealEngine.Start(
            ["--log-driver", driver, "--log-opt", "max-size=40k", "--log-opt", "max-file=4", "--log-opt", "compress=true"],
            "sh", "-c", "i=0; while [ $i -lt 6000 ]; do echo line $i of the output; i=$((i+1)); done; echo done; sleep 1000");
        string folder = Path.Combine(RealEngine.Docker("info", "-f", "{{.DockerRootDir}}").Trim(), "containers", container.Id);
        string current = driver == "local" ? Path.Combine(folder, "local-logs", "container.log") : container.Inspect("{{.LogPath}}");
        await RealEngine.Until(() => RealEngine.Docker("logs", "--tail", "1", container.Id).Contains("done", StringComparison.Ordinal) && File.Exists(current + ".3.gz"), "rotations and the last line");
        await RealEngine.Until(() => !File.Exists(current + ".1") && !File.Exists(current + ".2"), "compression");
        using FolderSink sink = await Engine.Collect(container.Id, context => new LogsCollector(context));
        List<LogRow> rows = Rows(sink);
        Assert.Equal("done", rows[^1].Text);

        // zcat and strings are the other witness: the oldest file's first line.
        string oldest = RealEngine.Run("sh", "-c", $"zcat {current}.3.gz | strings | grep -o 'line [0-9]* of' | head -1").Trim();
        int first = Number(oldest);
        Assert.True(first > 0);
        Assert.Equal(Enumerable.Range(first, 6000 - first), rows.SkipLast(1).Select(row => Number(row.Text)));
        Assert.Equal(4, rows.Select(row => row.File).Distinct().Count());
        Assert.All(rows, row => Assert.Empty(row.Flags));
        Assert.Equal(File.ReadAllBytes(current), sink.Read((driver == "local" ? "container.log" : "container-json.log") + ".zst"));
        Assert.Equal(3, sink.Items.Count(item => item.Path.EndsWith(".gz", StringComparison.Ordinal)));
        Assert.Empty(sink.Gaps);
    }

    [Fact]
    public async Task Point_to_log_files_in_the_writable_layer_and_in_volumes()
    {
        using TestContainer container = RealEngine.Start(["-v", "/data"], "sh", "-c", "echo a > /var/log/app.txt; mkdir -p /data/logs; echo b > /data/logs/access; echo c > /data/other; echo d > /data/web.log; echo done; sleep 1000");
        await Written(container, "done");
        using FolderSink sink = await Engine.Collect(container.Id, context => new LogsCollector(context));
        using JsonDocument list = JsonDocument.Parse(sink.Read("log-files-inside.json"));
        Assert.Equal(["/data/logs/access", "/data/web.log", "/var/log/app.txt"], list.RootElement.GetProperty("files").EnumerateArray().Select(file => file.GetProperty("path").GetString()!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Say_that_the_driver_none_keeps_nothing()
    {
        using TestContainer container = RealEngine.Start(["--log-driver", "none"], "sleep", "1000");
        using FolderSink sink = await Engine.Collect(container.Id, context => new LogsCollector(context));
        Assert.Empty(sink.Items);
        Assert.Contains("none", Assert.Single(sink.Gaps).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fall_back_to_the_cache_of_a_remote_driver_and_say_so()
    {
        using TestContainer container = RealEngine.Start(["--log-driver", "syslog", "--log-opt", "syslog-address=udp://127.0.0.1:55514"], "sh", "-c", "echo cached; sleep 1000");
        await RealEngine.Until(() => RealEngine.Docker("logs", container.Id).Contains("cached", StringComparison.Ordinal), "output");
        using FolderSink sink = await Engine.Collect(container.Id, context => new LogsCollector(context));
        Assert.Equal(["cached"], Rows(sink).Select(row => row.Text));
        Assert.Contains(sink.Gaps, gap => gap.Sought.Contains("syslog", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Are_asked_of_the_engine_only_where_no_file_can_be_read()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "echo first; sleep 1000");
        await Written(container, "first");
        await using Engine engine = await Engine.Connect();
        ContainerIR.Runtimes.ContainerRef moved = (await engine.Runtime.ResolveAsync(container.Id, CancellationToken.None)) with { LogPath = "/no/such/file-json.log" };
        using FolderSink sink = new();
        await new LogsCollector(engine.Context).CollectAsync(moved, sink, CancellationToken.None);
        Assert.Contains("first", Encoding.UTF8.GetString(sink.Read("engine-output.zst")), StringComparison.Ordinal);
        Assert.StartsWith("FALLBACK", sink.Items.Single().Source, StringComparison.Ordinal);
        Assert.Contains(sink.Gaps, gap => gap.Sought == "/no/such/file-json.log");
    }

    [Fact]
    public async Task Leave_the_files_as_they_were()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "echo first; sleep 1000");
        await Written(container, "first");
        string path = container.Inspect("{{.LogPath}}");
        RealEngine.Run("touch", "-a", "-d", "2001-01-01", path);
        string before = RealEngine.Run("stat", "-c", "%x %y %z %i", path);
        using FolderSink sink = await Engine.Collect(container.Id, context => new LogsCollector(context));
        Assert.Equal(before, RealEngine.Run("stat", "-c", "%x %y %z %i", path));
    }

    private static List<LogRow> Rows(FolderSink sink)
    {
        using FileStream rows = File.OpenRead(sink.PathOf("index.jsonl.zst"));
        return [.. LogRow.Read(rows, line => Assert.Fail("a broken row at " + line.Offset))];
    }

    private static int Number(string line) => int.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);

    private static async Task Written(TestContainer container, string text) =>
        await RealEngine.Until(() => File.ReadAllText(container.Inspect("{{.LogPath}}")).Contains(text, StringComparison.Ordinal), text + " in the log");

    private static async Task<FolderSink> EventuallyLater(TestContainer container)
    {
        FolderSink? sink = null;
        await RealEngine.Until(
            () =>
            {
                sink?.Dispose();
                sink = Engine.Collect(container.Id, context => new LogsCollector(context)).GetAwaiter().GetResult();
                return Rows(sink).Any(row => row.Text == "later");
            },
            "the line written after the tampering");
        return sink!;
    }
}
