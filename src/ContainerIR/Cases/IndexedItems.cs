using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>Reads one item into the index.</summary>
internal delegate void ItemReader(Stream content, IndexWriter writer, CancellationToken ct);

/// <summary>Which items of a bundle have rows for the index. What is not named here is evidence all the same; it is only not searched.</summary>
internal static class IndexedItems
{
    private static readonly (string Collector, string File, ItemReader Read)[] All =
    [
        ("events", "events-parsed.jsonl", IndexEvents),
        ("network", "sockets.jsonl", SocketIndex.Read),
        ("processes", "processes.jsonl.zst", ProcessIndex.Read),
        ("rootfs-diff", "entries.jsonl.zst", DiffIndex.Read),
        ("logs", "index.jsonl.zst", IndexLogs),
        ("host-context", "sessions.jsonl", IndexSessions),
        ("image", "image-history.json", ImageHistoryIndex.Read),
        ("configuration", "inspect.json", TextLines.ReadConfiguredEnvironment),
        ("secrets", "secrets.jsonl", TextLines.Of(TextKinds.Secret)),
        ("traffic", "dns.jsonl", TextLines.Of(TextKinds.Dns)),
        ("traffic", "flows.jsonl", TextLines.Of(TextKinds.Flow)),
    ];

    public static ItemReader? ReaderOf(SealedItem item)
    {
        string file = item.Path[(item.Path.LastIndexOf('/') + 1)..];
        foreach ((string collector, string name, ItemReader read) in All)
        {
            if (item.Collector == collector && file == name)
            {
                return read;
            }
        }

        return null;
    }

    private static void IndexEvents(Stream content, IndexWriter writer, CancellationToken ct)
    {
        foreach (EventRow row in EventRow.Read(content, line => NoteBroken(writer, line)))
        {
            ct.ThrowIfCancellationRequested();
            if (row.TimeNs is { } at)
            {
                string detail = row.Detail is null ? "" : $": {row.Detail}";
                string whose = row.Name ?? row.ActorId;
                string exit = row.ExitCode is { } code ? $" exit {code}" : "";
                writer.AddToTimeline(at, row.Class, row.OfContainer ? TimelineSources.Engine : TimelineSources.EngineOther, $"{row.Type} {row.Action}{detail} {whose}{exit}", row.Number);
            }
        }
    }

    private static void IndexLogs(Stream content, IndexWriter writer, CancellationToken ct)
    {
        foreach (LogRow row in LogRow.Read(content, line => NoteBroken(writer, line)))
        {
            ct.ThrowIfCancellationRequested();
            if (row.TimeNs is { } at)
            {
                writer.AddToTimeline(at, "logged", TimelineSources.Log, $"{row.Stream}: {row.Text}", row.Number);
            }
            else
            {
                // No place in the timeline, but found by its words.
                writer.AddText(TextKinds.Log, $"{row.Stream}: {row.Text}", row.Number);
            }
        }
    }

    private static void IndexSessions(Stream content, IndexWriter writer, CancellationToken ct)
    {
        long number = 0;
        foreach (SessionRow row in SessionRow.Read(content, line => NoteBroken(writer, line)))
        {
            ct.ThrowIfCancellationRequested();
            number++;
            if (row.TimeNs is { } at)
            {
                writer.AddToTimeline(at, row.Kind, TimelineSources.Host, row.Message, number);
            }
        }
    }

    private static void NoteBroken(IndexWriter writer, StreamLine line) => writer.Note(line.Number, line.IsCut ? "longer than a row may be" : "not a row");
}
