using System.Globalization;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;

namespace ContainerIR.Cli.Screens;

/// <summary>One of the tables of a bundle's index, as the console shows it.</summary>
/// <param name="Title">Its name.</param>
/// <param name="Meaning">A sentence for the help.</param>
/// <param name="Table">Which rows of the index.</param>
/// <param name="Columns">Columns of the list; one for each text of a row.</param>
internal sealed record BundleTable(string Title, string Meaning, IndexedTable Table, params Column[] Columns)
{
    public static IReadOnlyList<BundleTable> All { get; } =
    [
        new("Processes", "Processes with their executables and signs", IndexedTable.Processes,
            new("PID", Right: true), new("PARENT", Right: true), new("UID", Right: true), new("STARTED"), new("SIGNS", MinCells: 8), new("COMMAND", MinCells: 16), new("EXECUTABLE", MinCells: 10)),
        new("Network", "Sockets with their processes and peers", IndexedTable.Sockets,
            new("PROTO"), new("STATE"), new("LOCAL", MinCells: 12), new("REMOTE", MinCells: 12), new("PEER", MinCells: 8), new("PID", Right: true), new("PROCESS", MinCells: 10)),
        new("Changes", "Files changed against the image", IndexedTable.Changes,
            new("VERDICT"), new("KIND"), new("SIZE", Right: true), new("MODIFIED"), new("PATH", MinCells: 20)),
        new("Timeline", "What happened, by time", IndexedTable.Timeline, new("WHEN"), new("SOURCE"), new("MEANING", MinCells: 8), new("WHAT", MinCells: 20)),
        new("Items", "What was copied", IndexedTable.Items, new("STATUS"), new("READ", Right: true), new("STORED", Right: true), new("ITEM", MinCells: 20), new("SHA-256", MinCells: 12)),
        new("Gaps", "What was sought and not obtained, and why", IndexedTable.Gaps, new("COLLECTOR"), new("SOUGHT", MinCells: 16), new("REASON", MinCells: 20)),
    ];
}

/// <summary>The rows of one bundle of an open case.</summary>
internal sealed class BundleTables : IDisposable
{
    // Deeper branches of processes are drawn no further to the right.
    private const int MaxIndent = 12;

    private readonly CaseStore store;
    private readonly long bundleId;

    private BundleTables(CaseStore store, long bundleId) => (this.store, this.bundleId) = (store, bundleId);

    /// <summary>Takes over an open case, and of it the bundle in this folder; null for the newest.</summary>
    public static BundleTables OpenLast(CaseStore store, string? folder) => new(store, IndexedRows.BundleOf(store, folder));

    /// <summary>The rows of a table that hold a text; all when it is empty.</summary>
    public BundleRows Select(BundleTable table, string filter) => new(IndexedRows.Select(store, bundleId, table.Table, filter), table.Table);

    /// <summary>Path of the item of this name, whatever its collector's folder is called; null when there is none.</summary>
    public string? ItemNamed(string end)
    {
        IndexedRows items = IndexedRows.Select(store, bundleId, IndexedTable.Items, end);
        return Enumerable.Range(0, items.Count).Select(i => items[i][3] as string).FirstOrDefault(path => path?.EndsWith(end, StringComparison.Ordinal) == true);
    }

    public void Dispose() => store.Dispose();

    /// <summary>A row of a table for the eye.</summary>
    internal static RowCells Shown(IndexedTable table, IReadOnlyList<object?> row, int depth)
    {
        string[] cells = [.. row.Select((value, i) => Cell(table, i, value))];
        if (depth > 0)
        {
            cells[5] = new string(' ', Math.Min(depth - 1, MaxIndent) * 2) + "\u2514 " + cells[5];
        }

        return new RowCells(ToneOf(table, cells), cells);
    }

    private static string Cell(IndexedTable table, int column, object? value) => (table, column, value) switch
    {
        (_, _, null) => "",
        (_, _, long at) when (table, column) is (IndexedTable.Processes, 3) or (IndexedTable.Changes, 3) or (IndexedTable.Timeline, 0) =>
            Quantities.Instant(DateTimeOffset.UnixEpoch.AddTicks(at / 100)),
        (_, _, long bytes) when (table, column) is (IndexedTable.Changes, 2) or (IndexedTable.Items, 1 or 2) => Quantities.Bytes(bytes),
        (_, _, long number) => number.ToString(CultureInfo.InvariantCulture),
        _ => Cells.Safe(value.ToString() ?? ""),
    };

    private static Tone ToneOf(IndexedTable table, string[] cells) => table switch
    {
        IndexedTable.Processes when cells[4].Length > 0 => Tone.Bad,
        IndexedTable.Sockets when cells[1] is "ESTABLISHED" or "SYN_SENT" => Tone.Warning,
        IndexedTable.Changes when cells[0] is "modified" or "deleted" => Tone.Warning,
        IndexedTable.Changes when cells[0] is "mount-stub" or "touched" => Tone.Dim,
        IndexedTable.Items when cells[0] != "complete" => Tone.Warning,
        IndexedTable.Gaps => Tone.Warning,
        _ => Tone.Plain,
    };
}

/// <summary>Rows of a table, and where each stands in the evidence.</summary>
internal sealed class BundleRows(IndexedRows rows, IndexedTable table) : IRowSource
{
    public int Count => rows.Count;

    public RowCells this[int index] => BundleTables.Shown(table, rows[index], rows.DepthOf(index));

    /// <summary>The item and its line; null where the row is of no item.</summary>
    public (string Item, long Row)? PlaceOf(int index) => rows.PlaceOf(index);
}
