using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Diffs;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>
/// CASE 1.4 / UCO 1.4 as JSON-LD: the acquisition (who, with what, when, of what), the provenance of every item, and changed files, processes and
/// connections as observables. Ids are of version 5: the same bundle gives the same graph.
/// </summary>
/// <remarks>Classes and properties: https://ontology.unifiedcyberontology.org/ and https://ontology.caseontology.org/ (named here as RDF terms only).</remarks>
internal sealed class CaseUcoExporter : IExporter
{
    private const int FlushBytes = 64 * 1024;

    private static readonly (string Prefix, string Iri)[] Context =
    [
        ("kb", "urn:containerir:kb:"),
        ("case-investigation", "https://ontology.caseontology.org/case/investigation/"),
        ("uco-action", "https://ontology.unifiedcyberontology.org/uco/action/"),
        ("uco-core", "https://ontology.unifiedcyberontology.org/uco/core/"),
        ("uco-identity", "https://ontology.unifiedcyberontology.org/uco/identity/"),
        ("uco-observable", "https://ontology.unifiedcyberontology.org/uco/observable/"),
        ("uco-tool", "https://ontology.unifiedcyberontology.org/uco/tool/"),
        ("uco-types", "https://ontology.unifiedcyberontology.org/uco/types/"),
        ("uco-vocabulary", "https://ontology.unifiedcyberontology.org/uco/vocabulary/"),
        ("xsd", "http://www.w3.org/2001/XMLSchema#"),
    ];

    public string Name => "case-uco";

