using System.Text;
using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Diffs;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>All that a bundle says happened, row by row, in the order of its items. Not sorted: that would need memory for all of it.</summary>
internal static class EvidenceEvents
{
    /// <summary>Raised whenever the order or number of events of the same bundle changes: counts kept elsewhere are of one form.</summary>
    public const int Form = 2;

    private const int MaxMessageCharacters = 4096;

    /// <summary>Reads the events. Memory is that of one row.</summary>
    public static IEnumerable<EvidenceEvent> Read(VerifiedBundle bundle, CancellationToken ct) =>
        Custody(bundle)
            .Concat(bundle.EngineEvents(ct).SelectMany(row => Of(row.Item, row.Row, row.Entry)))
            .Concat(Sockets(bundle, ct))
            .Concat(bundle.Processes(ct).SelectMany(row => Of(row.Item, row.Row, row.Entry)))
            .Concat(bundle.Logs(ct).SelectMany(row => Of(row.Item, row.Row, row.Entry)))
            .Concat(bundle.Diff(ct).SelectMany(row => Of(row.Item, row.Row, row.Entry)))
            .Concat(Findings(bundle, ct));

    /// <summary>Text of a process for people: its command line, else its name in brackets.</summary>
    public static string CommandOf(ProcessRow row) => string.Join(' ', row.CommandLine) is { Length: > 0 } command ? command : $"[{row.Comm}]";

    private static IEnumerable<EvidenceEvent> Custody(VerifiedBundle bundle)
    {
        foreach ((long number, JsonElement line) in bundle.Journal())
        {
            if (line.Text("time") is { } time && Rfc3339.TryParse(Encoding.UTF8.GetBytes(time), out long at))
            {
                string name = line.Text("event") ?? "";
                JsonElement fields = line.Object("fields");
                string what = fields.Object("item").Text("path") ?? fields.Text("path") ?? fields.Text("sought") ?? fields.Text("what") ?? fields.Text("collector") ?? "";
                yield return new EvidenceEvent { AtNs = at, Meaning = "recorded", Source = EventSources.Custody, Message = Cut($"{name} {what}".TrimEnd()), Item = "journal.jsonl", Row = number };
            }
        }
    }

    private static IEnumerable<EvidenceEvent> Findings(VerifiedBundle bundle, CancellationToken ct)
    {
        // What it rests on was so when it was read; what made it so was earlier.
        Dictionary<string, long> readAt = bundle.Record.Items.DistinctBy(item => item.Path).ToDictionary(item => item.Path, item => item.OpenedAtNs);
        long sealedAt = bundle.Record.SealedAtNs ?? bundle.Record.OpenedAtNs ?? 0;
        foreach (Finding finding in bundle.Findings(ct))
        {
            string suppressed = finding.SuppressedBy is null ? "" : " (suppressed)";
            string seen = string.Join(", ", finding.Seen.Select(value => $"{value.Name} {value.Text}"));
            yield return new EvidenceEvent
            {
                AtNs = readAt.TryGetValue(finding.Where.Item, out long at) ? at : sealedAt,
                Meaning = "found",
                Source = EventSources.Finding,
                Message = Cut($"{finding.Rule.Id} {finding.Severity.ToString().ToLowerInvariant()}{suppressed}: {finding.Rule.Title}: {seen}"),
                Item = finding.Where.Item,
                Row = finding.Where.Row ?? 0,
                Finding = finding,
            };
        }
    }

    private static IEnumerable<EvidenceEvent> Sockets(VerifiedBundle bundle, CancellationToken ct)
    {
        // A socket has no time of its own: it was there when its table was read.
        Dictionary<string, long> readAt = bundle.Record.Items.DistinctBy(item => item.Path).ToDictionary(item => item.Path, item => item.OpenedAtNs);
        foreach ((string item, long number, SocketRow row) in bundle.Sockets(ct))
        {
            if (row.RemotePort > 0 || (row.LocalPort > 0 && row.State == "LISTEN"))
            {
                string owner = row.FirstOwner is { } process ? $" by pid {process.Pid} {process.ExecutablePath}" : "";
                string far = row.RemotePort > 0 ? $" to {EndPoint(row.RemoteAddress, row.RemotePort)}" : "";
                string message = $"{row.Protocol} {row.State} {EndPoint(row.LocalAddress, row.LocalPort)}{far}{owner}";
                yield return new EvidenceEvent { AtNs = readAt[item], Meaning = "observed", Source = EventSources.Socket, Message = Cut(message), Item = item, Row = number, Socket = row };
            }
        }
    }

