using System.Text.Json;
using ContainerIR.Acquisitions;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Rows;
using ContainerIR.Tests.Bundles;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>The record of a case.</summary>
public sealed class The_casebook : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly CaseStore store;

    public The_casebook() => store = CaseStore.Create(Home, "IR-7", new CaseFacts("Jane", null), TimeProvider.System);

    private CaseHome Home => new(folder.Path);

    public void Dispose()
    {
        store.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Takes_rows_at_its_end_alone_and_gives_none_back()
    {
        Record(Casebook.Note, "first");
        Record(Casebook.Note, "second");

        foreach (string sql in (string[])
            [
                "UPDATE casebook SET line = 'x'", "DELETE FROM casebook", "INSERT OR REPLACE INTO casebook SELECT * FROM casebook WHERE seq = 1",
                "INSERT OR REPLACE INTO casebook SELECT 3, utc_ns, run, run_seq, event, line, (SELECT hash FROM casebook WHERE seq = 2), 'x' FROM casebook WHERE seq = 1",
                "INSERT INTO casebook VALUES (3, 0, 'r', 1, 'note', '{}', 'wrong', 'h')", "INSERT INTO casebook SELECT 9, 0, 'r', 1, 'note', '{}', hash, 'h' FROM casebook WHERE seq = 2",
            ])
        {
            Assert.Throws<SqliteException>(() => CaseDatabase.Execute(store.Connection, sql));
        }

        Assert.Equal(["first", "second"], Casebook.Read(store).Select(row => row.Result));
        Assert.Empty(CasebookCheck.Run(store).Faults);
    }

    [Theory]
    [InlineData("UPDATE casebook SET line = replace(line, 'second', 'sEcond') WHERE seq = 2", "row 2")]
    [InlineData("UPDATE casebook SET event = 'closed' WHERE seq = 2", "row 2")]
    [InlineData("DELETE FROM casebook WHERE seq = 2", "row 2 is missing")]
    public void Says_what_was_altered_behind_its_back(string sql, string fault)
    {
        Record(Casebook.Note, "first");
        Record(Casebook.Note, "second");
        Record(Casebook.Note, "third");
        CaseDatabase.Execute(store.Connection, "DROP TRIGGER casebook_update");
        CaseDatabase.Execute(store.Connection, "DROP TRIGGER casebook_delete");

        CaseDatabase.Execute(store.Connection, sql);

        Assert.Contains(CasebookCheck.Run(store).Faults, each => each.Contains(fault, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Cut_short_is_found_out_by_the_head_a_bundle_sealed()
    {
        Record(Casebook.Note, "first");
        Record(Casebook.Note, "second");
        await using (BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(store.BundlesFolder)))
        {
            CaseWork.SealHead(bundle, Home, "IR-7");
            await bundle.SealAsync();
        }

        Assert.Equal(1, CasebookCheck.Run(store).SealedHeads);
        CaseDatabase.Execute(store.Connection, "DROP TRIGGER casebook_delete");
        CaseDatabase.Execute(store.Connection, "DELETE FROM casebook WHERE seq = 2");

        Assert.Contains("no such row", Assert.Single(CasebookCheck.Run(store).Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void Passes_over_a_row_of_a_playbook_that_stands_there_and_refuses_another_in_its_place()
    {
        Casebook timeline = new(Home, "IR-7");
        PlaybookEvent row = SomeRow(1);

        timeline.Append(row);
        timeline.Append(row);

        Assert.Single(Casebook.Read(store));
        Assert.Throws<OperatorException>(() => timeline.Append(row with { Result = "another" }));
        Assert.Equal(JsonSerializer.Serialize(row.Command), JsonSerializer.Serialize(Casebook.Read(store).Single().Command));
        TimelineRow shown = Assert.Single(TimelineReader.Read(store, new TimelineQuery { Sources = [TimelineSources.Playbook] }));
        Assert.Equal(("executed", row.UtcNs), (shown.Meaning, shown.AtNs));
        Assert.DoesNotContain('\u001b', shown.Message);
    }

    [Fact]
    public void Of_a_closed_case_takes_nothing_but_its_opening()
    {
        Record(Casebook.Closed, "done");

        Assert.Contains("reopen", Assert.Throws<OperatorException>(() => Record(Casebook.Note, "late")).Remedy, StringComparison.Ordinal);
        Assert.Throws<OperatorException>(() => new Casebook(Home, "IR-7").Append(SomeRow(1)));
        Assert.Throws<OperatorException>(() => Casebook.RefuseIfClosed(store));
        Record(Casebook.Reopened, "new facts");
        Record(Casebook.Note, "late");

        Assert.Null(CaseReader.ReadOverview(store).Casebook.ClosedAt);
        Assert.Equal(["closed", "reopened", "note"], Casebook.Read(store).Select(row => row.Event));
    }

    [Fact]
    public async Task Outlives_a_rebuild_of_the_index()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        string name = Path.GetFileName(bundle.Path);
        CaseWork.Record(store, Casebook.Exhibit, "Jane", name, "EX-1");
        Record(Casebook.Tagged, "miner");
        Record(Casebook.Tagged, "false-alarm");
        Record(Casebook.Untagged, "false-alarm");
        Record(Casebook.Closed, "done");

        await CaseIndexer.RebuildAsync(store, CaseFindings.Judge, CancellationToken.None);

        CasebookOverview seen = CaseReader.ReadOverview(store).Casebook;
        Assert.Equal([new CaseExhibit("EX-1", name)], seen.Exhibits);
        Assert.Equal([new CaseTag("miner", "")], seen.Tags);
        Assert.Equal("done", seen.ClosedBecause);
        Assert.Equal(["Jane"], seen.People);
        Assert.Empty(CasebookCheck.Run(store).Faults);
    }

    [Fact]
    public async Task Is_one_chain_when_two_write_at_once()
    {
        async Task Write(string run)
        {
            await Task.Yield();
            Casebook timeline = new(Home, "IR-7");
            for (int i = 1; i <= 20; i++)
            {
                timeline.Append(SomeRow(i) with { RunId = run });
            }
        }

        await Task.WhenAll(Write("a"), Write("b"));

        CheckedCase seen = CasebookCheck.Run(store);
        Assert.Equal((40, 0), (seen.Rows, seen.Faults.Count));
    }

    private static PlaybookEvent SomeRow(long seq) => new()
    {
        Seq = seq,
        UtcNs = 1_700_000_000_000_000_000 + seq,
        MonotonicNs = seq,
        ClockState = "synchronised (TIME_OK)",
        CaseId = "IR-7",
        RunId = "run-1",
        Playbook = "cryptominer",
        PlaybookSha256 = new string('a', 64),
        Step = "isolate",
        Event = "executed",
        Actor = "Jane",
        ActorAuth = "login",
        Host = "host",
        Target = "web",
        Command = ["nft", "\u001b[2J"],
        Result = "done",
    };

    private CasebookHead Record(string word, string text) => CaseWork.Record(store, word, "Jane", "", text);
}
