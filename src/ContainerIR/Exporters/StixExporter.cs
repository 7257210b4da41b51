using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Diffs;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>
/// A STIX 2.1 bundle: files, directories, processes, addresses and network traffic as cyber-observable objects with the deterministic ids of section 2.9, and
/// observed-data that say when they were seen and refer to them. What happened to a file stands in a property extension of ours.
/// </summary>
internal sealed class StixExporter : IExporter
{
    private const int FlushBytes = 64 * 1024;

    public string Name => "stix";

    public string Description => "STIX 2.1 bundle: files, processes, addresses, traffic as observed data";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        using DerivedFile file = folder.Create("stix.json");
        using Utf8JsonWriter json = new(file, new JsonWriterOptions { Indented = true });
        new Objects(bundle, json).WriteAll(ct);
    }

    private sealed class Objects(VerifiedBundle bundle, Utf8JsonWriter json)
    {
        private const int MaxRefs = 1000;

        /// <summary>Ids of objects that many rows share and that must stand in the bundle once. Beyond, rows go without: memory has a bound.</summary>
        private const int MaxShared = 500_000;

        private readonly HashSet<Guid> written = [];
        private readonly List<string> refs = new(MaxRefs);
        private readonly string made = Time(bundle.Record.SealedAtNs ?? bundle.Record.OpenedAtNs ?? 0);
        private readonly string identity = Own("identity", bundle, "");
        private readonly string extension = $"extension-definition--{NameUuid.Make(NameUuid.Own, "stix-extension/1"):D}";
        private int chunks;

        public void WriteAll(CancellationToken ct)
        {
            json.WriteStartObject();
            json.WriteString("type", "bundle");
            json.WriteString("id", Own("bundle", bundle, ""));
            json.WriteStartArray("objects");
            WriteIdentity();
            List<Finding> findings = [.. bundle.Findings(ct)];
            Dictionary<(string, long), string?> found = findings.Where(finding => finding.Where.Row is not null).Select(finding => (finding.Where.Item, finding.Where.Row!.Value)).Distinct().ToDictionary(at => at, _ => (string?)null);
            foreach ((string item, long row, DiffEntry entry) in bundle.Diff(ct))
            {
                Refer(Noted(item, row, WriteFile(entry, row)));
            }

            foreach ((string item, long row, ProcessRow process) in bundle.Processes(ct))
            {
                Refer(Noted(item, row, WriteProcess(process)));
            }

            foreach ((string item, long row, SocketRow socket) in bundle.Sockets(ct))
            {
                if (socket.RemotePort > 0 && WriteTraffic(socket, $"{item}\n{row}") is { } id)
                {
                    Refer(Noted(item, row, id));
                }
            }

            WriteObserved();
            new StixFindings(bundle, json, identity, made).Write(findings, found);
            json.WriteEndArray();
            json.WriteEndObject();

            // A finding refers to the object of its row.
            string Noted(string item, long row, string id)
            {
                if (found.ContainsKey((item, row)))
                {
                    found[(item, row)] = id;
                }

                return id;
            }
        }

        private void WriteIdentity()
        {
            Begin("identity", identity);
            json.WriteString("created", made);
            json.WriteString("modified", made);
            json.WriteString("name", Some(bundle.Record.Examiner));
            json.WriteString("identity_class", "individual");
            json.WriteString("description", DisplayText.Escape($"Acquired bundle {bundle.Record.BundleId} of container {bundle.Record.ContainerName}; signed root SHA-256 {bundle.RootSha256}"));
            json.WriteEndObject();
            Begin("extension-definition", extension);
            json.WriteString("created", "2026-11-22T00:00:00.000Z");
            json.WriteString("modified", "2026-11-22T00:00:00.000Z");
            json.WriteString("created_by_ref", identity);
            json.WriteString("name", "ContainerIR evidence reference");
            json.WriteString("schema", "containerir-stix-extension/1: verdict (text), row (integer), container_id (text), path_b64 (base64), signs (list of text)");
            json.WriteString("version", "1.0.0");
            json.WriteStartArray("extension_types");
            json.WriteStringValue("property-extension");
            json.WriteEndArray();
            json.WriteEndObject();
        }

        private string WriteFile(DiffEntry entry, long row)
        {
            DiffObject? at = entry.Kind == DiffKind.Whiteout || entry.Object is null ? entry.Original ?? entry.Object : entry.Object;
            string path = entry.DisplayPath;
            int slash = path.LastIndexOf('/');
            string name = path[(slash + 1)..] is { Length: > 0 } last ? last : "/";
            string? parent = slash >= 0 && path.Length > 1 ? WriteDirectory(slash == 0 ? "/" : path[..slash]) : null;

            // Two rows may name one file with one content: the row makes the id, in a namespace of ours.
            string id = Own("file", bundle, "row\n" + row.ToString(CultureInfo.InvariantCulture));
            Begin("file", id);
            json.WriteString("name", name);
            if (at?.Sha256 is { } sha256)
            {
                WriteHash(sha256);
            }

            if (at is not null)
            {
                json.WriteNumber("size", Math.Max(0, at.SizeBytes));
                WriteTime("ctime", at.BornAt);
                WriteTime("mtime", at.ModifiedAt);
                WriteTime("atime", at.AccessedAt);
            }

            if (parent is not null)
            {
                json.WriteString("parent_directory_ref", parent);
            }

            BeginExtension();
            json.WriteString("verdict", DiffWords.Of(entry.Verdict));
            json.WriteNumber("row", row);
            json.WriteString("path_b64", Convert.ToBase64String(entry.Path));
            if (entry.Signs.Count > 0)
            {
                json.WriteStartArray("signs");
                foreach (string sign in entry.Signs)
                {
                    json.WriteStringValue(sign);
                }

                json.WriteEndArray();
            }

            EndExtension();
            json.WriteEndObject();
            return id;
        }

        private string? WriteDirectory(string path)
        {
            Guid id = NameUuid.Make(NameUuid.Stix, $"{{\"path\":{Canonical(path)}}}");
            if (written.Count >= MaxShared && !written.Contains(id))
            {
                return null;
            }

            if (written.Add(id))
            {
                Begin("directory", $"directory--{id:D}");
                json.WriteString("path", path);
                json.WriteEndObject();
            }

            return $"directory--{id:D}";
        }

        private string WriteProcess(ProcessRow process)
        {
            string id = Own("process", bundle, process.Pid.ToString(CultureInfo.InvariantCulture));
            string? image = null;
            if (process.ExecutablePath is { } path)
            {
                image = Own("file", bundle, $"image\n{process.Pid}");
                Begin("file", image);
                json.WriteString("name", Some(path[(path.LastIndexOf('/') + 1)..]));
                if (process.ExecutableSha256 is { } sha256)
                {
                    WriteHash(sha256);
                }

                json.WriteEndObject();
            }

            Begin("process", id);
            json.WriteNumber("pid", process.Pid);
            if (process.CommandLine.Count > 0)
            {
                json.WriteString("command_line", string.Join(' ', process.CommandLine));
            }

            if (process.WorkingDirectory.Length > 0)
            {
                json.WriteString("cwd", process.WorkingDirectory);
            }

            if (process.StartedAt is { } at)
            {
                json.WriteString("created_time", Time(Instant.ToNanoseconds(at)));
            }

            if (image is not null)
            {
                json.WriteString("image_ref", image);
            }

            BeginExtension();
            json.WriteString("container_id", Some(bundle.Record.ContainerId));
            EndExtension();
            json.WriteEndObject();
            return id;
        }

        private string? WriteTraffic(SocketRow socket, string key)
        {
            if (WriteAddress(socket.LocalAddress) is not { } from || WriteAddress(socket.RemoteAddress) is not { } to)
            {
                return null;
            }

            string id = Own("network-traffic", bundle, key);
            Begin("network-traffic", id);
            json.WriteString("src_ref", from);
            json.WriteString("dst_ref", to);
            json.WriteNumber("src_port", socket.LocalPort);
            json.WriteNumber("dst_port", socket.RemotePort);
            json.WriteStartArray("protocols");
            json.WriteStringValue(socket.LocalAddress.Contains(':', StringComparison.Ordinal) ? "ipv6" : "ipv4");
            json.WriteStringValue(socket.Protocol.TrimEnd('6'));
            json.WriteEndArray();
            json.WriteEndObject();
            return id;
        }

        private string? WriteAddress(string address)
        {
            if (!IPAddress.TryParse(address.Split('%')[0], out IPAddress? ip))
            {
                return null;
            }

            string kind = ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? "ipv6-addr" : "ipv4-addr";
            string value = ip.ToString();
            Guid id = NameUuid.Make(NameUuid.Stix, $"{{\"value\":{Canonical(value)}}}");
            if (written.Count >= MaxShared && !written.Contains(id))
            {
                return null;
            }

            if (written.Add(id))
            {
                Begin(kind, $"{kind}--{id:D}");
                json.WriteString("value", value);
                json.WriteEndObject();
            }

            return $"{kind}--{id:D}";
        }

        private void Refer(string id)
        {
            refs.Add(id);
            if (refs.Count == MaxRefs)
            {
                WriteObserved();
            }

            if (json.BytesPending > FlushBytes)
            {
                json.Flush();
            }
        }

        private void WriteObserved()
        {
            if (refs.Count == 0)
            {
                return;
            }

            string from = Time(bundle.Record.OpenedAtNs ?? 0);
            Begin("observed-data", Own("observed-data", bundle, (++chunks).ToString(CultureInfo.InvariantCulture)));
            json.WriteString("created_by_ref", identity);
            json.WriteString("created", made);
            json.WriteString("modified", made);
            json.WriteString("first_observed", from);
            json.WriteString("last_observed", string.CompareOrdinal(made, from) < 0 ? from : made);
            json.WriteNumber("number_observed", 1);
            json.WriteStartArray("object_refs");
            foreach (string id in refs)
            {
                json.WriteStringValue(id);
            }

            json.WriteEndArray();
            json.WriteEndObject();
            refs.Clear();
        }

        private void Begin(string type, string id)
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteString("spec_version", "2.1");
            json.WriteString("id", id);
        }

        private void BeginExtension()
        {
            json.WriteStartObject("extensions");
            json.WriteStartObject(extension);
            json.WriteString("extension_type", "property-extension");
        }

        private void EndExtension()
        {
            json.WriteEndObject();
            json.WriteEndObject();
        }

        private void WriteHash(string sha256)
        {
            json.WriteStartObject("hashes");
            json.WriteString("SHA-256", sha256);
            json.WriteEndObject();
        }

        private void WriteTime(string name, UnixTime? time)
        {
            if (time is { } at && at.ToDateTimeOffset() is not null)
            {
                json.WriteString(name, Time(Instant.ToNanoseconds(at.Seconds, at.Nanoseconds)));
            }
        }

        private static string Own(string type, VerifiedBundle of, string key) => $"{type}--{NameUuid.Make(NameUuid.Own, $"{of.Record.BundleId}\n{type}\n{key}"):D}";

        private static string Time(long ns) => Rfc3339.Format(ns);

        private static string Some(string? text) => DisplayText.Escape(text ?? "") is { Length: > 0 } some ? some : "unknown";

        /// <summary>A string as RFC 8785 writes it. Display text has no control character, so quote and backslash are all there is to escape.</summary>
        private static string Canonical(string display) =>
            new StringBuilder(display).Replace("\\", "\\\\").Replace("\"", "\\\"").Insert(0, '"').Append('"').ToString();
    }
}