    public string Description => "CASE 1.4 / UCO 1.4 as JSON-LD: the acquisition, provenance of items, files, processes, connections";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        using DerivedFile file = folder.Create("case.jsonld");
        using Utf8JsonWriter json = new(file, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteStartObject("@context");
        foreach ((string prefix, string iri) in Context)
        {
            json.WriteString(prefix, iri);
        }

        json.WriteEndObject();
        json.WriteStartArray("@graph");
        Graph graph = new(bundle, json);
        graph.WriteAcquisition();
        foreach (SealedItem item in bundle.Record.Items)
        {
            graph.WriteItem(item);
            FlushIfLarge(json);
        }

        foreach ((string item, long row, DiffEntry entry) in bundle.Diff(ct))
        {
            graph.WriteChangedFile(item, row, entry);
            FlushIfLarge(json);
        }

        foreach ((_, _, ProcessRow process) in bundle.Processes(ct))
        {
            graph.WriteProcess(process);
            FlushIfLarge(json);
        }

        foreach ((string item, long row, SocketRow socket) in bundle.Sockets(ct))
        {
            graph.WriteConnection(item, row, socket);
            FlushIfLarge(json);
        }

        foreach (Finding finding in bundle.Findings(ct))
        {
            graph.WriteFinding(finding);
            FlushIfLarge(json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void FlushIfLarge(Utf8JsonWriter json)
    {
        if (json.BytesPending > FlushBytes)
        {
            json.Flush();
        }
    }

    /// <summary>The nodes of one bundle.</summary>
    private sealed class Graph(VerifiedBundle bundle, Utf8JsonWriter json)
    {
        private string Id(string kind, string key) => $"kb:{kind}-{NameUuid.Make(NameUuid.Own, $"{bundle.Record.BundleId}\n{kind}\n{key}"):D}";

        public void WriteAcquisition()
        {
            SealedRecord record = bundle.Record;
            Begin(Id("investigation", ""), "case-investigation:Investigation");
            json.WriteString("uco-core:name", DisplayText.Escape(record.CaseId ?? "unknown"));
            Refs("uco-core:object", [Id("acquisition", "")]);
            json.WriteEndObject();

            Begin(Id("examiner", ""), "uco-identity:Person");
            json.WriteString("uco-core:name", DisplayText.Escape(record.Examiner ?? "unknown"));
            json.WriteEndObject();

            Begin(Id("tool", ""), "uco-tool:Tool");
            json.WriteString("uco-core:name", "ContainerIR cir");
            json.WriteString("uco-tool:version", DisplayText.Escape(record.ToolVersion ?? "unknown"));
            json.WriteEndObject();

            Begin(Id("container", ""), "uco-observable:ObservableObject");
            json.WriteString("uco-core:name", DisplayText.Escape(record.ContainerName ?? "unknown"));
            json.WriteString("uco-core:description", DisplayText.Escape($"container {record.ContainerId} of image {record.ImageName} ({record.ImageId}) on host {record.Host}"));
            json.WriteEndObject();

            Begin(Id("acquisition", ""), "case-investigation:InvestigativeAction");
            json.WriteString("uco-core:name", "acquisition");
            json.WriteString("uco-core:description", DisplayText.Escape($"{record.Scope}; signed root (tagmanifest-sha256.txt) SHA-256 {bundle.RootSha256}"));
            Time("uco-action:startTime", record.OpenedAtNs);
            Time("uco-action:endTime", record.SealedAtNs);
            Ref("uco-action:performer", Id("examiner", ""));
            Refs("uco-action:instrument", [Id("tool", "")]);
            Refs("uco-action:object", [Id("container", "")]);
            Refs("uco-action:result", [Id("provenance", "")]);
            json.WriteEndObject();

            Begin(Id("provenance", ""), "case-investigation:ProvenanceRecord");
            json.WriteString("uco-core:description", DisplayText.Escape($"items of the sealed bundle {record.BundleId}"));
            json.WriteString("case-investigation:exhibitNumber", DisplayText.Escape(bundle.Name));
            Refs("uco-core:object", [Id("container", ""), .. record.Items.Select(item => Id("item", item.Path))]);
            json.WriteEndObject();
        }

        public void WriteItem(SealedItem item)
        {
            Begin(Id("item", item.Path), "uco-observable:File");
            json.WriteString("uco-core:description", DisplayText.Escape($"{item.Collector}: {item.Source} ({item.Status})"));
            json.WriteStartArray("uco-core:hasFacet");
            Begin(Id("item-file", item.Path), "uco-observable:FileFacet");
            json.WriteString("uco-observable:fileName", DisplayText.Escape(item.Path[(item.Path.LastIndexOf('/') + 1)..]));
            json.WriteString("uco-observable:filePath", DisplayText.Escape(item.Path));
            Integer("uco-observable:sizeInBytes", item.StoredBytes);
            json.WriteEndObject();
            Content(Id("item-content", item.Path), Id("item-hash", item.Path), item.Sha256);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        public void WriteChangedFile(string item, long row, DiffEntry entry)
        {
            string key = $"{item}\n{row}";
            DiffObject? at = entry.Kind == DiffKind.Whiteout || entry.Object is null ? entry.Original ?? entry.Object : entry.Object;
            Begin(Id("file", key), "uco-observable:File");
            json.WriteString("uco-core:description", $"{DiffWords.Of(entry.Verdict)} in the container's writable layer; row {row} of {item}");
            json.WriteStartArray("uco-core:hasFacet");
            Begin(Id("file-facet", key), "uco-observable:FileFacet");
            string path = entry.DisplayPath;
            json.WriteString("uco-observable:fileName", path[(path.LastIndexOf('/') + 1)..]);
            json.WriteString("uco-observable:filePath", path);
            json.WriteBoolean("uco-observable:isDirectory", at?.Kind is DiffKind.Directory or DiffKind.OpaqueDirectory);
            if (at is not null)
            {
                Integer("uco-observable:sizeInBytes", at.SizeBytes);
                Time("uco-observable:modifiedTime", at.ModifiedAt);
                Time("uco-observable:accessedTime", at.AccessedAt);
                Time("uco-observable:metadataChangeTime", at.ChangedAt);
                Time("uco-observable:observableCreatedTime", at.BornAt);
            }

            json.WriteEndObject();
            if (at?.Sha256 is { } sha256)
            {
                Content(Id("file-content", key), Id("file-hash", key), sha256);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        public void WriteProcess(ProcessRow process)
        {
            string key = KeyOf(process.Pid);
            Begin(Id("process", key), "uco-observable:Process");
            json.WriteStartArray("uco-core:hasFacet");
            Begin(Id("process-facet", key), "uco-observable:ProcessFacet");
            Integer("uco-observable:pid", process.Pid);
            if (process.CommandLine.Count > 0)
            {
                json.WriteStartArray("uco-observable:arguments");
                foreach (string argument in process.CommandLine)
                {
                    json.WriteStringValue(argument);
                }

                json.WriteEndArray();
            }

            if (process.WorkingDirectory.Length > 0)
            {
                json.WriteString("uco-observable:currentWorkingDirectory", process.WorkingDirectory);
            }

            if (process.StartedAt is { } at)
            {
                Time("uco-observable:observableCreatedTime", Instant.ToNanoseconds(at));
            }

            Ref("uco-observable:parent", Id("process", KeyOf(process.ParentPid)));
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        public void WriteConnection(string item, long row, SocketRow socket)
        {
            if (socket.RemotePort == 0)
            {
                return;
            }

            string key = $"{item}\n{row}";
            WriteAddress(Id("source", key), socket.LocalAddress);
            WriteAddress(Id("destination", key), socket.RemoteAddress);
            Begin(Id("connection", key), "uco-observable:NetworkConnection");
            json.WriteString("uco-core:description", $"{socket.Protocol} {socket.State}");
            json.WriteStartArray("uco-core:hasFacet");
            Begin(Id("connection-facet", key), "uco-observable:NetworkConnectionFacet");
            Refs("uco-observable:src", [Id("source", key)]);
            Refs("uco-observable:dst", [Id("destination", key)]);
            Integer("uco-observable:sourcePort", socket.LocalPort);
            Integer("uco-observable:destinationPort", socket.RemotePort);
            json.WriteBoolean("uco-observable:isActive", socket.State == "ESTABLISHED");
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        /// <summary>An annotation of the item it rests on: what triage concludes is a statement about evidence and not an observable.</summary>
        public void WriteFinding(Finding finding)
        {
            FindingPlace where = finding.Where;
            Begin(Id("finding", $"{where.Item}\n{where.Row}\n{where.Offset}\n{finding.Fingerprint}"), "uco-core:Annotation");
            json.WriteString("uco-core:name", $"{finding.Rule.Id} {finding.Rule.Title}");
            json.WriteString("uco-core:description", finding.Rule.Why);
            string place = where.Row is { } row ? $"{where.Item} row {row}" : where.Item;
            json.WriteStartArray("uco-core:statement");
            json.WriteStringValue(DisplayText.Escape(place) + ": " + FindingWords.Seen(finding));
            json.WriteEndArray();
            json.WriteStartArray("uco-core:tag");
            json.WriteStringValue("severity:" + FindingWords.Of(finding.Severity));
            foreach (string technique in finding.Rule.Techniques)
            {
                json.WriteStringValue("attack:" + technique);
            }

            if (finding.SuppressedBy is { } entry)
            {
                json.WriteStringValue("suppressed:" + entry);
            }

            json.WriteEndArray();
            Refs("uco-core:object", [Id("item", where.Item)]);
            json.WriteEndObject();
        }

        private void WriteAddress(string id, string address)
        {
            string kind = address.Contains(':', StringComparison.Ordinal) ? "IPv6Address" : "IPv4Address";
            Begin(id, "uco-observable:" + kind);
            json.WriteStartArray("uco-core:hasFacet");
            Begin(id + "-facet", $"uco-observable:{kind}Facet");
            json.WriteString("uco-observable:addressValue", address);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        private static string KeyOf(int pid) => pid.ToString(System.Globalization.CultureInfo.InvariantCulture);

        private void Begin(string id, string type)
        {
            json.WriteStartObject();
            json.WriteString("@id", id);
            json.WriteString("@type", type);
        }

        private void Content(string id, string hashId, string sha256)
        {
            Begin(id, "uco-observable:ContentDataFacet");
            json.WriteStartArray("uco-observable:hash");
            Begin(hashId, "uco-types:Hash");
            Typed("uco-types:hashMethod", "uco-vocabulary:HashNameVocab", "SHA256");
            Typed("uco-types:hashValue", "xsd:hexBinary", sha256);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        private void Ref(string name, string id)
        {
            json.WriteStartObject(name);
            json.WriteString("@id", id);
            json.WriteEndObject();
        }

        private void Refs(string name, IEnumerable<string> ids)
        {
            json.WriteStartArray(name);
            foreach (string id in ids)
            {
                json.WriteStartObject();
                json.WriteString("@id", id);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        private void Integer(string name, long value) => Typed(name, "xsd:integer", value.ToString(System.Globalization.CultureInfo.InvariantCulture));

        private void Time(string name, long? ns)
        {
            if (ns is { } at)
            {
                Typed(name, "xsd:dateTime", Rfc3339.Format(at));
            }
        }

        private void Time(string name, UnixTime? time)
        {
            if (time is { } at && at.ToDateTimeOffset() is not null)
            {
                Time(name, Instant.ToNanoseconds(at.Seconds, at.Nanoseconds));
            }
        }

        private void Typed(string name, string type, string value)
        {
            json.WriteStartObject(name);
            json.WriteString("@type", type);
            json.WriteString("@value", value);
            json.WriteEndObject();
        }
    }
}
