using System.Text;
using ContainerIR.Evidence.Text;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>What one bundle gives the index, row by row. One instance serves one bundle in one transaction, which numbers its rows in advance.</summary>
internal sealed class IndexWriter : IDisposable
{
    public const int MaxMessageCharacters = 4096;
    private const int MaxNotesPerItem = 20;

    private readonly RowQueue queue;
    private readonly QueuedInsert items;
    private readonly QueuedInsert journal;
    private readonly QueuedInsert timeline;
    private readonly QueuedInsert notes;
    private readonly QueuedInsert texts;
    private readonly QueuedInsert diffEntries;
    private readonly QueuedInsert processes;
    private readonly TextFilterWriter timelineFilter;
    private readonly TextFilterWriter textFilter;
    private readonly TextFilterWriter diffFilter;
    private readonly TextFilterWriter processFilter;
    private byte[] utf8 = new byte[4 * 1024];
    private int notesOfItem;
    private int diffText;
    private long nextItem;
    private long nextTimeline;
    private long nextText;
    private long nextDiffEntry;
    private long nextProcess;

    public IndexWriter(SqliteConnection connection, long bundleId)
    {
        BundleId = bundleId;
        queue = new RowQueue(connection);
        nextItem = queue.NextId("item");
        nextTimeline = queue.NextId("timeline");
        nextText = queue.NextId("text_line");
        nextDiffEntry = queue.NextId("diff_entry");
        nextProcess = queue.NextId("process");
        items = queue.Into(
            "item", "id", "bundle_id", "path", "collector", "source", "volatility_rank", "status", "stored_bytes", "raw_bytes", "sha256", "raw_sha256",
            "opened_at_ns", "closed_at_ns", "error");
        journal = queue.Into("journal_entry", "bundle_id", "seq", "at_ns", "event", "line");
        timeline = queue.Into("timeline", "id", "at_ns", "meaning", "source", "message", "bundle_id", "item_id", "row");
        notes = queue.Into("index_note", "bundle_id", "path", "row", "note");
        processes = queue.Into(
            "process", "id", "bundle_id", "item_id", "row", "pid", "ppid", "ns_pid", "uid", "name", "exe", "exe_deleted", "exe_sha256", "command",
            "started_at_ns", "signs");
        Sockets = queue.Into(
            "socket", "bundle_id", "item_id", "row", "protocol", "state", "local_address", "local_port", "remote_address", "remote_port",
            "peer", "name", "inode", "uid", "pid", "process", "host_side");
        diffEntries = queue.Into(
            "diff_entry", "id", "bundle_id", "item_id", "row", "path", "display", "verdict", "kind", "mode", "uid", "gid", "size", "atime_ns", "mtime_ns",
            "ctime_ns", "btime_ns", "ino", "nlink", "target", "sha256");
        texts = queue.Into("text_line", "id", "bundle_id", "item_id", "row", "kind", "text");
        TextGroups groups = new(queue, bundleId);
        timelineFilter = new TextFilterWriter(groups, "timeline");
        textFilter = new TextFilterWriter(groups, "text_line");
        diffFilter = new TextFilterWriter(groups, "diff_entry");
        processFilter = new TextFilterWriter(groups, "process");
    }

    public QueuedInsert Sockets { get; }

    public long BundleId { get; }

    public long ItemId { get; private set; }

    public string ItemPath { get; private set; } = "";

    /// <summary>When the collector began to read the present item.</summary>
    public long ItemOpenedAtNs { get; private set; }

    /// <summary>Rows written in all.</summary>
    public long Rows { get; set; }

    public void BeginItem(SealedItem item)
    {
        (ItemId, ItemPath, ItemOpenedAtNs, notesOfItem) = (nextItem++, item.Path, item.OpenedAtNs, 0);
        items.Add(ItemId).Add(BundleId).Add(item.Path).Add(item.Collector).Add(item.Source).Add(item.VolatilityRank).Add(item.Status)
            .Add(item.StoredBytes).Add(item.RawBytes).Add(item.Sha256).Add(item.RawSha256).Add(item.OpenedAtNs).Add(item.ClosedAtNs).Add(item.Error).Run();
        Rows++;
    }