    private static IEnumerable<EvidenceEvent> Of(string item, long number, EventRow row)
    {
        if (row.TimeNs is { } at)
        {
            string detail = row.Detail is null ? "" : $": {row.Detail}";
            string exit = row.ExitCode is { } code ? $" exit {code}" : "";
            yield return new EvidenceEvent
            {
                AtNs = at,
                Meaning = row.Class,
                Source = row.OfContainer ? EventSources.Engine : EventSources.EngineOther,
                Message = Cut($"{row.Type} {row.Action}{detail} {row.Name ?? row.ActorId}{exit}"),
                Item = item,
                Row = number,
                Engine = row,
            };
        }
    }

    private static IEnumerable<EvidenceEvent> Of(string item, long number, ProcessRow row)
    {
        if (row.StartedAt is { } at)
        {
            string message = $"pid {row.Pid} of {row.ParentPid}: {CommandOf(row)}";
            yield return new EvidenceEvent { AtNs = Instant.ToNanoseconds(at), Meaning = "started", Source = EventSources.Process, Message = Cut(message), Item = item, Row = number, Process = row };
        }
    }

    private static IEnumerable<EvidenceEvent> Of(string item, long number, LogRow row)
    {
        if (row.TimeNs is { } at)
        {
            yield return new EvidenceEvent { AtNs = at, Meaning = "logged", Source = EventSources.Log, Message = Cut($"{row.Stream}: {row.Text}"), Item = item, Row = number, Log = row };
        }
    }

    private static IEnumerable<EvidenceEvent> Of(string item, long number, DiffEntry entry)
    {
        string verdict = DiffWords.Of(entry.Verdict);
        if (entry.Object is { } now)
        {
            foreach ((long at, string meaning) in TimesOf(now))
            {
                yield return new EvidenceEvent { AtNs = at, Meaning = meaning, Source = EventSources.File, Message = Cut($"{verdict} {entry.DisplayPath}"), Item = item, Row = number, File = entry };
            }
        }

        if (entry.Original is { } before)
        {
            foreach ((long at, string meaning) in TimesOf(before))
            {
                yield return new EvidenceEvent
                {
                    AtNs = at,
                    Meaning = meaning,
                    Source = EventSources.File,
                    Message = Cut($"before it was {verdict}: {entry.DisplayPath}"),
                    Item = item,
                    Row = number,
                    File = entry,
                    IsOriginal = true,
                };
            }
        }
    }

    /// <summary>Times of one object; those that are equal make one, as in mactime.</summary>
    private static List<(long At, string Meaning)> TimesOf(DiffObject at)
    {
        List<(long At, string Meaning)> times = new(4);
        Add(at.ModifiedAt, "modified");
        Add(at.ChangedAt, "changed");
        Add(at.BornAt, "born");
        Add(at.AccessedAt, "accessed");
        return times;

        void Add(UnixTime? time, string meaning)
        {
            if (time is not { } known)
            {
                return;
            }

            long ns = Instant.ToNanoseconds(known.Seconds, known.Nanoseconds);
            int same = times.FindIndex(each => each.At == ns);
            if (same >= 0)
            {
                times[same] = (ns, $"{times[same].Meaning}+{meaning}");
            }
            else
            {
                times.Add((ns, meaning));
            }
        }
    }

    private static string EndPoint(string address, int port) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]:{port}" : $"{address}:{port}";

    private static string Cut(string message) => message.Length <= MaxMessageCharacters ? message : string.Concat(message.AsSpan(0, MaxMessageCharacters - 1), "…");
}
