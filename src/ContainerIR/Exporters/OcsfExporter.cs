using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Diffs;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>
/// JSON Lines in the Open Cybersecurity Schema Framework 1.3: File System Activity (1001), Process Activity (1007), Network Activity (4001), Detection Finding (2004), and Base Event (0)
/// for what has no class (output, engine, custody). What OCSF has no attribute for stands in <c>unmapped</c>.
/// </summary>
internal sealed class OcsfExporter : IExporter
{
    private const string Version = "1.3.0";

    public string Name => "ocsf";

    public string Description => "JSON Lines in the Open Cybersecurity Schema Framework 1.3";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        using JsonLinesFile lines = new(folder.Create("ocsf.jsonl"));
        foreach (EvidenceEvent e in EvidenceEvents.Read(bundle, ct))
        {
            lines.Write(json => Write(json, bundle, e));
        }
    }

    private static void Write(Utf8JsonWriter json, VerifiedBundle bundle, EvidenceEvent e)
    {
        (int category, int kind, int activity) = ClassOf(e);
        json.WriteNumber("category_uid", category);
        json.WriteNumber("class_uid", kind);
        json.WriteNumber("activity_id", activity);
        json.WriteNumber("type_uid", (kind * 100) + activity);
        if (activity == 99)
        {
            json.WriteString("activity_name", e.Meaning);
        }

        json.WriteNumber("severity_id", e.Finding is { } judged ? 1 + (int)judged.Severity : 1);
        json.WriteNumber("time", Math.DivRem(e.AtNs, 1_000_000, out long rest) - (rest < 0 ? 1 : 0));
        json.WriteString("message", e.Message);
        json.WriteStartObject("metadata");
        json.WriteString("version", Version);
        json.WriteString("uid", e.IdIn(bundle.Record.BundleId));
        json.WriteString("log_name", e.Item);
        json.WriteStartArray("profiles");
        json.WriteStringValue("host");
        json.WriteStringValue("container");
        json.WriteEndArray();
        json.WriteStartObject("product");
        json.WriteString("name", "ContainerIR");
        json.WriteString("vendor_name", "ContainerIR");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartObject("device");
        json.WriteNumber("type_id", 1);
        json.WriteString("type", "Server");
        json.WriteString("hostname", DisplayText.Escape(bundle.Record.Host ?? "unknown"));
        json.WriteStartObject("container");
        json.WriteString("uid", DisplayText.Escape(bundle.Record.ContainerId ?? "unknown"));
        json.WriteString("name", DisplayText.Escape(bundle.Record.ContainerName ?? "unknown"));
        json.WriteStartObject("image");
        json.WriteString("name", DisplayText.Escape(bundle.Record.ImageName ?? "unknown"));
        json.WriteString("uid", DisplayText.Escape(bundle.Record.ImageId ?? "unknown"));
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        switch (kind)
        {
            case 1001:
                WriteActor(json, null, null);
                WriteFile(json, e.File!, e.Object!);
                break;
            case 1007:
                WriteActor(json, e.Process!.ParentPid, null);
                WriteProcess(json, e.Process);
                break;
            case 4001:
                WriteActor(json, e.Socket!.FirstOwner?.Pid, e.Socket.FirstOwner?.ExecutablePath);
                WriteSocket(json, e.Socket);
                break;
            case 2004:
                WriteFinding(json, e, e.Finding!, bundle);
                break;
            default:
                break;
        }

        json.WriteStartObject("unmapped");
        json.WriteString("bundle_id", DisplayText.Escape(bundle.Record.BundleId));
        json.WriteString("root_sha256", bundle.RootSha256);
        json.WriteString("source", e.Source);
        json.WriteString("meaning", e.Meaning);
        json.WriteNumber("row", e.Row);
        json.WriteNumber("time_ns", e.AtNs);
        if (e.File is { } file)
        {
            json.WriteString("verdict", DiffWords.Of(file.Verdict));
            json.WriteBoolean("is_original", e.IsOriginal);
            json.WriteBase64String("path_b64", file.Path);
        }

        if (e.Finding?.SuppressedBy is { } entry)
        {
            json.WriteString("suppressed_by", entry);
        }

        json.WriteEndObject();
    }

    private static (int Category, int Class, int Activity) ClassOf(EvidenceEvent e) => e.Source switch
    {
        EventSources.File when e.Object is not null => (1, 1001, e.IsOriginal ? 99 : e.File!.Verdict switch
        {
            DiffVerdict.Added => 1,
            DiffVerdict.Modified => 3,
            DiffVerdict.Deleted => 4,
            DiffVerdict.Renamed => 5,
            DiffVerdict.MetadataOnly => 6,
            _ => 99,
        }),
        EventSources.Finding => (2, 2004, 1),
        EventSources.Process => (1, 1007, 1),
        EventSources.Socket => (4, 4001, 99),
        _ => (0, 0, 99),
    };

    private static void WriteFinding(Utf8JsonWriter json, EvidenceEvent e, Finding finding, VerifiedBundle bundle)
    {
        json.WriteNumber("status_id", finding.SuppressedBy is null ? 1 : 3);
        json.WriteString("status", finding.SuppressedBy is null ? "New" : "Suppressed");
        json.WriteStartObject("finding_info");
        json.WriteString("uid", e.IdIn(bundle.Record.BundleId));
        json.WriteString("title", finding.Rule.Title);
        json.WriteString("desc", finding.Rule.Why);
        json.WriteStartObject("analytic");
        json.WriteString("uid", finding.Rule.Id);
        json.WriteString("name", finding.Rule.Title);
        json.WriteNumber("type_id", 1);
        json.WriteString("type", "Rule");
        json.WriteEndObject();
        if (finding.Rule.Techniques.Count > 0)
        {
            json.WriteStartArray("attacks");
            foreach (string technique in finding.Rule.Techniques)
            {
                json.WriteStartObject();
                json.WriteStartObject("technique");
                json.WriteString("uid", technique);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteStartArray("evidences");
        json.WriteStartObject();
        json.WriteStartObject("data");
        json.WriteString("item", e.Item);
        json.WriteNumber("row", e.Row);
        json.WriteString("fingerprint", finding.Fingerprint);
        FindingWords.WriteSeen(json, finding);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteStartObject("remediation");
        json.WriteString("desc", finding.Rule.NextStep);
        json.WriteEndObject();
    }

    private static void WriteActor(Utf8JsonWriter json, int? pid, string? path)
    {
        json.WriteStartObject("actor");
        if (pid is { } known)
        {
            json.WriteStartObject("process");
            json.WriteNumber("pid", known);
            if (path is not null)
            {
                json.WriteString("name", path[(path.LastIndexOf('/') + 1)..]);
            }

            json.WriteEndObject();
        }
        else
        {
            json.WriteString("app_name", "unknown");
        }

        json.WriteEndObject();
    }

    private static void WriteFile(Utf8JsonWriter json, DiffEntry entry, DiffObject at)
    {
        string path = entry.DisplayPath;
        json.WriteStartObject("file");
        json.WriteString("name", path[(path.LastIndexOf('/') + 1)..] is { Length: > 0 } name ? name : "/");
        json.WriteString("path", path);
        json.WriteNumber("type_id", at.Kind switch
        {
            DiffKind.File => 1,
            DiffKind.Directory or DiffKind.OpaqueDirectory => 2,
            DiffKind.CharacterDevice or DiffKind.Whiteout => 3,
            DiffKind.BlockDevice => 4,
            DiffKind.Fifo => 5,
            DiffKind.Socket => 6,
            DiffKind.SymbolicLink => 7,
            _ => 0,
        });
        json.WriteNumber("size", at.SizeBytes);
        WriteTime(json, "modified_time", at.ModifiedAt);
        WriteTime(json, "accessed_time", at.AccessedAt);
        WriteTime(json, "created_time", at.BornAt);
        WriteHashes(json, at.Sha256);
        json.WriteEndObject();
    }

    private static void WriteProcess(Utf8JsonWriter json, ProcessRow process)
    {
        json.WriteStartObject("process");
        json.WriteNumber("pid", process.Pid);
        json.WriteString("name", process.Comm);
        json.WriteString("cmd_line", string.Join(' ', process.CommandLine));
        if (process.StartedAt is { } at)
        {
            json.WriteNumber("created_time", at.ToUnixTimeMilliseconds());
        }

        if (process.ExecutablePath is { } path)
        {
            json.WriteStartObject("file");
            json.WriteString("name", path[(path.LastIndexOf('/') + 1)..]);
            json.WriteString("path", path);
            json.WriteNumber("type_id", 1);
            WriteHashes(json, process.ExecutableSha256);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteSocket(Utf8JsonWriter json, SocketRow socket)
    {
        WriteEnd(json, "src_endpoint", socket.LocalAddress, socket.LocalPort);
        WriteEnd(json, "dst_endpoint", socket.RemotePort > 0 ? socket.RemoteAddress : socket.LocalAddress, socket.RemotePort > 0 ? socket.RemotePort : socket.LocalPort);
        json.WriteStartObject("connection_info");
        json.WriteNumber("direction_id", 0);
        json.WriteString("protocol_name", socket.Protocol.TrimEnd('6'));
        json.WriteEndObject();
    }

    private static void WriteEnd(Utf8JsonWriter json, string name, string address, int port)
    {
        json.WriteStartObject(name);
        json.WriteString("ip", address);
        json.WriteNumber("port", port);
        json.WriteEndObject();
    }

    private static void WriteHashes(Utf8JsonWriter json, string? sha256)
    {
        if (sha256 is not null)
        {
            json.WriteStartArray("hashes");
            json.WriteStartObject();
            json.WriteNumber("algorithm_id", 3);
            json.WriteString("algorithm", "SHA-256");
            json.WriteString("value", sha256);
            json.WriteEndObject();
            json.WriteEndArray();
        }
    }

    private static void WriteTime(Utf8JsonWriter json, string name, UnixTime? time)
    {
        if (time?.ToDateTimeOffset() is { } at)
        {
            json.WriteNumber(name, at.ToUnixTimeMilliseconds());
        }
    }
}
