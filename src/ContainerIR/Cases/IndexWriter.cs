using ContainerIR.Evidence.Text;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>The prepared statements that fill the index, and the bundle and item they fill it for. One instance serves one transaction.</summary>
internal sealed class IndexWriter : IDisposable
{
    private const int MaxMessageCharacters = 4096;
    private const int MaxNotesPerItem = 20;

    private readonly Insert timeline;
    private readonly Insert notes;
    private int notesOfItem;

    public IndexWriter(SqliteConnection connection)
    {
        timeline = new Insert(connection, "timeline", "at_ns", "meaning", "source", "message", "bundle_id", "item_id", "row");
        notes = new Insert(connection, "index_note", "bundle_id", "path", "row", "note");
        Processes = new Insert(
            connection, "process", "bundle_id", "item_id", "row", "pid", "ppid", "ns_pid", "uid", "name", "exe", "exe_deleted", "exe_sha256", "command",
            "started_at_ns", "signs");
        Sockets = new Insert(
            connection, "socket", "bundle_id", "item_id", "row", "protocol", "state", "local_address", "local_port", "remote_address", "remote_port",
            "peer", "name", "inode", "uid", "pid", "process", "host_side");
        DiffEntries = new Insert(
            connection, "diff_entry", "bundle_id", "item_id", "row", "path", "display", "verdict", "kind", "mode", "uid", "gid", "size", "atime_ns", "mtime_ns",
            "ctime_ns", "btime_ns", "ino", "nlink", "target", "sha256");
    }

    public Insert Processes { get; }

    public Insert Sockets { get; }

    public Insert DiffEntries { get; }

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
        timeline.Add(atNs).Add(meaning).Add(source)
            .Add(message.Length <= MaxMessageCharacters ? message : string.Concat(message.AsSpan(0, MaxMessageCharacters - 1), "…"))
            .Add(BundleId).Add(ItemId == 0 ? (long?)null : ItemId).Add(row).Run();
        Rows++;
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
        Processes.Dispose();
        Sockets.Dispose();
        DiffEntries.Dispose();
    }
}
