using System.Diagnostics;
using System.Text.Json;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Exporters;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Exporters;

/// <summary><c>cir export</c>: each format by what other people's software says of it.</summary>
public sealed class An_export : IAsyncLifetime, IDisposable
{
    private readonly SomeTerminal terminal = new();
    private SealedBundle bundle = null!;

    public async ValueTask InitializeAsync() => bundle = await SomeHandoutBundle.MakeAsync(terminal.Folder);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose() => terminal.Dispose();

    public static TheoryData<string> Formats => [.. ExporterList.All.Select(each => each.Name).Except(["cyclonedx", "oci"])];

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Is_a_bag_that_names_the_signed_root_and_passes_every_check_of_its_format(string format)
    {
        string bag = await ExportAsync(format);

        Assert.Contains($"ContainerIR-Derived-From: {SomeHandoutBundle.Name} tagmanifest-sha256 {bundle.RootSha256}", File.ReadAllText(Path.Combine(bag, "bag-info.txt")), StringComparison.Ordinal);
        FormatCheck.Run(format, bag);
        int listed = File.ReadAllLines(Path.Combine(bag, "manifest-sha256.txt")).Length;
        Assert.Equal(listed, Directory.EnumerateFiles(Path.Combine(bag, "data"), "*", SearchOption.AllDirectories).Count());
        Assert.True(listed > 0);
        Assert.Empty(Directory.EnumerateDirectories(Path.GetDirectoryName(bag)!, "*.partial"));
    }

