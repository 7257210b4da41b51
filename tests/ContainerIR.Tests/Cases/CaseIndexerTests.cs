using System.Globalization;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Tests.Bundles;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>The index of a case.</summary>
public sealed class The_index : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly CaseStore store;

    public The_index() => store = CaseStore.Create(new CaseHome(folder.Path), "IR-7", new CaseFacts("Jane", null), TimeProvider.System);

    public void Dispose()
    {
        store.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Says_what_the_bundle_says()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);

        IndexedBundle indexed = await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);

        BundleOverview seen = Assert.Single(CaseReader.ReadOverview(store).Bundles);
        Assert.Equal(bundle.RootSha256, seen.RootSha256);
        Assert.Equal(bundle.BundleId.ToString(), seen.BundleId);
        Assert.Equal(bundle.Items.Count, seen.Items);
        Assert.Equal(bundle.Items.Sum(item => item.RawBytes), seen.RawBytes);
        Assert.Equal(["Permission denied (errno 13)"], seen.Gaps.Select(gap => gap.Reason));
        Assert.Equal(new Dictionary<string, long> { ["added"] = 1, ["deleted"] = 1, ["modified"] = 1 }, seen.DiffByVerdict);
        Assert.Equal(3, seen.TimelineBySource["log"]);
        Assert.Equal(1, seen.TimelineBySource["engine"]);
        Assert.Contains(seen.Timeline, row => row.Message == "stdout: GET / 3" && row.Meaning == "logged");
        Assert.Equal(File.ReadAllLines(Path.Combine(bundle.Path, "journal.jsonl")).Length, CaseDatabase.Scalar(store.Connection, "SELECT count(*) FROM journal_entry"));
        Assert.True(indexed.Rows > 10);
    }

    [Fact]
    public async Task Holds_names_as_bytes_and_shows_them_escaped()
    {
        await IndexOneAsync();

        using SqliteCommand read = store.Connection.CreateCommand();
        read.CommandText = "SELECT path, display, mode, hex(sha256) FROM diff_entry WHERE verdict = 'added'";
        using SqliteDataReader row = read.ExecuteReader();
        Assert.True(row.Read());
        Assert.Equal(SomeIndexedBundle.HostilePath, (byte[])row[0]);
        Assert.Equal(@"/tmp/\x1b[2J\xffx", row.GetString(1));
        Assert.Equal(0b100_111_101_101, row.GetInt64(2));
        Assert.Equal(new string('A', 64), row.GetString(3));
    }

    [Fact]
    public async Task Shows_processes_and_sockets()
    {
        await IndexOneAsync();

        BundleOverview seen = CaseReader.ReadOverview(store).Bundles[0];
        Assert.Equal([4200, 4242], seen.Processes.Select(process => process.Pid));
        Assert.Equal("[httpd]", seen.Processes[0].Command);
        ProcessOverviewRow implant = seen.Processes[1];
        Assert.Equal((4200L, 1000L, true, "exe-deleted", @"/tmp/.x11/nc \x1b[2J"), (implant.ParentPid, implant.Uid, implant.ExecutableDeleted, implant.Signs, implant.Command));
        SocketOverviewRow beacon = Assert.Single(seen.Peers);
        Assert.Equal(("172.17.0.2:40000", "203.0.113.9:4444", 4242L, "public"), (beacon.Local, beacon.Remote, beacon.Pid, beacon.Peer));
        SocketOverviewRow listener = Assert.Single(seen.Listeners);
        Assert.Equal(("[::]:8080", (string?)null), (listener.Local, listener.Remote));
        Assert.Equal(["started"], Read("SELECT meaning FROM timeline WHERE source = 'process'"));
        Assert.Equal(9, CaseDatabase.Scalar(store.Connection, "SELECT ns_pid FROM process WHERE pid = 4242"));
    }

    [Fact]
    public async Task Knows_a_deleted_file_by_its_original()
    {
        await IndexOneAsync();

        Assert.Equal(1234, CaseDatabase.Scalar(store.Connection, "SELECT size FROM diff_entry WHERE verdict = 'deleted'"));
    }

    [Fact]
    public async Task Puts_equal_times_of_a_file_into_one_row()
    {
        await IndexOneAsync();

        Assert.Equal(
            ["modified+accessed", "changed+born"],
            Read("SELECT meaning FROM timeline WHERE source = 'file' AND message LIKE 'added%' ORDER BY at_ns"));
    }

    [Fact]
    public async Task Holds_an_instant_beyond_its_range_at_the_end()
    {
        await IndexOneAsync();

        Assert.Equal(long.MaxValue, CaseDatabase.Scalar(store.Connection, "SELECT mtime_ns FROM diff_entry WHERE verdict = 'modified'"));
        Assert.NotEmpty(CaseReader.ReadOverview(store).Bundles);
    }

    [Theory]
    [InlineData(2_000)]
    [InlineData(4_000)]
    [InlineData(100_000)]
    public async Task Holds_a_long_text_as_it_is_and_cuts_only_what_is_too_long(int length)
    {
        string sought = new('d', length);
        await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(store.BundlesFolder, SomeIndexedBundle.Name));
        bundle.OpenSection("packages", 1).AddGap(sought, "too deep");
        SealedBundle made = await bundle.SealAsync();

        await CaseIndexer.IndexAsync(store, made.Path, null, CancellationToken.None);

        string message = Assert.Single(Read("SELECT message FROM timeline WHERE meaning = 'item.error' OR meaning = 'gap'"));
        Assert.Contains(sought[..Math.Min(length, 3_900)], message, StringComparison.Ordinal);
        Assert.Equal(length <= 4_000, message.EndsWith("too deep", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Says_which_lines_it_left_out()
    {
        IndexedBundle indexed = await IndexOneAsync();

        Assert.Contains(indexed.Notes, note => note.Contains("index.jsonl.zst line 4", StringComparison.Ordinal));
        Assert.Contains(indexed.Notes, note => note.Contains("entries.jsonl.zst line 3", StringComparison.Ordinal));
        Assert.Equal(2, indexed.Notes.Count);
    }

    [Fact]
    public async Task Holds_what_the_analyzers_find_in_the_bundle()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        TriageReport report = Triage.Run(bundle.Path, CancellationToken.None);

        await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);

        BundleOverview seen = CaseReader.ReadOverview(store).Bundles[0];
        Assert.NotEmpty(report.Findings);
        Assert.Equal(report.Score, seen.Score);
        Assert.Equal(report.NotExamined.Count, seen.NotJudged);
        Assert.Equal(report.Findings.Count, seen.FindingsBySeverity.Values.Sum());
        Assert.Equal(
            report.Findings.Take(25).Select(finding => (finding.Rule.Id, finding.Where.Item, finding.Where.Row, finding.Where.Offset, $"{finding.Seen[0].Name}: {finding.Seen[0].Text}")),
            seen.Findings.Select(finding => (finding.Rule, finding.Item, finding.Row, finding.Offset, finding.Seen[0])));
        Assert.Contains(seen.Findings, finding => finding.Seen.Any(value => value.Contains("/tmp/.x11/nc", StringComparison.Ordinal)));
        Assert.Equal(seen.Findings.Select(finding => finding.Severity).Distinct(), seen.FindingsBySeverity.Keys.Where(word => seen.Findings.Any(finding => finding.Severity == word)));
    }

    [Fact]
    public async Task Says_of_a_bundle_nobody_judged_that_it_is_not_judged()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);

        await CaseIndexer.IndexAsync(store, bundle.Path, null, CancellationToken.None);

        Assert.Null(CaseReader.ReadOverview(store).Bundles[0].Score);
    }

    [Fact]
    public async Task Is_the_same_when_it_is_filled_again_from_the_bundles()
    {
        await SomeIndexedBundle.MakeAsync(store.BundlesFolder, "EV-IR-7-20261122T120000Z-host-bbbbbbbbbbbb");
        SealedBundle second = await SomeIndexedBundle.MakeAsync(folder.Path, "EV-IR-7-20261122T110000Z-host-aaaaaaaaaaaa", logLines: 5);
        foreach (string path in store.ListBundles().Append(second.Path))
        {
            await CaseIndexer.IndexAsync(store, path, CaseFindings.Judge, CancellationToken.None);
        }

        string before = Dump();
        RebuiltIndex rebuilt = await CaseIndexer.RebuildAsync(store, CaseFindings.Judge, CancellationToken.None);

        Assert.Equal(2, rebuilt.Indexed.Count);
        Assert.Empty(rebuilt.Skipped);
        Assert.Equal(before, Dump());
        Assert.Equal("Jane", CaseReader.ReadOverview(store).Examiner);
    }

    [Fact]
    public async Task Holds_a_bundle_once_however_often_it_is_indexed()
    {
        await IndexOneAsync();
        string before = Dump();

        await CaseIndexer.IndexAsync(store, store.ListBundles()[0], CaseFindings.Judge, CancellationToken.None);

        Assert.Equal(before, Dump());
    }

    [Fact]
    public async Task Links_a_bundle_that_is_kept_elsewhere()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(folder.Path);

        await CaseIndexer.IndexAsync(store, bundle.Path + "/", CaseFindings.Judge, CancellationToken.None);

        Assert.Equal(bundle.Path, new DirectoryInfo(Assert.Single(store.ListBundles())).LinkTarget);
    }

    [Fact]
    public async Task Takes_no_bundle_that_is_not_sealed()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        File.Delete(Path.Combine(bundle.Path, "tagmanifest-sha256.txt"));

        OperatorException problem = await Assert.ThrowsAsync<OperatorException>(() => CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None));

        Assert.Contains("not sealed", problem.Message, StringComparison.Ordinal);
        Assert.Equal([SomeIndexedBundle.Name], CaseReader.ReadOverview(store).NotIndexed);
    }

    [Theory]
    [InlineData("custody.json")]
    [InlineData("journal.jsonl")]
    public async Task Takes_no_bundle_whose_record_was_changed(string file)
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        File.AppendAllText(Path.Combine(bundle.Path, file), "\n");

        OperatorException problem = await Assert.ThrowsAsync<OperatorException>(() => CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None));

        Assert.Contains("not as it was sealed", problem.Message, StringComparison.Ordinal);
        Assert.Equal(0, CaseDatabase.Scalar(store.Connection, "SELECT (SELECT count(*) FROM bundle) + (SELECT count(*) FROM item) + (SELECT count(*) FROM timeline)"));
    }

    [Fact]
    public async Task Says_so_when_an_item_is_not_the_one_that_was_sealed()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        string item = Path.Combine(bundle.Path, "data/0001-events/events-parsed.jsonl");
        File.WriteAllText(item, File.ReadAllText(item).Replace("sh -c id", "sh -c ls", StringComparison.Ordinal));

        IndexedBundle indexed = await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);

        Assert.Contains(indexed.Notes, note => note.Contains("not the one that was sealed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Follows_no_link_out_of_a_bundle()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        string item = Path.Combine(bundle.Path, "data/0001-events/events-parsed.jsonl");
        string outside = Path.Combine(folder.Path, "outside.jsonl");
        File.Move(item, outside);
        File.CreateSymbolicLink(item, outside);

        IndexedBundle indexed = await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);

        Assert.Contains(indexed.Notes, note => note.Contains("symbolic link", StringComparison.Ordinal));
        Assert.False(CaseReader.ReadOverview(store).Bundles[0].TimelineBySource.ContainsKey("engine"));
    }

    [Fact]
    public async Task Says_so_when_frames_are_damaged()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        string item = Path.Combine(bundle.Path, "data/0005-logs/index.jsonl.zst");
        byte[] bytes = File.ReadAllBytes(item);
        bytes[20] ^= 0xff;
        File.WriteAllBytes(item, bytes);

        IndexedBundle indexed = await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);

        Assert.Contains(indexed.Notes, note => note.StartsWith("data/0005-logs/index.jsonl.zst: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reads_no_more_of_an_item_than_the_sealed_record_says()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder, logLines: 100_000);
        SealedBundleFiles files = SealedBundleFiles.Open(bundle.Path);

        using SealedContent content = files.OpenContent("data/0005-logs/index.jsonl.zst", "", rawBytes: 1000);

        Assert.Equal(1000, content.ReadAtLeast(new byte[5000], 5000, throwOnEndOfStream: false));
    }

    [Fact]
    public async Task That_is_damaged_is_set_aside_and_filled_again()
    {
        await IndexOneAsync();
        string before = Dump();
        CaseHome home = new(folder.Path);
        store.Dispose();
        File.WriteAllBytes(Path.Combine(store.Folder, "case.db"), [.. Enumerable.Repeat((byte)7, 5000)]);
        Assert.Contains("case rebuild IR-7", Assert.Throws<OperatorException>(() => CaseStore.Open(home, "IR-7")).Remedy, StringComparison.Ordinal);

        (CaseStore again, SalvagedRecord? salvaged) = CaseStore.OpenForRebuild(home, "IR-7", TimeProvider.System);
        using (again)
        {
            await CaseIndexer.RebuildAsync(again, CaseFindings.Judge, CancellationToken.None);
            Assert.True(File.Exists(salvaged?.KeptAs));
            Assert.NotNull(salvaged.BrokenBy);
            Assert.Equal(before, Dump(again));
        }
    }

    [Fact]
    public async Task Is_what_it_was_when_filling_it_again_is_interrupted()
    {
        await IndexOneAsync();
        string before = Dump();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CaseIndexer.RebuildAsync(store, CaseFindings.Judge, new CancellationToken(canceled: true)));

        Assert.Equal(before, Dump());
    }

    private async Task<IndexedBundle> IndexOneAsync()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        return await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);
    }

    private string Dump() => Dump(store);

    // Everything the index says, with bundle and item named by what they are and not by their number here.
    private static string Dump(CaseStore store)
    {
        List<string> lines = [];
        foreach (string table in Migrations.IndexTables)
        {
            string from = table switch
            {
                "bundle" => "SELECT *, uid AS bundle_uid, NULL AS item_path FROM bundle",
                "item" => "SELECT item.*, bundle.uid, NULL FROM item JOIN bundle ON bundle.id = item.bundle_id",
                "gap" or "journal_entry" or "index_note" or "finding" or "text_group" or "text_slice" => $"SELECT t.*, bundle.uid, NULL FROM {table} t JOIN bundle ON bundle.id = t.bundle_id",
                _ => $"SELECT t.*, bundle.uid, item.path FROM {table} t JOIN bundle ON bundle.id = t.bundle_id LEFT JOIN item ON item.id = t.item_id",
            };
            using SqliteCommand read = store.Connection.CreateCommand();
            read.CommandText = from;
            using SqliteDataReader row = read.ExecuteReader();
            List<string> rows = [];
            while (row.Read())
            {
                IEnumerable<string> values = Enumerable.Range(0, row.FieldCount)
                    .Where(i => row.GetName(i) is not ("id" or "bundle_id" or "item_id" or "group_id" or "first_id" or "last_id"))
                    .Select(i => row[i] is byte[] bytes ? Convert.ToHexString(bytes) : Convert.ToString(row[i], CultureInfo.InvariantCulture)!);
                rows.Add($"{table}|{string.Join('|', values)}");
            }

            rows.Sort(StringComparer.Ordinal);
            lines.AddRange(rows);
        }

        Assert.True(lines.Count > 10);
        return string.Join('\n', lines);
    }

    private List<string> Read(string sql)
    {
        using SqliteCommand read = store.Connection.CreateCommand();
        read.CommandText = sql;
        using SqliteDataReader row = read.ExecuteReader();
        List<string> values = [];
        while (row.Read())
        {
            values.Add(row.GetString(0));
        }

        return values;
    }
}
