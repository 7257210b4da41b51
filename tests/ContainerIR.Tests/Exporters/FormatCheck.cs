using System.Text.Json;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Exporters;

/// <summary>What of each format must hold whatever the evidence is, by the word of software we did not write where there is one.</summary>
internal static class FormatCheck
{
    /// <summary>Checks the bag itself with coreutils, then each of its files with what reads that format.</summary>
    /// <param name="format">Its name.</param>
    /// <param name="bag">The derived bag.</param>
    public static void Run(string format, string bag)
    {
        Validator.Run("/bin/sh", "-c", $"cd '{bag}' && sha256sum --check --strict --quiet tagmanifest-sha256.txt manifest-sha256.txt && sha512sum --check --strict --quiet manifest-sha512.txt");
        string data = Path.Combine(bag, "data");
        foreach (string file in FilesOf(format, data))
        {
            Check(format, file);
        }
    }

    /// <summary>Lines of a body file are 11 fields, and <c>mactime</c> shows each of them.</summary>
    public static string Mactime(string body)
    {
        string[] lines = File.ReadAllLines(body);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Equal(11, line.Split('|').Length));
        string timeline = Validator.Run("/usr/bin/mactime", "-b", body, "-d", "-z", "UTC").Replace("\"\"", "\"", StringComparison.Ordinal);
        HashSet<string> shown = [.. timeline.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(row => row[(row.IndexOf('"', StringComparison.Ordinal) + 1)..row.LastIndexOf('"')])];
        Assert.Empty(lines.Select(line => line.Split('|')[1].Replace("%7C", "|", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal)).Except(shown));
        return timeline;
    }

    /// <summary>Rows as Timesketch wants them, by Python's own reader of CSV.</summary>
    public static void TimesketchCsv(string csv) => Validator.Python(
        """
        import csv, sys, datetime
        csv.field_size_limit(1 << 30)
        rows = list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))
        assert len(rows) > 10, len(rows)
        for row in rows:
            assert None not in row and all(v is not None for v in row.values())
            for need in ('message', 'timestamp', 'datetime', 'timestamp_desc'):
                assert row[need] != '', row
            at = datetime.datetime.fromisoformat(row['datetime'])
            assert (at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1) == int(row['timestamp'])
            assert not any(v[:1] in '=+@' for v in row.values() if v), row
        assert len({row['event_id'] for row in rows}) == len(rows)
        """,
        csv);

    /// <summary>The same in JSON lines.</summary>
    public static void TimesketchJson(string jsonl) => Validator.Python(
        """
        import json, sys, datetime
        lines = [json.loads(line) for line in open(sys.argv[1], encoding='utf-8')]
        assert len(lines) > 10, len(lines)
        for line in lines:
            for need in ('message', 'timestamp', 'datetime', 'timestamp_desc'):
                assert line[need] not in (None, ''), line
            at = datetime.datetime.fromisoformat(line['datetime'])
            assert (at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1) == line['timestamp']
        assert len({line['event_id'] for line in lines}) == len(lines)
        """,
        jsonl);

    /// <summary>A graph rdflib can ask: the acquisition with who, with what and what came of it, files with names and sizes, digests and times of their types.</summary>
    public static int CaseUco(string file) => int.Parse(
        Validator.Python(
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
            print(len(g))
            """,
            file),
        System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Objects have the properties the standard demands, ids of the right form, and no reference leads nowhere.</summary>
    public static void Stix(string file) => Validator.Python(
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
        assert {o['type'] for o in b['objects']} >= {'file', 'observed-data', 'attack-pattern', 'sighting', 'note'}, {o['type'] for o in b['objects']}
        """,
        file);

    /// <summary>Events have what their class demands; gives the classes.</summary>
    public static IReadOnlyCollection<long> Ocsf(string file)
    {
        SortedSet<long> classes = [];
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

        return classes;
    }

    /// <summary>Every line is an event with an id of its own and an instant; its fields are those of Elastic's types.</summary>
    public static void Ecs(string file)
    {
        List<string> ids = [];
        foreach (JsonElement e in File.ReadLines(file).Select(line => JsonDocument.Parse(line).RootElement))
        {
            ids.Add(e.GetProperty("event").GetProperty("id").GetString()!);
            Assert.EndsWith("Z", e.GetProperty("@timestamp").GetString(), StringComparison.Ordinal);
        }

        Assert.NotEmpty(ids);
        Assert.Equal(ids.Count, ids.Distinct().Count());
        BySchema("check-ecs.sh", file);
    }

    /// <summary>By the SARIF Multitool.</summary>
    public static void Sarif(string file) => BySchema("check-sarif.sh", file);

    /// <summary>By CycloneDX's own schema.</summary>
    public static void CycloneDx(string file) => BySchema("check-cyclonedx.sh", file);

    private static void BySchema(string script, string file)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/npm"), "npm is not installed");
        Assert.Contains("valid: ", Validator.Run("/bin/sh", Path.Combine(Repository.Root, "tests", "schemas", script), file), StringComparison.Ordinal);
    }

    private static string[] FilesOf(string format, string data)
    {
        string[] files = [.. Directory.EnumerateFiles(data, "*", SearchOption.AllDirectories).Where(file => format != "oci" || Path.GetFileName(file) == "oci-layout").Order(StringComparer.Ordinal)];
        Assert.NotEmpty(files);
        return files;
    }

    private static void Check(string format, string file)
    {
        switch (format)
        {
            case "mactime":
                Mactime(file);
                break;
            case "timesketch-csv":
                TimesketchCsv(file);
                break;
            case "timesketch-jsonl":
                TimesketchJson(file);
                break;
            case "plaso":
                if (file.EndsWith(".body", StringComparison.Ordinal))
                {
                    Mactime(file);
                }

                break;
            case "case-uco":
                CaseUco(file);
                break;
            case "stix":
                Stix(file);
                break;
            case "ecs":
                Ecs(file);
                break;
            case "ocsf":
                Ocsf(file);
                break;
            case "sarif":
                Sarif(file);
                break;
            case "cyclonedx":
                CycloneDx(file);
                break;
            case "oci":
                string layout = Path.GetDirectoryName(file)!;
                Validator.Run("/usr/bin/skopeo", "inspect", "oci:" + layout);
                using (TemporaryFolder copied = new())
                {
                    Validator.Run("/usr/bin/skopeo", "--insecure-policy", "copy", "--quiet", "oci:" + layout, "dir:" + copied.Path);
                }

                break;
            case "tar":
                Validator.Run("/bin/tar", "-tf", file);
                break;
            default:
                Assert.Fail($"nobody checks {format}: add it here");
                break;
        }
    }
}