    [Theory]
    [InlineData("cyclonedx", "no bill of materials")]
    [InlineData("oci", "the image's configuration")]
    public async Task Of_what_the_bundle_does_not_hold_is_no_empty_bag(string format, string why)
    {
        string place = Path.Combine(terminal.Folder, "nothing");
        Assert.Equal(2, await terminal.RunAsync("export", format, bundle.Path, "--out", place));
        Assert.Contains(why, terminal.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(place, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Of_mactime_gives_every_time_of_every_file_to_mactime()
    {
        string body = FileOf(await ExportAsync("mactime"), "mactime.body");
        string[] lines = File.ReadAllLines(body);
        Assert.Equal(13, lines.Length);
        Assert.Contains("|1794999100.250000000|1794999900.500000000|1794999900.500000000", lines[0], StringComparison.Ordinal);

        string timeline = FormatCheck.Mactime(body);

        Assert.Contains("/tmp/a|b%7Cc,\"d\" (added)", timeline, StringComparison.Ordinal);
        Assert.Contains("/srv/audit|log (before: deleted)", timeline, StringComparison.Ordinal);
        Assert.Contains("r/rrwsr-xr-x", timeline, StringComparison.Ordinal);
        Assert.Contains("""/tmp/two\nlines\r\n0|forged""", timeline, StringComparison.Ordinal);

        // One line an instant of a file and a header: 8 files with three instants each, the mark with two, what it hid with one, /etc/passwd's change
        // and what it was before, the far link; mactime orders times as text, and a link in the year 540000 is as good to it as any. Unknown times are 0.
        Assert.Contains("1 times before 1970", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_timesketch_is_csv_and_json_that_agree()
    {
        string csv = FileOf(await ExportAsync("timesketch-csv"), "timesketch.csv");
        string jsonl = FileOf(await ExportAsync("timesketch-jsonl"), "timesketch.jsonl");

        Validator.Python(
            """
            import csv, json, sys
            csv.field_size_limit(1 << 30)
            rows = list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))
            lines = [json.loads(line) for line in open(sys.argv[2], encoding='utf-8')]
            assert len(rows) == len(lines) > 40, (len(rows), len(lines))
            for row, line in zip(rows, lines):
                assert int(row['timestamp']) == line['timestamp']
                assert {k: str(v) for k, v in line.items()} == {k: v.lstrip("'") if k == 'command' else v for k, v in row.items() if v != ''}, (row, line)
            assert any('\n' not in row['path'] and '\\n' in row['path'] for row in rows)
            """,
            csv,
            jsonl);
    }

    [Fact]
    public async Task Gives_the_same_ids_each_time()
    {
        string first = File.ReadAllText(FileOf(await ExportAsync("ecs"), "ecs.jsonl"));
        string second = File.ReadAllText(FileOf(await ExportAsync("ecs"), "ecs.jsonl"));
        Assert.Equal(first, second);
        List<string> ids = [.. first.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetProperty("id").GetString()!)];
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Fact]
    public async Task Of_plaso_lays_logs_out_below_their_paths_and_nothing_outside()
    {
        string bag = await ExportAsync("plaso");
        string log = Path.Combine(bag, "data", SomeHandoutBundle.Name, "root/var/lib/docker/containers/cc/cc-json.log");
        Assert.Contains("GET / 1", File.ReadAllText(log), StringComparison.Ordinal);
        Assert.DoesNotContain("passwd", string.Join('\n', Directory.EnumerateFiles(terminal.Folder, "*", SearchOption.AllDirectories).Select(Path.GetFileName)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_tar_is_read_by_gnu_tar()
    {
        string tar = FileOf(await ExportAsync("tar"), "upper.tar");
        Assert.Equal("srv/hello\n", Validator.Run("/bin/tar", "-tf", tar));
    }

    [Fact]
    public async Task Of_case_is_json_ld_whose_graph_rdflib_can_ask()
    {
        string file = FileOf(await ExportAsync("case-uco"), "case.jsonld");
        Assert.True(FormatCheck.CaseUco(file) > 200);
        Validator.Python(
            """
            import sys, rdflib
            g = rdflib.Graph().parse(sys.argv[1], format='json-ld')
            P = '''PREFIX core: <https://ontology.unifiedcyberontology.org/uco/core/> PREFIX obs: <https://ontology.unifiedcyberontology.org/uco/observable/> '''
            one = lambda q: [r for r in g.query(P + q)]
            assert len(one('SELECT ?p WHERE { ?p a obs:Process ; core:hasFacet ?f . ?f obs:parent ?q . ?q a obs:Process }')) == 2
            assert len(one('SELECT ?c WHERE { ?c a obs:NetworkConnection ; core:hasFacet ?f . ?f obs:dst ?d . ?d a obs:IPv4Address }')) == 3
            """,
            file);
    }

    [Fact]
    public async Task Of_stix_has_the_properties_the_standard_demands_and_no_dangling_reference()
    {
        string file = FileOf(await ExportAsync("stix"), "stix.json");
        FormatCheck.Stix(file);
        HashSet<string> types = [.. JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("objects").EnumerateArray().Select(each => each.GetProperty("type").GetString()!)];
        Assert.Superset(new HashSet<string> { "file", "process", "network-traffic", "ipv4-addr" }, types);
    }

    [Fact]
    public async Task Of_ocsf_has_the_attributes_each_class_demands()
    {
        string file = FileOf(await ExportAsync("ocsf"), "ocsf.jsonl");
        Assert.Equal([0, 1001, 1007, 2004, 4001], FormatCheck.Ocsf(file));
    }

    [Fact]
    public async Task Is_refused_with_3_when_a_byte_of_the_bundle_changed()
    {
        string item = Directory.EnumerateFiles(bundle.Path, "sockets.jsonl", SearchOption.AllDirectories).Single();
        byte[] bytes = File.ReadAllBytes(item);
        bytes[10] ^= 1;
        File.WriteAllBytes(item, bytes);

        Assert.Equal(3, await terminal.RunAsync("export", "ecs", bundle.Path, "--out", Path.Combine(terminal.Folder, "out")));

        Assert.Contains("tampered", terminal.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(terminal.Folder, "out")));
    }

    [Fact]
    public async Task Of_a_case_holds_every_sealed_bundle_and_says_which_is_left_out()
    {
        await terminal.RunAsync("case", "new", "IR-7");
        string bundles = Path.Combine(terminal.Home, "cases", "IR-7", "bundles");
        await SomeHandoutBundle.MakeAsync(bundles, "EV-one");
        await SomeHandoutBundle.MakeAsync(bundles, "EV-two");
        SealedBundle broken = await SomeHandoutBundle.MakeAsync(bundles, "EV-three");
        File.Delete(Path.Combine(broken.Path, "tagmanifest-sha256.txt"));

        Assert.Equal(0, await terminal.RunAsync("export", "tar", "IR-7", "--out", Path.Combine(terminal.Folder, "out")));

        string bag = Directory.EnumerateDirectories(Path.Combine(terminal.Folder, "out")).Single();
        Assert.Equal(["EV-one", "EV-two"], Directory.EnumerateDirectories(Path.Combine(bag, "data")).Select(each => Path.GetFileName(each)!).Order());
        Assert.Contains("EV-three is not sealed and is left out", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_format_that_is_none_names_those_there_are()
    {
        Assert.Equal(2, await terminal.RunAsync("export", "xml", bundle.Path, "--out", terminal.Folder));
        Assert.Contains("mactime", terminal.Error, StringComparison.Ordinal);
    }

    private static string FileOf(string bag, string name) => Directory.EnumerateFiles(Path.Combine(bag, "data"), name, SearchOption.AllDirectories).Single();

    private async Task<string> ExportAsync(string format, string? path = null)
    {
        string place = Path.Combine(terminal.Folder, "out", Guid.NewGuid().ToString("N"));
        Assert.True(await terminal.RunAsync("export", format, path ?? bundle.Path, "--out", place) == 0, terminal.Error);
        return Directory.EnumerateDirectories(place).Single();
    }
}

/// <summary>The list of formats.</summary>
public sealed class The_list_of_exporters
{
    [Fact]
    public void Names_every_exporter_file()
    {
        string folder = Path.Combine(Repository.Root, "src", "ContainerIR", "Exporters");
        string list = File.ReadAllText(Path.Combine(folder, "ExporterList.cs"));
        Assert.DoesNotContain(
            Directory.EnumerateFiles(folder, "*Exporter.cs").Select(file => Path.GetFileNameWithoutExtension(file)!).Where(name => name != nameof(IExporter)),
            name => !list.Contains($"new {name}(", StringComparison.Ordinal));
        Assert.Equal(ExporterList.All.Count, ExporterList.All.Select(each => each.Name).Distinct().Count());
    }
}

/// <summary>Its memory is measured: nothing runs beside it.</summary>
[Collection(nameof(Collectors.Alone))]
public sealed class An_export_of_many_files
{
    [Fact]
    public async Task Holds_no_more_than_a_row_in_memory()
    {
        using SomeTerminal terminal = new();
        SealedBundle large = await SomeHandoutBundle.MakeAsync(terminal.Folder, "EV-large", extraFiles: 100_000);
        GC.Collect();
        long before = Process.GetCurrentProcess().WorkingSet64;

        Assert.Equal(0, await terminal.RunAsync("export", "stix", large.Path, "--out", Path.Combine(terminal.Folder, "out")));

        Assert.True(Directory.EnumerateFiles(Path.Combine(terminal.Folder, "out"), "stix.json", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length) > 50_000_000);
        Assert.True(Process.GetCurrentProcess().WorkingSet64 - before < 200_000_000);
    }
}
