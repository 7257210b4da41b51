using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Diffs;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>JSON Lines in the Elastic Common Schema 9.4: a document for each instant of each row. What ECS has no field for stands below <c>containerir</c>.</summary>
internal sealed class EcsExporter : IExporter
{
    private const string Version = "9.4.0";

    public string Name => "ecs";

    public string Description => "JSON Lines in the Elastic Common Schema 9.4";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        using JsonLinesFile lines = new(folder.Create("ecs.jsonl"));
        foreach (EvidenceEvent e in EvidenceEvents.Read(bundle, ct))
        {
            lines.Write(json => Write(json, bundle, e));
        }
    }

    /// <summary>Writes the properties of one document.</summary>
    public static void Write(Utf8JsonWriter json, VerifiedBundle bundle, EvidenceEvent e)
    {
        json.WriteString("@timestamp", Rfc3339.Format(e.AtNs));
        json.WriteString("message", e.Message);
        json.WriteStartObject("ecs");
        json.WriteString("version", Version);
        json.WriteEndObject();
        WriteEvent(json, bundle, e);
        json.WriteStartObject("observer");
        json.WriteString("product", "ContainerIR");
        json.WriteString("type", "forensic capture");
        json.WriteEndObject();
        json.WriteStartObject("host");
        json.WriteString("hostname", DisplayText.Escape(bundle.Record.Host ?? "unknown"));
        json.WriteEndObject();
        json.WriteStartObject("container");
        json.WriteString("id", DisplayText.Escape(bundle.Record.ContainerId ?? "unknown"));
        json.WriteString("name", DisplayText.Escape(bundle.Record.ContainerName ?? "unknown"));
        json.WriteStartObject("image");
        json.WriteString("name", DisplayText.Escape(bundle.Record.ImageName ?? "unknown"));
        json.WriteEndObject();
        json.WriteEndObject();
        WriteFile(json, e);
        WriteProcess(json, e);
        WriteSocket(json, e);
        WriteRule(json, e);
        if (e.Log is { } log)
        {
            json.WriteStartObject("log");
            json.WriteStartObject("file");
            json.WriteString("path", DisplayText.Escape(log.File));
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteStartObject("containerir");
        json.WriteString("bundle_id", DisplayText.Escape(bundle.Record.BundleId));
        json.WriteString("root_sha256", bundle.RootSha256);
        json.WriteString("case", DisplayText.Escape(bundle.Record.CaseId ?? ""));
        json.WriteString("source", e.Source);
        json.WriteString("meaning", e.Meaning);
        json.WriteString("item", e.Item);
        json.WriteNumber("row", e.Row);
        if (e.Finding is { } finding)
        {
            WriteFinding(json, finding);
        }

        if (e.File is { } changed)
        {
            json.WriteString("verdict", DiffWords.Of(changed.Verdict));
            json.WriteBoolean("is_original", e.IsOriginal);
            if (!ByteJson.IsPlain(changed.Path))
            {
                json.WriteBase64String("path_b64", changed.Path);
            }
        }

        json.WriteEndObject();
    }

    private static void WriteEvent(Utf8JsonWriter json, VerifiedBundle bundle, EvidenceEvent e)
    {
        (string category, string type) = e.Source switch
        {
            EventSources.File => ("file", e is { IsOriginal: true } ? "info" : e.File?.Verdict switch
            {
                DiffVerdict.Added => "creation",
                DiffVerdict.Deleted => "deletion",
                DiffVerdict.Modified or DiffVerdict.MetadataOnly or DiffVerdict.Renamed => "change",
                _ => "info",
            }),
            EventSources.Process => ("process", "start"),
            EventSources.Socket => ("network", "info"),
            EventSources.Engine or EventSources.EngineOther => ("host", "info"),
            EventSources.Custody => ("configuration", "info"),
            EventSources.Finding => ("intrusion_detection", "info"),
            _ => ("", "info"),
        };
        json.WriteStartObject("event");
        json.WriteString("id", e.IdIn(bundle.Record.BundleId));
        json.WriteString("kind", e.Finding is null ? "event" : "alert");
        if (e.Finding is { } alert)
        {
            json.WriteNumber("severity", FindingWords.Percent(alert.Severity));
            json.WriteString("reason", alert.Rule.Why);
        }

        json.WriteString("module", "containerir");
        json.WriteString("dataset", "containerir." + e.Source);
        json.WriteString("action", e.Meaning);
        if (category.Length > 0)
        {
            json.WriteStartArray("category");
            json.WriteStringValue(category);
            json.WriteEndArray();
        }

        json.WriteStartArray("type");
        json.WriteStringValue(type);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRule(Utf8JsonWriter json, EvidenceEvent e)
    {
        if (e.Finding is not { } finding)
        {
            return;
        }

        json.WriteStartObject("rule");
        json.WriteString("id", finding.Rule.Id);
        json.WriteString("name", finding.Rule.Title);
        json.WriteString("description", finding.Rule.Why);
        json.WriteString("ruleset", "ContainerIR triage");
        json.WriteEndObject();
        if (finding.Rule.Techniques.Count > 0)
        {
            json.WriteStartObject("threat");
            json.WriteString("framework", "MITRE ATT&CK");
            json.WriteStartObject("technique");
            json.WriteStartArray("id");
            foreach (string technique in finding.Rule.Techniques)
            {
                json.WriteStringValue(technique);
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        if (finding.SuppressedBy is not null)
        {
            json.WriteStartArray("tags");
            json.WriteStringValue("suppressed");
            json.WriteEndArray();
        }
    }

    private static void WriteFinding(Utf8JsonWriter json, Finding finding)
    {
        json.WriteStartObject("finding");
        json.WriteString("fingerprint", finding.Fingerprint);
        json.WriteString("severity", FindingWords.Of(finding.Severity));
        json.WriteBoolean("suppressed", finding.SuppressedBy is not null);
        if (finding.SuppressedBy is { } entry)
        {
            json.WriteString("suppressed_by", entry);
        }

        json.WriteString("next_step", finding.Rule.NextStep);
        json.WriteString("playbook", finding.Playbook);
        FindingWords.WriteSeen(json, finding);
        json.WriteEndObject();
    }

    private static void WriteFile(Utf8JsonWriter json, EvidenceEvent e)
    {
        if (e.File is not { } file || e.Object is not { } at)
        {
            return;
        }

        string path = file.DisplayPath;
        int slash = path.LastIndexOf('/');
        json.WriteStartObject("file");
        json.WriteString("path", path);
        json.WriteString("name", path[(slash + 1)..]);
        json.WriteString("directory", slash > 0 ? path[..slash] : "/");
        json.WriteString("type", at.Kind switch { DiffKind.Directory or DiffKind.OpaqueDirectory => "dir", DiffKind.SymbolicLink => "symlink", _ => "file" });
        json.WriteNumber("size", at.SizeBytes);
        json.WriteString("mode", Convert.ToString(at.Mode & 0xfff, 8).PadLeft(4, '0'));
        json.WriteString("uid", at.Uid.ToString(System.Globalization.CultureInfo.InvariantCulture));
        json.WriteString("gid", at.Gid.ToString(System.Globalization.CultureInfo.InvariantCulture));
        json.WriteString("inode", at.Inode.ToString(System.Globalization.CultureInfo.InvariantCulture));
        WriteTime(json, "mtime", at.ModifiedAt);
        WriteTime(json, "ctime", at.ChangedAt);
        WriteTime(json, "accessed", at.AccessedAt);
        WriteTime(json, "created", at.BornAt);
        if (at.LinkTarget is { } target)
        {
            json.WriteString("target_path", DisplayText.Escape(target));
        }

        WriteHash(json, at.Sha256);
        json.WriteEndObject();
    }

    private static void WriteProcess(Utf8JsonWriter json, EvidenceEvent e)
    {
        if (e.Process is { } process)
        {
            json.WriteStartObject("process");
            json.WriteNumber("pid", process.Pid);
            json.WriteString("name", process.Comm);
            json.WriteString("command_line", string.Join(' ', process.CommandLine));
            json.WriteStartArray("args");
            foreach (string argument in process.CommandLine)
            {
                json.WriteStringValue(argument);
            }

            json.WriteEndArray();
            json.WriteNumber("args_count", process.CommandLine.Count);
            if (process.ExecutablePath is { } path)
            {
                json.WriteString("executable", path);
            }

            json.WriteString("working_directory", process.WorkingDirectory);
            if (process.StartedAt is { } started)
            {
                json.WriteString("start", started.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", System.Globalization.CultureInfo.InvariantCulture));
            }

            WriteHash(json, process.ExecutableSha256);
            json.WriteStartObject("parent");
            json.WriteNumber("pid", process.ParentPid);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        else if (e.Socket?.FirstOwner is { } owner)
        {
            json.WriteStartObject("process");
            json.WriteNumber("pid", owner.Pid);
            if (owner.ExecutablePath is { } path)
            {
                json.WriteString("executable", path);
            }

            WriteHash(json, owner.ExecutableSha256);
            json.WriteEndObject();
        }
    }

    private static void WriteSocket(Utf8JsonWriter json, EvidenceEvent e)
    {
        if (e.Socket is not { } socket)
        {
            return;
        }

        json.WriteStartObject("network");
        json.WriteString("transport", socket.Protocol.TrimEnd('6'));
        json.WriteString("type", socket.LocalAddress.Contains(':', StringComparison.Ordinal) ? "ipv6" : "ipv4");
        json.WriteEndObject();
        WriteEnd(json, "source", socket.LocalAddress, socket.LocalPort);
        if (socket.RemotePort > 0)
        {
            WriteEnd(json, "destination", socket.RemoteAddress, socket.RemotePort);
        }
    }

    private static void WriteEnd(Utf8JsonWriter json, string name, string address, int port)
    {
        json.WriteStartObject(name);
        json.WriteString("address", address);

        // A field of type ip refuses the whole document when it holds anything else (RFC 4007 zone, text of a hostile bundle).
        if (System.Net.IPAddress.TryParse(address.Split('%')[0], out System.Net.IPAddress? ip))
        {
            json.WriteString("ip", ip.ToString());
        }

        json.WriteNumber("port", port);
        json.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter json, string name, UnixTime? time)
    {
        // Elasticsearch's dates end with the year 9999.
        if (time?.ToDateTimeOffset() is { } at)
        {
            json.WriteString(name, at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture)
                + string.Create(System.Globalization.CultureInfo.InvariantCulture, $".{time.Value.Nanoseconds:D9}Z"));
        }
    }

    private static void WriteHash(Utf8JsonWriter json, string? sha256)
    {
        if (sha256 is not null)
        {
            json.WriteStartObject("hash");
            json.WriteString("sha256", sha256);
            json.WriteEndObject();
        }
    }
}
