using System.Diagnostics;
using System.Globalization;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Tests.Bundles;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>How fast a timeline of five million rows answers. Run by hand: tests/bench/timeline.sh.</summary>
public sealed class The_speed_of_a_timeline(ITestOutputHelper output)
{
    private const int Rows = 5_000_000;
    private const long Start = 1_700_000_000_000_000_000;
    private const long Step = 20_000_000;

    [Fact(Explicit = true)]
    public async Task Is_measured_on_five_million_rows()
    {
        using TemporaryFolder folder = new();
        using CaseStore store = CaseStore.Create(new CaseHome(folder.Path), "SPEED", new CaseFacts(null, null), TimeProvider.System);
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);
        Stopwatch fill = Stopwatch.StartNew();
        Fill(store);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"filled: {Rows / fill.Elapsed.TotalSeconds:N0} rows/s by the clock"));

        long middle = Start + (Rows / 2 * Step);
        Measure(store, "the first 1,000 rows", new TimelineQuery { Limit = 1000 }, 1000);
        Measure(store, "10 minutes in the middle", new TimelineQuery { FromNs = middle, UntilNs = middle + 600_000_000_000, Limit = 100_000 }, 30_000);
        Measure(store, "one source of 500 rows among 5 million", new TimelineQuery { Sources = [TimelineSources.Process] }, 500);
        Measure(store, "text in an hour", new TimelineQuery { FromNs = middle, UntilNs = middle + 3_600_000_000_000, Grep = "GET /path/77", Limit = 1000 }, 1);
        Measure(store, "text found early, first 1,000", new TimelineQuery { Grep = "get /path", Limit = 1000 }, 1000);
        Measure(store, "text that is nowhere, all 5 million read", new TimelineQuery { Grep = "nowhere at all" }, 0);
    }

    private static void Fill(CaseStore store)
    {
        long bundle = CaseDatabase.Scalar(store.Connection, "SELECT max(id) FROM bundle"), item = CaseDatabase.Scalar(store.Connection, "SELECT max(id) FROM item");
        using SqliteTransaction transaction = store.Connection.BeginTransaction(deferred: false);
        using Insert insert = new(store.Connection, "timeline", "at_ns", "meaning", "source", "message", "bundle_id", "item_id", "row");
        for (int i = 0; i < Rows; i++)
        {
            // In the order of files, not of time: that is how a diff is indexed.
            long at = Start + ((long)i * 7_368_787 % Rows * Step);
            (string source, string meaning) = i % 10_000 == 0 ? (TimelineSources.Process, "started") : i % 2 == 0 ? (TimelineSources.File, "modified") : (TimelineSources.Log, "logged");
            insert.Add(at).Add(meaning).Add(source).Add($"stdout: GET /path/{i} HTTP/1.1 200 from 10.0.{i % 256}.{i % 199}").Add(bundle).Add(item).Add(i).Run();
        }

        transaction.Commit();
    }

    private void Measure(CaseStore store, string what, TimelineQuery query, int atLeast)
    {
        Stopwatch watch = Stopwatch.StartNew();
        int rows = TimelineReader.Read(store, query).Count();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {rows:N0} rows, {watch.Elapsed.TotalMilliseconds:N0} ms"));
        Assert.True(rows >= atLeast, $"{what}: {rows}");
    }
}
