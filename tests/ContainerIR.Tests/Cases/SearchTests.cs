using System.Text;
using ContainerIR.Acquisitions;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Bundles;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>A search in a case.</summary>
public sealed class A_search : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();
    private readonly CaseStore store;

    public A_search() => store = CaseStore.Create(new CaseHome(folder.Path), "IR-7", new CaseFacts("Jane", null), TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder, logLines: 20_000);
        await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);
    }

    public ValueTask DisposeAsync()
    {
        store.Dispose();
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void Names_case_bundle_item_and_row_of_a_log_line()
    {
        SearchHit hit = Assert.Single(Find(SearchQuery.OfText("get / 19999")));

        Assert.Equal(("IR-7", SomeIndexedBundle.Name, "data/0005-logs/index.jsonl.zst", 19_999, "log", "stdout: GET / 19999"), (hit.Case, hit.Bundle, hit.Item, hit.Row, hit.Kind, hit.Text));
        Assert.Equal(1_700_000_001_000_019_999, hit.AtNs);
    }

    [Theory]
    [InlineData("ET / 1234", 11)]
    [InlineData("nowhere at all", 0)]
    [InlineData("T /", 20_000)]
    [InlineData("100%", 0)]
    [InlineData("GET _ 1", 0)]
    public void Finds_every_line_that_holds_a_text_however_it_is_cut(string text, int count) =>
        Assert.Equal(count, Find(SearchQuery.OfText(text)).Count(hit => hit.Kind == "log"));

    [Fact]
    public void Reads_only_blocks_that_can_hold_the_text()
    {
        using TextFilter filter = new(store.Connection);
        long all = filter.RangesOf("timeline", null).Sum(range => range.Last - range.First + 1);

        long read = filter.RangesOf("timeline", "GET / 19999").Sum(range => range.Last - range.First + 1);

        Assert.True(all > 20_000, $"{all}");
        Assert.InRange(read, 1, all / 4);
    }

    [Fact]
    public void Finds_changed_files_by_name_and_shows_them_escaped()
    {
        SearchHit hit = Assert.Single(Find(SearchQuery.OfText(@"\x1b[2J\xff")), each => each.Kind == TextKinds.Path);

        Assert.StartsWith(@"added file /tmp/\x1b[2J\xffx 7 bytes sha256 aaaa", hit.Text, StringComparison.Ordinal);
        Assert.Equal(("data/0004-rootfs-diff/entries.jsonl.zst", 1), (hit.Item, hit.Row));
    }

    [Fact]
    public void Finds_processes_findings_and_the_record()
    {
        CaseWork.Record(store, Casebook.Note, "Jane", "", "the beacon of .x11/nc was seen by the proxy too");

        List<SearchHit> hits = Find(SearchQuery.OfText(".X11/nc"));

        Assert.Contains(hits, hit => hit.Kind == TextKinds.Process && hit.Text.StartsWith("pid 4242 ", StringComparison.Ordinal) && hit.Row == 1);
        Assert.Contains(hits, hit => hit.Kind == TextKinds.Finding && hit.Text.Contains("CIR-", StringComparison.Ordinal));
        Assert.Contains(hits, hit => hit.Kind == TextKinds.Record && hit.Bundle is null && hit.Row == 1);
        Assert.Contains(hits, hit => hit.Kind == TextKinds.Socket);
    }

    [Fact]
    public void Finds_a_digest_of_a_changed_file_of_a_running_program_and_of_an_item()
    {
        string item = ReadText("SELECT raw_sha256 FROM item WHERE path LIKE '%sockets.jsonl'");

        Assert.Contains(Find(SearchQuery.OfHash(new string('A', 64))), hit => hit.Kind == TextKinds.Path && hit.Row == 1);
        Assert.Contains(Find(SearchQuery.OfHash(new string('b', 64))), hit => hit.Kind == TextKinds.Process && hit.Row == 1);
        Assert.Contains(Find(SearchQuery.OfHash(item)), hit => hit is { Kind: TextKinds.Item, Item: "data/0002-network/sockets.jsonl" });
        Assert.Empty(Find(SearchQuery.OfHash(new string('c', 32))));
    }

    [Theory]
    [InlineData("203.0.113.9", true)]
    [InlineData("203.0.113.9:4444", true)]
    [InlineData("::ffff:203.0.113.9", true)]
    [InlineData("203.0.113.9:4445", false)]
    [InlineData("203.0.113.90", false)]
    [InlineData("03.0.113.9", false)]
    public void Finds_an_address_and_no_other(string address, bool isThere)
    {
        if (SearchQuery.ParseAddress(address) is null)
        {
            Assert.Throws<OperatorException>(() => SearchQuery.OfAddress(address));
            return;
        }

        Assert.Equal(isThere, Find(SearchQuery.OfAddress(address)).Any(hit => hit.Kind == TextKinds.Socket && hit.Row == 1));
    }

    [Theory]
    [InlineData("/srv", 1)]
    [InlineData("/srv/audit.log", 1)]
    [InlineData("/srv/audit", 0)]
    [InlineData("audit.log", 1)]
    [InlineData("/s*/*.log", 1)]
    [InlineData("/srv/audit.lo?", 1)]
    public void Finds_a_path_what_is_beneath_it_and_patterns(string path, int count) =>
        Assert.Equal(count, Find(SearchQuery.OfPath(path)).Count(hit => hit.Kind == TextKinds.Path));

    [Fact]
    public void Finds_a_program_that_runs_without_its_file() =>
        Assert.Contains(Find(SearchQuery.OfPath("/tmp/.x11/nc")), hit => hit.Kind == TextKinds.Process);

    [Theory]
    [InlineData("GET / 1234[0-9]$", 10)]
    [InlineData("^stdout: GET / 77$", 1)]
    [InlineData("(?i)get / 19999", 1)]
    [InlineData("G?GET / 19999|no", 1)]
    public void Finds_regular_expressions(string pattern, int count) => Assert.Equal(count, Find(SearchQuery.OfRegex(pattern)).Count(hit => hit.Kind == "log"));

    [Theory]
    [InlineData("abc*def", "def")]
    [InlineData("abc+x", "abc")]
    [InlineData("a(bcd)?ef[0-9]g", "ef")]
    [InlineData("a|b", null)]
    [InlineData("(?i)abc", null)]
    [InlineData(@"a\.b\d+c", "a.b")]
    [InlineData("[a-z-[aeiou]]abc", null)]
    [InlineData("[]a]bc", "bc")]
    [InlineData("x{0}", null)]
    [InlineData("😀*", null)]
    [InlineData(@"\x41bc", null)]
    public void Asks_the_filter_for_what_every_match_of_an_expression_holds(string pattern, string? literal) => Assert.Equal(literal, RegexLiteral.Of(pattern));

    [Theory]
    [InlineData("(?=a)b")]
    [InlineData("(")]
    public void Says_which_expression_it_cannot_search(string pattern) => Assert.Throws<OperatorException>(() => SearchQuery.OfRegex(pattern));

    [Fact]
    public async Task Finds_the_same_in_a_case_of_an_older_version()
    {
        List<SearchHit> before = Find(SearchQuery.OfText("GET / 1234"));

        // Rows without any filter: what the migration says of an older case.
        CaseDatabase.Execute(store.Connection, "DELETE FROM text_slice; UPDATE text_group SET starts = NULL");

        Assert.Equal(before, Find(SearchQuery.OfText("GET / 1234")));
        await CaseIndexer.RebuildAsync(store, CaseFindings.Judge, CancellationToken.None);
        Assert.Equal(before, Find(SearchQuery.OfText("GET / 1234")));
    }

    [Fact]
    public async Task Finds_the_environment_of_processes_and_of_the_configuration_and_masked_secrets()
    {
        await using BundleWriter writer = BundleWriter.Open(SomeBundle.Options(store.BundlesFolder, "EV-IR-7-20261123T120000Z-host-dddddddddddd"));
        await Add(writer, "processes", "processes.jsonl.zst", """{"pid":1,"ppid":0,"comm":"sh","cmdline":["sh"],"environ":["DB_PASSWORD=hunter2","PATH=/bin"]}""");
        await Add(writer, "configuration", "inspect.json", """{"Config":{"Env":["CONFIGURED=yes\u001b"]}}""");
        await Add(writer, "secrets", "secrets.jsonl", """{"kind":"password","name":"DB_PASSWORD","where":"environment of pid 1","masked":"h*****2"}""");
        SealedBundle bundle = await writer.SealAsync();
        await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);

        Assert.Equal("DB_PASSWORD=hunter2", Assert.Single(Find(SearchQuery.OfText("hunter2"))).Text);
        Assert.Contains(Find(SearchQuery.OfText("db_password")), hit => hit.Kind == TextKinds.Secret && hit.Text.Contains("h*****2", StringComparison.Ordinal));
        Assert.Equal(@"CONFIGURED=yes\x1b", Assert.Single(Find(SearchQuery.OfText("configured="))).Text);
    }

    private static async Task Add(BundleWriter bundle, string collector, string name, string text)
    {
        IEvidenceSink section = bundle.OpenSection(collector, 3);
        await section.AddAsync(name, Encoding.UTF8.GetBytes(text + "\n"), new ItemOptions("made by a test", name.EndsWith(".zst", StringComparison.Ordinal) ? ItemForm.Frames : ItemForm.Plain), CancellationToken.None);
    }

    private List<SearchHit> Find(SearchQuery query)
    {
        using CaseSearch search = new(store);
        return [.. search.Find(query, CancellationToken.None)];
    }

    private string ReadText(string sql)
    {
        using SqliteCommand read = store.Connection.CreateCommand();
        read.CommandText = sql;
        return (string)read.ExecuteScalar()!;
    }
}
