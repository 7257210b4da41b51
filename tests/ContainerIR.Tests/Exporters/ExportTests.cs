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
    public async Task Is_a_bag_that_names_the_signed_root_and_passes_sha256sum(string format)
    {
        string bag = await ExportAsync(format);

        Assert.Contains($"ContainerIR-Derived-From: {SomeHandoutBundle.Name} tagmanifest-sha256 {bundle.RootSha256}", File.ReadAllText(Path.Combine(bag, "bag-info.txt")), StringComparison.Ordinal);
        Validator.Run("/bin/sh", "-c", $"cd '{bag}' && sha256sum --check --strict --quiet tagmanifest-sha256.txt manifest-sha256.txt && sha512sum --check --strict --quiet manifest-sha512.txt");
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
        Assert.All(lines, line => Assert.Equal(11, line.Split('|').Length));
        Assert.Contains("|1794999100.250000000|1794999900.500000000|1794999900.500000000", lines[0], StringComparison.Ordinal);

        string timeline = Validator.Run("/usr/bin/mactime", "-b", body, "-d", "-z", "UTC");

        Assert.Contains("/tmp/a|b%7Cc,\"\"d\"\" (added)", timeline, StringComparison.Ordinal);
        Assert.Contains("/srv/audit|log (before: deleted)", timeline, StringComparison.Ordinal);
        Assert.Contains("r/rrwsr-xr-x", timeline, StringComparison.Ordinal);
        Assert.Contains("""/tmp/two\nlines\r\n0|forged""", timeline, StringComparison.Ordinal);

        // One line an instant of a file and a header: 8 files with three instants each, the mark with two, what it hid with one, /etc/passwd's change
        // and what it was before, the far link; mactime orders times as text, and a link in the year 540000 is as good to it as any. Unknown times are 0.
        Assert.All(lines, line => Assert.Contains(Path.GetFileName(line.Split('|')[1].Split(" (")[0].Replace("%7C", "|", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal)), timeline.Replace("\"\"", "\"", StringComparison.Ordinal), StringComparison.Ordinal));
        Assert.Contains("1 times before 1970", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_timesketch_is_csv_and_json_that_agree()
    {
        string csv = FileOf(await ExportAsync("timesketch-csv"), "timesketch.csv");
        string jsonl = FileOf(await ExportAsync("timesketch-jsonl"), "timesketch.jsonl");

        Validator.Python(
            """
            import csv, json, sys, datetime
            csv.field_size_limit(1 << 30)
            rows = list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))
            lines = [json.loads(line) for line in open(sys.argv[2], encoding='utf-8')]
            assert len(rows) == len(lines) > 40, (len(rows), len(lines))
            for row, line in zip(rows, lines):
                assert None not in row and all(v is not None for v in row.values())
                for need in ('message', 'timestamp', 'datetime', 'timestamp_desc'):
                    assert row[need] != '', row
                at = datetime.datetime.fromisoformat(row['datetime'])
                assert (at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1) == int(row['timestamp']) == line['timestamp']
                assert {k: str(v) for k, v in line.items()} == {k: v.lstrip("'") if k == 'command' else v for k, v in row.items() if v != ''}, (row, line)
                assert not any(v[:1] in '=+@' for v in row.values() if v), row
            assert len({row['event_id'] for row in rows}) == len(rows)
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
        string said = Validator.Python(
            """
            import sys, rdflib
            g = rdflib.Graph().parse(sys.argv[1], format='json-ld')
            P = '''PREFIX core: <https://ontology.unifiedcyberontology.org/uco/core/> PREFIX obs: <https://ontology.unifiedcyberontology.org/uco/observable/>
            PREFIX inv: <https://ontology.caseontology.org/case/investigation/> PREFIX act: <https://ontology.unifiedcyberontology.org/uco/action/>
            PREFIX typ: <https://ontology.unifiedcyberontology.org/uco/types/> '''
            one = lambda q: [r for r in g.query(P + q)]
            assert len(one('SELECT ?a WHERE { ?a a inv:InvestigativeAction ; act:performer ?p ; act:instrument ?t ; act:result ?r . ?r core:object ?o }')) >= 9
            files = one('SELECT ?n ?s WHERE { ?f a obs:File ; core:hasFacet ?x . ?x a obs:FileFacet ; obs:filePath ?n ; obs:sizeInBytes ?s }')
            assert len(files) >= 20, len(files)
            assert all(r[1].value is not None for r in files)
            hashes = one('SELECT ?v WHERE { ?h a typ:Hash ; typ:hashValue ?v }')
            assert all(isinstance(r[0].value, bytes) and len(r[0].value) == 32 for r in hashes) and hashes
            times = [o for o in g.objects() if isinstance(o, rdflib.Literal) and str(o.datatype).endswith('dateTime')]
            assert times and all(t.value is not None for t in times), [t for t in times if t.value is None][:3]
            assert len(one('SELECT ?p WHERE { ?p a obs:Process ; core:hasFacet ?f . ?f obs:parent ?q . ?q a obs:Process }')) == 2
            assert len(one('SELECT ?c WHERE { ?c a obs:NetworkConnection ; core:hasFacet ?f . ?f obs:dst ?d . ?d a obs:IPv4Address }')) == 3
            print(len(g))
            """,
            file);
        Assert.True(int.Parse(said, System.Globalization.CultureInfo.InvariantCulture) > 200);
    }

    [Fact]
    public async Task Of_stix_has_the_properties_the_standard_demands_and_no_dangling_reference()
    {
        string file = FileOf(await ExportAsync("stix"), "stix.json");
        Validator.Python(
            """
            import json, re, sys, uuid
            b = json.load(open(sys.argv[1], encoding='utf-8'))
            assert set(b) == {'type', 'id', 'objects'} and b['type'] == 'bundle'
            need = {'identity': ['created', 'modified', 'name'], 'extension-definition': ['created', 'modified', 'created_by_ref', 'name', 'schema', 'version', 'extension_types'],
                    'observed-data': ['created', 'modified', 'first_observed', 'last_observed', 'number_observed', 'object_refs'],
                    'file': ['name'], 'directory': ['path'], 'process': ['pid'], 'attack-pattern': ['created', 'modified', 'name', 'external_references'], 'sighting': ['created', 'modified', 'sighting_of_ref', 'observed_data_refs'], 'note': ['created', 'modified', 'content', 'object_refs'],
                    'ipv4-addr': ['value'], 'ipv6-addr': ['value'], 'network-traffic': ['src_ref', 'dst_ref', 'protocols']}
            ids = set()
            stamp = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$')
            for o in b['objects']:
                assert o['spec_version'] == '2.1'
                kind, _, u = o['id'].partition('--')
                assert kind == o['type'] and uuid.UUID(u).version == 5
                assert o['id'] not in ids, o['id']
                ids.add(o['id'])
                for name in need[kind]:
                    assert o[name] not in (None, '', []), (name, o)
                for name in ('created', 'modified', 'first_observed', 'last_observed', 'ctime', 'mtime', 'atime', 'created_time'):
                    assert name not in o or stamp.match(o[name]), o
                if kind == 'observed-data': assert o['first_observed'] <= o['last_observed']
                if kind == 'directory': assert u == str(uuid.uuid5(uuid.UUID('00abedb4-aa42-466c-9c01-fed23315a9b7'), '{"path":' + json.dumps(o['path'], ensure_ascii=False) + '}')), o
            for o in b['objects']:
                for name, value in o.items():
                    if name.endswith('_ref'): assert value in ids, value
                    if name.endswith('_refs'): assert set(value) <= ids
                for extension in o.get('extensions', {}): assert extension in ids
            assert {o['type'] for o in b['objects']} >= {'file', 'process', 'network-traffic', 'ipv4-addr', 'observed-data', 'attack-pattern', 'sighting', 'note'}
            """,
            file);
    }

    [Fact]
    public async Task Of_ocsf_has_the_attributes_each_class_demands()
    {
        string file = FileOf(await ExportAsync("ocsf"), "ocsf.jsonl");
        HashSet<long> classes = [];
        foreach (string line in File.ReadLines(file))
        {
            JsonElement e = JsonDocument.Parse(line).RootElement;
            long kind = e.GetProperty("class_uid").GetInt64();
            classes.Add(kind);
            Assert.Equal((kind * 100) + e.GetProperty("activity_id").GetInt64(), e.GetProperty("type_uid").GetInt64());
            Assert.Equal(kind / 1000, e.GetProperty("category_uid").GetInt64());
            foreach (string name in (string[])["severity_id", "time", "metadata", "device", .. kind switch { 1001 => (string[])["actor", "file"], 1007 => ["actor", "process"], 2004 => ["finding_info", "status_id"], 4001 => ["src_endpoint", "dst_endpoint"], _ => ["message"] }])
            {
                Assert.True(e.TryGetProperty(name, out _), $"{kind} lacks {name}");
            }

            Assert.Equal("1.3.0", e.GetProperty("metadata").GetProperty("version").GetString());
        }

        Assert.Equal([0, 1001, 1007, 2004, 4001], classes.Order());
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
