using System.Text;
using ContainerIR.Evidence.Text;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>The prepared statements that fill the index, and the bundle and item they fill it for. One instance serves one transaction.</summary>
internal sealed class IndexWriter : IDisposable
{
    public const int MaxMessageCharacters = 4096;
    private const int MaxNotesPerItem = 20;

    private readonly Insert timeline;
    private readonly Insert notes;
    private readonly Insert texts;
    private readonly Insert diffEntries;
    private readonly Insert processes;
    private readonly TextFilterWriter timelineFilter;
    private readonly TextFilterWriter textFilter;
    private readonly TextFilterWriter diffFilter;
    private readonly TextFilterWriter processFilter;
    private byte[] utf8 = new byte[4 * 1024];
    private int notesOfItem;
    private int diffText;

    public IndexWriter(SqliteConnection connection)
    {
        timeline = new Insert(connection, "timeline", "at_ns", "meaning", "source", "message", "bundle_id", "item_id", "row");
        notes = new Insert(connection, "index_note", "bundle_id", "path", "row", "note");
        processes = new Insert(
            connection, "process", "bundle_id", "item_id", "row", "pid", "ppid", "ns_pid", "uid", "name", "exe", "exe_deleted", "exe_sha256", "command",
            "started_at_ns", "signs");
        Sockets = new Insert(
            connection, "socket", "bundle_id", "item_id", "row", "protocol", "state", "local_address", "local_port", "remote_address", "remote_port",
            "peer", "name", "inode", "uid", "pid", "process", "host_side");
        diffEntries = new Insert(
            connection, "diff_entry", "bundle_id", "item_id", "row", "path", "display", "verdict", "kind", "mode", "uid", "gid", "size", "atime_ns", "mtime_ns",
            "ctime_ns", "btime_ns", "ino", "nlink", "target", "sha256");
        texts = new Insert(connection, "text_line", "bundle_id", "item_id", "row", "kind", "text");
        timelineFilter = new TextFilterWriter(connection, "timeline");
        textFilter = new TextFilterWriter(connection, "text_line");
        diffFilter = new TextFilterWriter(connection, "diff_entry");
        processFilter = new TextFilterWriter(connection, "process");
    }

    public Insert Sockets { get; }

    public long BundleId { get; set; }

    public long ItemId { get; private set; }

    public string ItemPath { get; private set; } = "";

    /// <summary>When the collector began to read the present item.</summary>
    public long ItemOpenedAtNs { get; private set; }

    /// <summary>Rows written in all.</summary>
    public long Rows { get; set; }

    public void BeginItem(long id, SealedItem item) => (ItemId, ItemPath, ItemOpenedAtNs, notesOfItem) = (id, item.Path, item.OpenedAtNs, 0);

    /// <summary>Adds a row to the timeline.</summary>
    /// <param name="atNs">When; a row without an instant has no place here.</param>
    /// <param name="meaning">What the instant means: <c>modified</c>, <c>started</c>, <c>logged</c> …</param>
    /// <param name="source">What kind of evidence says so, see <see cref="TimelineSources"/>.</param>
    /// <param name="message">What happened, in display form.</param>
    /// <param name="row">Line of the item that says so; of the journal before the first item has begun.</param>
    public void AddToTimeline(long atNs, string meaning, string source, string message, long row)
    {
        ReadOnlySpan<byte> text = Utf8Of(message.Length <= MaxMessageCharacters ? message : string.Concat(message.AsSpan(0, MaxMessageCharacters - 1), "…"));
        long id = timeline.Add(atNs).AddWord(meaning).AddWord(source).AddText(text).Add(BundleId).Add(ItemId == 0 ? (long?)null : ItemId).Add(row).Run();
        timelineFilter.Add(BundleId, id, text);
        Rows++;
    }

    /// <summary>Begins a row of a changed file; its further columns and <see cref="EndDiffEntry"/> follow.</summary>
    public Insert BeginDiffEntry(long row, byte[] path, string display)
    {
        int length = Encode(display);
        diffText = length;
        return diffEntries.Add(BundleId).Add(ItemId).Add(row).Add(path).AddText(utf8.AsSpan(0, length));
    }

    /// <summary>Writes the row that was begun.</summary>
    public void EndDiffEntry()
    {
        diffFilter.Add(BundleId, diffEntries.Run(), utf8.AsSpan(0, diffText));
        Rows++;
    }

    /// <summary>Begins a row of a process; its further columns and <see cref="EndProcess"/> follow.</summary>
    public Insert BeginProcess(long row) => processes.Add(BundleId).Add(ItemId).Add(row);

    /// <summary>Writes the row that was begun.</summary>
    /// <param name="searched">The texts of the row, which are searched together.</param>
    public void EndProcess(params ReadOnlySpan<string?> searched)
    {
        long id = processes.Run();
        processFilter.Add(BundleId, id, Utf8Of(string.Join('\n', searched)));
        Rows++;
    }

    /// <summary>Adds a text that is searched and has no table of its own, in display form.</summary>
    public void AddText(string kind, string text, long? row)
    {
        ReadOnlySpan<byte> bytes = Utf8Of(text);
        long id = texts.Add(BundleId).Add(ItemId).Add(row).Add(kind).AddText(bytes).Run();
        textFilter.Add(BundleId, id, bytes);
        Rows++;
    }

    /// <summary>Writes what the text filters still hold. The bundle's last row has been added.</summary>
    public void EndBundle()
    {
        timelineFilter.Flush(BundleId);
        textFilter.Flush(BundleId);
        diffFilter.Flush(BundleId);
        processFilter.Flush(BundleId);
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

    public void Dispose()
    {
        timeline.Dispose();
        notes.Dispose();
        processes.Dispose();
        Sockets.Dispose();
        diffEntries.Dispose();
        texts.Dispose();
        timelineFilter.Dispose();
        textFilter.Dispose();
        diffFilter.Dispose();
        processFilter.Dispose();
    }

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
