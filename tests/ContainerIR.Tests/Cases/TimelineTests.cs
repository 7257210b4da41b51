using System.Text;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Bundles;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>The timeline of a case.</summary>
public sealed class A_timeline : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly CaseStore store;

    public A_timeline() => store = CaseStore.Create(new CaseHome(folder.Path), "IR-7", new CaseFacts("Jane", null), TimeProvider.System);

    public void Dispose()
    {
        store.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Is_in_the_order_things_happened_over_all_bundles()
    {
        await IndexAsync(await SomeIndexedBundle.MakeAsync(store.BundlesFolder));
        await IndexAsync(await SomeIndexedBundle.MakeAsync(store.BundlesFolder, "EV-IR-7-20261122T110000Z-host-aaaaaaaaaaaa", logLines: 50));

        List<TimelineRow> rows = Read(new TimelineQuery());

        Assert.Equal(rows.Select(row => row.AtNs).Order(), rows.Select(row => row.AtNs));
        Assert.Equal(2, rows.Select(row => row.Bundle).Distinct().Count());
        Assert.Equal(53, rows.Count(row => row.Source == TimelineSources.Log));
    }

    [Fact]
    public async Task Names_the_line_of_the_item_that_says_so()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        await IndexAsync(bundle);

        TimelineRow exec = Assert.Single(Read(new TimelineQuery { Sources = [TimelineSources.Engine] }));

        Assert.Equal((1_700_000_000_000_000_001, "exec", "container exec_start: sh -c id web"), (exec.AtNs, exec.Meaning, exec.Message));
        Assert.Equal((SomeIndexedBundle.Name, "data/0001-events/events-parsed.jsonl", 1L), (exec.Bundle, exec.Item, exec.Row!.Value));
        Assert.True(File.Exists(Path.Combine(bundle.Path, exec.Item!)));
    }

    [Fact]
    public async Task Holds_the_four_times_of_a_file_and_those_it_had_before()
    {
        await IndexAsync(await SomeIndexedBundle.MakeAsync(store.BundlesFolder));

        List<TimelineRow> rows = Read(new TimelineQuery { Sources = [TimelineSources.File, TimelineSources.FileBefore], Grep = "/srv/audit.log" });

        Assert.Equal(
            [("file", "modified+accessed"), ("file-before", "modified+accessed"), ("file", "changed+born"), ("file-before", "changed+born")], rows.Select(row => (row.Source, row.Meaning)));
        Assert.Equal("before it was deleted: /srv/audit.log", rows[1].Message);
    }

    [Fact]
    public async Task Tells_what_was_done_to_take_the_evidence()
    {
        await IndexAsync(await SomeIndexedBundle.MakeAsync(store.BundlesFolder));

        List<TimelineRow> rows = Read(new TimelineQuery { Sources = [TimelineSources.Custody] });

        Assert.Equal("bundle.open", rows[0].Meaning);
        Assert.Contains(rows, row => row.Message == "item.close: data/0001-events/events-parsed.jsonl complete");
        Assert.All(rows, row => Assert.Equal("journal.jsonl", row.Item));
        Assert.Equal(1, rows[0].Row);
    }

    [Fact]
    public async Task Tells_when_an_image_was_built_and_when_a_socket_was_used()
    {
        SealedBundle sealedBundle;
        await using (BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(store.BundlesFolder, SomeIndexedBundle.Name)))
        {
            await AddAsync(bundle.OpenSection("image", 7), "image-history.json", """
                [{"Id":"sha256:a","Created":1700000100,"CreatedBy":"RUN apk add \u001b[2J","Comment":"buildkit"},{"Created":"soon"},{"Created":1600000000,"CreatedBy":"ADD rootfs"}]
                """);
            await AddAsync(bundle.OpenSection("network", 2), "sockets.jsonl", """
                {"netns":1,"protocol":"tcp","state":"ESTABLISHED","local":"172.17.0.2","local_port":40000,"remote":"203.0.113.9","remote_port":4444,"last_sent_ms":60000,"last_received_ms":90000000000000000,"owners":[{"pid":7,"fd":3,"member":true,"exe":"/tmp/nc"}]}
                {"netns":1,"protocol":"tcp","state":"LISTEN","local":"::","local_port":80,"remote":"::","remote_port":0,"last_sent_ms":5}

                """);
            sealedBundle = await bundle.SealAsync();
        }

        await IndexAsync(sealedBundle);

        Assert.Equal(["ADD rootfs", @"RUN apk add \x1b[2J (buildkit)"], Read(new TimelineQuery { Sources = [TimelineSources.Image] }).Select(row => row.Message));
        TimelineRow used = Assert.Single(Read(new TimelineQuery { Sources = [TimelineSources.Socket] }));
        Assert.Equal(("last-sent", "tcp ESTABLISHED 172.17.0.2:40000 -> 203.0.113.9:4444 pid 7 /tmp/nc", 1L), (used.Meaning, used.Message, used.Row!.Value));
        Assert.Equal(Instant.ToNanoseconds(sealedBundle.Items.Single(item => item.Path.EndsWith("sockets.jsonl", StringComparison.Ordinal)).OpenedAt) - 60_000_000_000, used.AtNs);
    }

    [Fact]
    public async Task Is_narrowed_by_time_source_text_and_number()
    {
        await IndexAsync(await SomeIndexedBundle.MakeAsync(store.BundlesFolder, logLines: 200));
        const long first = 1_700_000_001_000_000_001;

        Assert.Equal([first, first + 1, first + 2], Read(new TimelineQuery { FromNs = first, UntilNs = first + 2 }).Select(row => row.AtNs));
        Assert.Equal(["stdout: GET / 1", "stdout: GET / 10"], Read(new TimelineQuery { Grep = "get / 1", Sources = ["log", "engine"], Limit = 2 }).Select(row => row.Message));
        Assert.Empty(Read(new TimelineQuery { Grep = "GET %" }));
        Assert.Empty(Read(new TimelineQuery { Grep = "GET_/" }));
    }

    [Fact]
    public async Task Is_not_sorted_but_read_in_the_order_of_its_index()
    {
        await IndexAsync(await SomeIndexedBundle.MakeAsync(store.BundlesFolder));

        Assert.DoesNotContain(TimelineReader.Plan(store, new TimelineQuery()), step => step.Contains("TEMP B-TREE", StringComparison.Ordinal));
        Assert.DoesNotContain(TimelineReader.Plan(store, new TimelineQuery { Sources = ["log", "engine"], Grep = "a" }), step => step.Contains("TEMP B-TREE", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("2026-11-22", "2026-11-22T00:00:00Z")]
    [InlineData("2026-11-22T19:43", "2026-11-22T19:43:00Z")]
    [InlineData("2026-11-22 19:43:44.5", "2026-11-22T19:43:44.5Z")]
    [InlineData("2026-11-22T20:43:44+01:00", "2026-11-22T19:43:44Z")]
    public void Takes_an_instant_as_people_type_it(string typed, string meant) =>
        Assert.Equal(DateTimeOffset.Parse(meant, System.Globalization.CultureInfo.InvariantCulture), Instant.FromNanoseconds(TimelineQuery.ParseInstant(typed)));

    [Fact]
    public void Names_its_sources_when_asked_for_another()
    {
        Assert.Contains("engine-other", Assert.Throws<OperatorException>(() => TimelineQuery.CheckSource("engin")).Remedy, StringComparison.Ordinal);
        Assert.Throws<OperatorException>(() => TimelineQuery.ParseInstant("yesterday"));
    }

    [Fact]
    public async Task Of_one_bundle_leaves_nothing_behind()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(folder.Path);
        string place;
        using (TemporaryCase made = await TemporaryCase.OfAsync(bundle.Path, null, CancellationToken.None))
        {
            place = made.Store.Folder;
            Assert.NotEmpty(TimelineReader.Read(made.Store, new TimelineQuery()));
        }

        Assert.False(Directory.Exists(place));
        Assert.True(File.Exists(Path.Combine(bundle.Path, "bagit.txt")));
    }

    private static Task<EvidenceItem> AddAsync(IEvidenceSink sink, string name, string text) =>
        sink.AddAsync(name, Encoding.UTF8.GetBytes(text), new ItemOptions("made by a test", ItemForm.Plain), CancellationToken.None);

    private Task<IndexedBundle> IndexAsync(SealedBundle bundle) => CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);

    private List<TimelineRow> Read(TimelineQuery query) => [.. TimelineReader.Read(store, query)];
}
