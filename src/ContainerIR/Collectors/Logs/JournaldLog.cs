using System.Text;
using ContainerIR.Collectors.Journals;
using ContainerIR.Evidence.Items;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Logs;

/// <summary>
/// Output that the engine sent to the systemd journal: the container's entries alone (the files hold every program of the host), whole, in the Journal Export
/// Format, and the index of their lines.
/// </summary>
/// <remarks>Fields: docs.docker.com, journald logging driver. Fields with a leading underscore are journald's own word (systemd.journal-fields(7)).</remarks>
internal static class JournaldLog
{
    private const string Item = "container.journal-export.zst";

    /// <summary>Copies the entries; false when the journal has none.</summary>
    public static async Task<bool> CollectAsync(ContainerRef container, string prefix, IEvidenceSink sink, CancellationToken ct)
    {
        using HostJournal journal = HostJournal.Open(prefix);
        bool isFound = await CollectAsync(container, journal, sink, ct);
        if (!isFound)
        {
            sink.AddGap(
                "output of the container in the systemd journal",
                journal.Paths.Count == 0
                    ? "no journal file in /var/log/journal or /run/log/journal: the engine's driver is journald, but no journald keeps files here"
                    : $"none of {journal.Paths.Count} journal files has an entry of it: it wrote nothing, or the journal dropped them");
        }

        return isFound;
    }

    internal static async Task<bool> CollectAsync(ContainerRef container, HostJournal journal, IEvidenceSink sink, CancellationToken ct)
    {
        LogAssembler assembler = new(container.CreatedAt) { File = Item };
        HashSet<string> senders = [];
        byte[] wanted = Encoding.ASCII.GetBytes("CONTAINER_ID_FULL=" + container.Id);
        long count;
        await using (ItemWriter index = sink.Create("index.jsonl.zst", new ItemOptions("derived from " + Item, ItemForm.Frames)))
        {
            count = await journal.ExportAsync(
                [wanted], static _ => true, Item, $"entries with CONTAINER_ID_FULL={container.Id} of {journal.Paths.Count} journal files, by our own reader, Journal Export Format", sink,
                async (entry, offset, length) =>
                {
                    Add(assembler, entry, offset, length, senders);
                    await index.WriteAsync(assembler.Rows, ct);
                    assembler.ClearRows();
                },
                ct);
            assembler.Finish();
            await index.WriteAsync(assembler.Rows, ct);
            await index.CompleteAsync(null, ct);
        }

        foreach ((string sought, string reason) in journal.Gaps.Take(50))
        {
            sink.AddGap(sought, reason);
        }

        await sink.AddJsonAsync(
            "logs.json", "the journal and the index of its entries",
            json =>
            {
                json.WriteString("driver", "journald");
                json.WriteString("form", "journal-export");
                json.WriteTexts("files", journal.Paths);
                assembler.WriteSummary(json);
                json.WriteTexts("senders", senders.Order(StringComparer.Ordinal));
            },
            ct);
        return count > 0;
    }

    private static void Add(LogAssembler assembler, JournalEntry entry, long offset, long length, HashSet<string> senders)
    {
        // The engine writes as root under its own name; journald says who really did.
        string sender = $"{entry.Text("_COMM")} ({entry.Text("_EXE")}) uid {entry.Text("_UID")}";
        bool isEngine = entry.Text("_UID") is "0" or "" && entry.Text("_COMM") is "dockerd" or "podman" or "conmon" or "";
        if (senders.Count < 50)
        {
            senders.Add(Evidence.Text.DisplayText.Shorten(sender, 200));
        }

        bool isPartial = entry.Text("CONTAINER_PARTIAL_MESSAGE") == "true";
        assembler.Add(new LogRecord
        {
            Offset = offset,
            Length = length,
            TimeNs = entry.TimeNs,
            Stream = entry.Text("PRIORITY") switch { "6" => "stdout"u8, "3" => "stderr"u8, _ => entry.Value("PRIORITY").Span },
            Text = entry.Value("MESSAGE").Span,
            EndsLine = !isPartial || entry.Text("CONTAINER_PARTIAL_LAST") == "true",
            Oddities = isEngine ? LogOddities.None : LogOddities.ForeignSender,
        });
    }
}
