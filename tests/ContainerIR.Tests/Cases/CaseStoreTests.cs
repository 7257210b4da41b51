using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Tests.Bundles;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>The folder and database of a case.</summary>
public sealed class A_case : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private CaseHome Home => new(folder.Path);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Is_one_folder_that_only_its_owner_can_enter()
    {
        using CaseStore store = CaseStore.Create(Home, "IR-7", new CaseFacts("Jane", "shop"), TimeProvider.System);

        Assert.Equal(Path.Combine(folder.Path, "cases", "IR-7"), store.Folder);
        Assert.True(File.Exists(Path.Combine(store.Folder, "case.db")));
        Assert.True(Directory.Exists(store.BundlesFolder));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(store.Folder));
    }

    [Fact]
    public void Is_made_once()
    {
        CaseStore.Create(Home, "IR-7", new CaseFacts(null, null), TimeProvider.System).Dispose();

        OperatorException problem = Assert.Throws<OperatorException>(() => CaseStore.Create(Home, "IR-7", new CaseFacts(null, null), TimeProvider.System));

        Assert.Contains("exists", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("-rf")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("a\u001b[2J")]
    [InlineData("ä")]
    [InlineData("12345678901234567890123456789012345678901")]
    public void Has_an_id_that_is_safe_as_a_folder_name(string id)
    {
        OperatorException problem = Assert.Throws<OperatorException>(() => CaseStore.Create(Home, id, new CaseFacts(null, null), TimeProvider.System));

        Assert.DoesNotContain('\u001b', problem.Message);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "cases")));
    }

    [Fact]
    public void That_does_not_exist_is_named_with_those_that_do()
    {
        CaseStore.Create(Home, "IR-1", new CaseFacts(null, null), TimeProvider.System).Dispose();

        OperatorException problem = Assert.Throws<OperatorException>(() => CaseStore.Open(Home, "IR-2"));

        Assert.Contains("IR-2", problem.Message, StringComparison.Ordinal);
        Assert.Contains("IR-1", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Is_listed_with_who_opened_it_and_a_damaged_one_with_its_problem()
    {
        CaseStore.Create(Home, "IR-1", new CaseFacts("Jane", null), TimeProvider.System).Dispose();
        CaseStore.Create(Home, "IR-2", new CaseFacts(null, null), TimeProvider.System).Dispose();
        File.WriteAllBytes(Path.Combine(folder.Path, "cases", "IR-2", "case.db"), [.. Enumerable.Repeat((byte)7, 5000)]);

        IReadOnlyList<CaseSummary> cases = CaseStore.List(Home);

        Assert.Equal(["IR-1", "IR-2"], cases.Select(each => each.Id));
        Assert.Equal("Jane", cases[0].Examiner);
        Assert.Null(cases[0].Problem);
        Assert.Contains("damaged", cases[1].Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Opened_for_reading_reads_while_another_writes_and_cannot_write()
    {
        using CaseStore writer = CaseStore.Create(Home, "IR-7", new CaseFacts("Jane", null), TimeProvider.System);
        using SqliteTransaction transaction = writer.Connection.BeginTransaction(deferred: false);
        CaseDatabase.Execute(writer.Connection, """UPDATE "case" SET examiner = 'Mallory'""", transaction);
        using CaseStore reader = CaseStore.OpenReadOnly(Home, "IR-7");

        Assert.Equal("Jane", CaseReader.ReadOverview(reader).Examiner);
        Assert.Throws<SqliteException>(() => CaseDatabase.Execute(reader.Connection, """UPDATE "case" SET examiner = 'Eve'"""));
        transaction.Commit();
        Assert.Equal("Mallory", CaseReader.ReadOverview(reader).Examiner);
    }

    [Fact]
    public async Task Lets_a_second_writer_wait_for_the_first()
    {
        using CaseStore first = CaseStore.Create(Home, "IR-7", new CaseFacts("0", null), TimeProvider.System);
        using CaseStore second = CaseStore.Open(Home, "IR-7");
        static void Count(CaseStore store)
        {
            for (int i = 0; i < 100; i++)
            {
                using SqliteTransaction transaction = store.Connection.BeginTransaction(deferred: false);
                CaseDatabase.Execute(store.Connection, """UPDATE "case" SET examiner = examiner + 1""", transaction);
                transaction.Commit();
            }
        }

        await Task.WhenAll(Task.Run(() => Count(first)), Task.Run(() => Count(second)));

        Assert.Equal("200", CaseReader.ReadOverview(first).Examiner);
    }

    [Fact]
    public void Is_one_file_when_nobody_holds_it_open()
    {
        CaseStore.Create(Home, "IR-7", new CaseFacts(null, null), TimeProvider.System).Dispose();

        Assert.Equal(["case.db"], Directory.GetFiles(Home.FolderOf("IR-7")).Select(path => Path.GetFileName(path)));
    }

    [Fact]
    public void Of_a_newer_version_is_not_touched()
    {
        using (CaseStore store = CaseStore.Create(Home, "IR-7", new CaseFacts(null, null), TimeProvider.System))
        {
            CaseDatabase.Execute(store.Connection, $"PRAGMA user_version = {Migrations.All.Count + 1}");
        }

        Assert.Contains("newer version", Assert.Throws<OperatorException>(() => CaseStore.Open(Home, "IR-7")).Message, StringComparison.Ordinal);
        Assert.Contains("newer version", Assert.Throws<OperatorException>(() => CaseStore.OpenReadOnly(Home, "IR-7")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Comes_to_the_present_shape_from_each_earlier_version()
    {
        using CaseStore present = CaseStore.Create(Home, "PRESENT", new CaseFacts(null, null), TimeProvider.System);
        for (int version = 0; version < Migrations.All.Count; version++)
        {
            string id = $"V{version}";
            string old = Home.FolderOf(id);
            Directory.CreateDirectory(old);
            using (SqliteConnection connection = new($"Data Source={Path.Combine(old, "case.db")};Pooling=False"))
            {
                connection.Open();
                foreach (string step in Migrations.All.Take(version))
                {
                    CaseDatabase.Execute(connection, step);
                }

                CaseDatabase.Execute(connection, $"PRAGMA user_version = {version}");
                if (version > 0)
                {
                    CaseDatabase.Execute(connection, $"PRAGMA application_id = {Migrations.ApplicationId}");
                }
            }

            using CaseStore store = CaseStore.Open(Home, id);
            Assert.Equal(SchemaOf(present), SchemaOf(store));
        }
    }

    // What was released is never edited: a case of that version would come out in another shape than one made now.
    [Theory]
    [InlineData(1, "e5f2eaa3ab488ada99c1cc4c93ca17a1bd551f735106feed2920bcce56a8a58c")]
    [InlineData(2, "45f8bdc3bdbac7e659360f8358c0712b71c04150eb6a73da337bd48c5fddf1fb")]
    public void Was_brought_to_each_shape_by_a_step_that_is_never_edited(int version, string sha256) =>
        Assert.Equal(sha256, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Migrations.All[version - 1]))));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Of_an_earlier_version_keeps_what_it_holds_and_is_searched(int version)
    {
        MakeOfVersion(version);
        Assert.Contains("older version", Assert.Throws<OperatorException>(() => CaseStore.OpenReadOnly(Home, "OLD")).Message, StringComparison.Ordinal);

        using CaseStore store = CaseStore.Open(Home, "OLD");

        CaseOverview seen = CaseReader.ReadOverview(store);
        Assert.Equal(("Jane", "shop", 1), (seen.Examiner, seen.Reason, seen.Bundles.Count));
        Assert.Equal(("web", 2L, "Permission denied"), (seen.Bundles[0].ContainerName, seen.Bundles[0].ProcessCount, seen.Bundles[0].Gaps[0].Reason));
        Assert.Equal(version >= 2 ? 1 : 0, seen.Casebook.Rows);
        Assert.Null(seen.Bundles[0].Score);
        using CaseSearch search = new(store);
        Assert.Equal([("log", 7L)], search.Find(SearchQuery.OfText("an old line"), CancellationToken.None).Select(hit => (hit.Kind, hit.Row!.Value)));
        Assert.Equal([("path", 3L)], search.Find(SearchQuery.OfPath("/tmp/x"), CancellationToken.None).Select(hit => (hit.Kind, hit.Row!.Value)));
        Assert.Equal([("process", 2L)], search.Find(SearchQuery.OfText("xmrig"), CancellationToken.None).Select(hit => (hit.Kind, hit.Row!.Value)));
        Assert.Equal([("socket", 1L)], search.Find(SearchQuery.OfAddress("203.0.113.9"), CancellationToken.None).Select(hit => (hit.Kind, hit.Row!.Value)));
        Assert.Equal([SomeIndexedBundle.Name], search.NotSearchedWhole());
        Assert.Equal(["an old line of the log"], TimelineReader.Read(store, new TimelineQuery { Grep = "OLD LINE" }).Select(row => row.Message));

        // The folder of the old bundle was not kept: filling anew leaves what bundles there are, and the record.
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        RebuiltIndex rebuilt = await CaseIndexer.RebuildAsync(store, CaseFindings.Judge, CancellationToken.None);
        Assert.Equal([bundle.Path], rebuilt.Indexed.Select(each => each.BundlePath));
        Assert.Equal(seen.Casebook.Rows, CaseReader.ReadOverview(store).Casebook.Rows);
        Assert.NotNull(CaseReader.ReadOverview(store).Bundles[0].Score);
    }

    private void MakeOfVersion(int version)
    {
        string old = Home.FolderOf("OLD");
        Directory.CreateDirectory(Path.Combine(old, "bundles"));
        using SqliteConnection connection = new($"Data Source={Path.Combine(old, "case.db")};Pooling=False");
        connection.Open();
        foreach (string step in Migrations.All.Take(version))
        {
            CaseDatabase.Execute(connection, step);
        }

        CaseDatabase.Execute(connection, $"PRAGMA user_version = {version}; PRAGMA application_id = {Migrations.ApplicationId}");
        CaseDatabase.Execute(connection, $"""
            INSERT INTO "case" VALUES (1, 'OLD', 1700000000000000000, 'Jane', 'shop');
            INSERT INTO bundle (id, uid, folder, root_sha256, container_name, opened_at_ns, sealed_at_ns) VALUES (4, 'u', '{SomeIndexedBundle.Name}', 'r', 'web', 1, 1800000000000000000);
            INSERT INTO item (id, bundle_id, path, collector, source, volatility_rank, status, stored_bytes, raw_bytes, sha256, raw_sha256, opened_at_ns, closed_at_ns)
                VALUES (9, 4, 'data/0001-logs/index.jsonl.zst', 'logs', 'a file', 6, 'complete', 1, 1, 'a', 'b', 1, 2);
            INSERT INTO gap (bundle_id, collector, sought, reason, at_ns) VALUES (4, 'logs', 'x', 'Permission denied', 1);
            INSERT INTO timeline (at_ns, meaning, source, message, bundle_id, item_id, row) VALUES (1700000000000000001, 'logged', 'log', 'an old line of the log', 4, 9, 7);
            INSERT INTO diff_entry (bundle_id, item_id, row, path, display, verdict, kind) VALUES (4, 9, 3, CAST('/tmp/x' AS BLOB), '/tmp/x', 'added', 'file');
            INSERT INTO process (bundle_id, item_id, row, pid, name, exe_deleted, command, signs) VALUES (4, 9, 1, 1, 'sh', 0, 'sh', ''), (4, 9, 2, 2, 'kworker', 0, './xmrig -o pool', '');
            INSERT INTO socket (bundle_id, item_id, row, protocol, remote_address, remote_port, host_side) VALUES (4, 9, 1, 'tcp', '203.0.113.9', 4444, 0);
            """);
        if (version >= 2)
        {
            CaseDatabase.Execute(connection, $"INSERT INTO casebook VALUES (1, 5, 'case', 1, 'note', '{{}}', '{new string('0', 64)}', 'h')");
        }
    }

    [Fact]
    public void Is_not_some_other_database()
    {
        string other = Home.FolderOf("IR-7");
        Directory.CreateDirectory(other);
        using (SqliteConnection connection = new($"Data Source={Path.Combine(other, "case.db")};Pooling=False"))
        {
            connection.Open();
            CaseDatabase.Execute(connection, "CREATE TABLE photos (name TEXT)");
        }

        Assert.Contains("not a case", Assert.Throws<OperatorException>(() => CaseStore.Open(Home, "IR-7")).Message, StringComparison.Ordinal);
        Assert.Contains("not a case", Assert.Throws<OperatorException>(() => CaseStore.OpenReadOnly(Home, "IR-7")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Has_strict_tables_and_checks_foreign_keys()
    {
        using CaseStore store = CaseStore.Create(Home, "IR-7", new CaseFacts(null, null), TimeProvider.System);

        Assert.Throws<SqliteException>(() => CaseDatabase.Execute(store.Connection, "INSERT INTO gap (bundle_id, collector, sought, reason, at_ns) VALUES (99, 'a', 'b', 'c', 1)"));
        Assert.Throws<SqliteException>(() => CaseDatabase.Execute(store.Connection, """UPDATE "case" SET created_at_ns = 'soon'"""));
        Assert.Equal(
            0, CaseDatabase.Scalar(store.Connection, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND strict = 0"));
    }

    private static List<string> SchemaOf(CaseStore store)
    {
        using SqliteCommand read = store.Connection.CreateCommand();
        read.CommandText = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
        using SqliteDataReader row = read.ExecuteReader();
        List<string> schema = [];
        while (row.Read())
        {
            schema.Add(row.GetString(0));
        }

        return schema;
    }
}