    public void AddJournalEntry(long seq, long atNs, string name, string line)
    {
        journal.Add(BundleId).Add(seq).Add(atNs).Add(name).Add(line).Run();
        Rows++;
    }

    /// <summary>Adds a row to the timeline.</summary>
    /// <param name="atNs">When; a row without an instant has no place here.</param>
    /// <param name="meaning">What the instant means: <c>modified</c>, <c>started</c>, <c>logged</c> …</param>
    /// <param name="source">What kind of evidence says so, see <see cref="TimelineSources"/>.</param>
    /// <param name="message">What happened, in display form.</param>
    /// <param name="row">Line of the item that says so; of the journal before the first item has begun.</param>
    public void AddToTimeline(long atNs, string meaning, string source, string message, long row)
    {
        ReadOnlySpan<byte> text = Utf8Of(message.Length <= MaxMessageCharacters ? message : string.Concat(message.AsSpan(0, MaxMessageCharacters - 1), "…"));
        long id = nextTimeline++;
        timeline.Add(id).Add(atNs).Add(meaning).Add(source).AddText(text).Add(BundleId).Add(ItemId == 0 ? (long?)null : ItemId).Add(row).Run();
        timelineFilter.Add(id, text);
        Rows++;
    }

    /// <summary>Begins a row of a changed file; its further columns and <see cref="EndDiffEntry"/> follow.</summary>
    public QueuedInsert BeginDiffEntry(long row, byte[] path, string display)
    {
        int length = Encode(display);
        diffText = length;
        return diffEntries.Add(nextDiffEntry).Add(BundleId).Add(ItemId).Add(row).Add(path).AddText(utf8.AsSpan(0, length));
    }

    /// <summary>Writes the row that was begun.</summary>
    public void EndDiffEntry()
    {
        diffEntries.Run();
        diffFilter.Add(nextDiffEntry++, utf8.AsSpan(0, diffText));
        Rows++;
    }

    /// <summary>Begins a row of a process; its further columns and <see cref="EndProcess"/> follow.</summary>
    public QueuedInsert BeginProcess(long row) => processes.Add(nextProcess).Add(BundleId).Add(ItemId).Add(row);

    /// <summary>Writes the row that was begun.</summary>
    /// <param name="searched">The texts of the row, which are searched together.</param>
    public void EndProcess(params ReadOnlySpan<string?> searched)
    {
        processes.Run();
        processFilter.Add(nextProcess++, Utf8Of(string.Join('\n', searched)));
        Rows++;
    }

    /// <summary>Adds a text that is searched and has no table of its own, in display form.</summary>
    public void AddText(string kind, string text, long? row)
    {
        ReadOnlySpan<byte> bytes = Utf8Of(text);
        texts.Add(nextText).Add(BundleId).Add(ItemId).Add(row).Add(kind).AddText(bytes).Run();
        textFilter.Add(nextText++, bytes);
        Rows++;
    }

    /// <summary>Writes what the text filters still hold and waits until all is stored. The bundle's last row has been added.</summary>
    public void EndBundle()
    {
        timelineFilter.Flush();
        textFilter.Flush();
        diffFilter.Flush();
        processFilter.Flush();
        queue.Finish();
    }

    /// <summary>Says what the index leaves out of the present item. After some, only that there are more.</summary>
    public void Note(long? row, string note)
    {
        notesOfItem++;
        if (notesOfItem <= MaxNotesPerItem)
        {
            notes.Add(BundleId).Add(ItemPath).Add(row).Add(DisplayText.Shorten(note, 400)).Run();
        }
        else if (notesOfItem == MaxNotesPerItem + 1)
        {
            notes.Add(BundleId).Add(ItemPath).Add(row).Add("and further lines").Run();
        }
    }

    public void Dispose() => queue.Dispose();

    private ReadOnlySpan<byte> Utf8Of(string text)
    {
        // First encoded, then asked for: a longer text gets a larger array.
        int length = Encode(text);
        return utf8.AsSpan(0, length);
    }

    private int Encode(string text)
    {
        int most = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (most > utf8.Length)
        {
            utf8 = new byte[most];
        }

        return Encoding.UTF8.GetBytes(text, utf8);
    }
}
