using ContainerIR.Acquisitions;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Cli;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>A case whose database is damaged.</summary>
public sealed class A_damaged_case : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly SomeTerminal terminal = new();

    private CaseHome Home => new(terminal.Home);

    private string Database => Path.Combine(Home.FolderOf("IR-7"), "case.db");

    public void Dispose()
    {
        terminal.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Keeps_its_record_and_facts_when_other_pages_are_damaged()
    {
        await MakeAsync(notes: 5);
        OverwritePageOf("timeline");

        Assert.Equal(0, await terminal.RunAsync("case", "rebuild", "IR-7"));

        Assert.Contains("record was taken over: 6 rows", terminal.Error, StringComparison.Ordinal);
        using CaseStore store = CaseStore.OpenReadOnly(Home, "IR-7");
        CaseOverview seen = CaseReader.ReadOverview(store);
        Assert.Equal("Jane", seen.Examiner);
        Assert.Equal(["note 0", "note 1", "note 2", "note 3", "note 4"], seen.Casebook.Notes.Select(note => note.Text));
        Assert.Single(seen.Bundles);
        Assert.Empty(CasebookCheck.Run(store).Faults);
        Assert.Single(store.ListSetAside());
    }

    [Fact]
    public async Task Says_where_its_record_breaks_and_keeps_the_rest_beside_it()
    {
        await MakeAsync(notes: 5);
        Tamper("DROP TRIGGER casebook_update; UPDATE casebook SET line = replace(line, 'note 2', 'note X') WHERE line LIKE '%note 2%'");
        OverwritePageOf("timeline");

        Assert.Equal(0, await terminal.RunAsync("case", "rebuild", "IR-7"));

        Assert.Contains("3 rows could be taken over, then it breaks: row 4", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(3, await terminal.RunAsync("case", "check", "IR-7"));
        Assert.Contains("taken over from a damaged database", terminal.Out, StringComparison.Ordinal);
        using CaseStore store = CaseStore.OpenReadOnly(Home, "IR-7");
        Assert.Equal(["note 0", "note 1"], CaseReader.ReadOverview(store).Casebook.Notes.Select(note => note.Text));
        using SqliteConnection kept = new($"Data Source={store.ListSetAside()[0]};Mode=ReadOnly;Pooling=False");
        kept.Open();
        Assert.Equal(6, CaseDatabase.Scalar(kept, "SELECT count(*) FROM casebook"));
    }

    [Fact]
    public async Task Of_which_nothing_can_be_read_says_that_its_record_is_lost()
    {
        await MakeAsync(notes: 1);
        File.WriteAllBytes(Database, [.. Enumerable.Repeat((byte)7, 5000)]);

        Assert.Equal(0, await terminal.RunAsync("case", "rebuild", "IR-7"));

        Assert.Contains("0 rows could be taken over", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(3, await terminal.RunAsync("case", "check", "IR-7"));
    }

    [Fact]
    public async Task Is_named_by_the_doctor()
    {
        await MakeAsync(notes: 0);
        CaseStore.Create(Home, "IR-8", new CaseFacts(null, null), TimeProvider.System).Dispose();
        Tamper("PRAGMA foreign_keys = OFF; INSERT INTO gap (bundle_id, collector, sought, reason, at_ns) VALUES (99, 'a', 'b', 'c', 1)");

        await terminal.RunAsync("doctor");

        Assert.Contains("1 of 2 sound", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("1 rows of gap name a row of bundle that is not there", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("cir case rebuild IR-7", terminal.Out, StringComparison.Ordinal);
    }

    private async Task MakeAsync(int notes)
    {
        using CaseStore store = CaseStore.Create(Home, "IR-7", new CaseFacts("Jane", null), TimeProvider.System);
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder, logLines: 2000);
        await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);
        CaseWork.Record(store, Casebook.Acquired, "Jane", "", "acquired");
        for (int i = 0; i < notes; i++)
        {
            CaseWork.Record(store, Casebook.Note, "Jane", "", $"note {i}");
        }
    }

    private void Tamper(string sql)
    {
        using SqliteConnection connection = new($"Data Source={Database};Pooling=False");
        connection.Open();
        CaseDatabase.Execute(connection, sql);
    }

    private void OverwritePageOf(string table)
    {
        long page, size;
        using (SqliteConnection connection = new($"Data Source={Database};Pooling=False"))
        {
            connection.Open();
            page = CaseDatabase.Scalar(connection, $"SELECT rootpage FROM sqlite_schema WHERE name = '{table}'");
            size = CaseDatabase.Scalar(connection, "PRAGMA page_size");
        }

        using FileStream file = new(Database, FileMode.Open, FileAccess.ReadWrite);
        file.Position = (page - 1) * size;
        file.Write([.. Enumerable.Repeat((byte)0xAA, (int)size)]);
    }
}
