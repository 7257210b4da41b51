using System.Text;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors.Journals;

/// <summary>A real journald beside a real engine, in namespaces of their own: this machine's pid 1 need not be systemd.</summary>
public sealed class A_running_journal
{
    [Fact]
    public async Task Gives_the_output_of_a_container_and_the_engines_own_log()
    {
        Assert.SkipUnless(File.Exists("/lib/systemd/systemd-journald"), "no systemd-journald on this machine");
        using SecondEngine engine = new(hasJournal: true);
        string id = engine.Docker(
            "run", "-d", "--network", "none", "--log-driver", "journald", RealEngine.Image, "sh", "-c",
            "echo first; head -c 40000 /dev/zero | tr '\\0' a; echo; printf 'b\\377\\n'; echo oops >&2; echo done; exec sleep 1000").Trim();
        string other = engine.Docker("run", "-d", "--network", "none", "--log-driver", "journald", RealEngine.Image, "sh", "-c", "echo of-another; exec sleep 1000").Trim();
        await using IContainerRuntime runtime = RuntimeConnector.Find(engine.Endpoint);
        await using EventBacklog events = await runtime.CaptureEventsAsync(CancellationToken.None);
        CollectionContext context = new(runtime, events, Profile.Standard, TimeProvider.System);
        ContainerRef container = await runtime.ResolveAsync(id, CancellationToken.None);

        List<LogRow> rows = [];
        await RealEngine.Until(
            () =>
            {
                using FolderSink attempt = new();
                new LogsCollector(context).CollectAsync(container, attempt, CancellationToken.None).GetAwaiter().GetResult();
                return File.Exists(attempt.PathOf("index.jsonl.zst")) && Read(attempt).Any(row => row.Text == "done");
            },
            "the journal to have the last line");
        using FolderSink sink = new();
        await new LogsCollector(context).CollectAsync(container, sink, CancellationToken.None);
        rows = Read(sink);
        Assert.Equal(["first", "b\\xff", "done"], rows.Where(row => row.Stream == "stdout" && row.TextBytes < 1000).Select(row => row.Text));
        Assert.Equal(40000, rows.Single(row => row.TextBytes > 1000).TextBytes);
        Assert.Equal("oops", rows.Single(row => row.Stream == "stderr").Text);
        Assert.All(rows, row => Assert.DoesNotContain("foreign-sender", row.Flags));
        Assert.All(rows, row => Assert.True(row.TimeNs > 1_700_000_000_000_000_000, row.Text));
        byte[] export = sink.Read("container.journal-export.zst");
        Assert.True(export.AsSpan().IndexOf(Encoding.ASCII.GetBytes("CONTAINER_ID_FULL=" + id)) > 0);
        Assert.True(export.AsSpan().IndexOf("of-another"u8) < 0, "a neighbour's output");
        Assert.Empty(sink.Gaps);

        using FolderSink engines = new();
        await new EventsCollector(context).CollectAsync(container, engines, CancellationToken.None);
        string log = Encoding.Latin1.GetString(engines.Read("engine-log.journal-export.zst"));
        Assert.Contains("API listen on", log, StringComparison.Ordinal);
        Assert.DoesNotContain("of-another", log, StringComparison.Ordinal);
        Assert.DoesNotContain(other, log.Split('\n').Where(line => line.StartsWith("CONTAINER_ID_FULL=", StringComparison.Ordinal)).Select(line => line[18..]));
        using JsonDocument summary = JsonDocument.Parse(engines.Read("events-summary.json"));
        Assert.Equal("systemd journal", summary.RootElement.GetProperty("engine_log").GetString());
    }

    private static List<LogRow> Read(FolderSink sink)
    {
        using FileStream rows = File.OpenRead(sink.PathOf("index.jsonl.zst"));
        return [.. LogRow.Read(rows)];
    }
}
