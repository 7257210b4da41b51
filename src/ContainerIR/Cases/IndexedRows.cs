using System.Globalization;
using ContainerIR.Evidence;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>A table of a bundle's index that a person pages through.</summary>
public enum IndexedTable
{
    /// <summary>pid, parent, uid, start (ns), signs, command, executable.</summary>
    Processes,

    /// <summary>protocol, state, local, remote, peer, pid, process.</summary>
    Sockets,

    /// <summary>verdict, kind, size (bytes), modified (ns), path.</summary>
    Changes,

    /// <summary>instant (ns), source, meaning, message.</summary>
    Timeline,

    /// <summary>status, bytes read, bytes stored, path, SHA-256.</summary>
    Items,

    /// <summary>collector, sought, reason.</summary>
    Gaps,
}

/// <summary>
/// Rows of one table of one bundle in their order, read from the index in pages as they are asked for. In memory are eight bytes a row and one page.
/// Not for several threads at once.
/// </summary>
public sealed class IndexedRows
{
    private const int PageRows = 128;

    private readonly CaseStore store;
    private readonly Definition definition;
    private readonly long[] ids;
    private readonly int[]? depths;
    private readonly List<IReadOnlyList<object?>> page = [];
    private int pageStart = -1;

    private IndexedRows(CaseStore store, Definition definition, long[] ids, int[]? depths) => (this.store, this.definition, this.ids, this.depths) = (store, definition, ids, depths);

    /// <summary>Number of rows.</summary>
    public int Count => ids.Length;

    /// <summary>One row: a text, a number or null for each column.</summary>
    public IReadOnlyList<object?> this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, ids.Length);
            int start = index / PageRows * PageRows;
            if (start != pageStart)
            {
                ReadPage(start);
            }

            return page[index - start];
        }
    }

    /// <summary>How many of the process's ancestors are among the rows above it; 0 in other tables, and where a text was sought.</summary>
    public int DepthOf(int index) => depths?[index] ?? 0;

    /// <summary>Where a row stands in the bundle: the item's path and the line in it; null for rows that are of no item.</summary>
    public (string Item, long Row)? PlaceOf(int index)
    {
        if (!definition.HasPlace)
        {
            return null;
        }

        using SqliteCommand read = store.Connection.CreateCommand();
        read.CommandText = $"SELECT i.path, t.row FROM {definition.Table} t JOIN item i ON i.id = t.item_id WHERE t.id = $id AND t.row IS NOT NULL";
        read.Parameters.AddWithValue("$id", ids[index]);
        using SqliteDataReader row = read.ExecuteReader();
        return row.Read() ? (row.GetString(0), row.GetInt64(1)) : null;
    }

    /// <summary>The index's number of a bundle.</summary>
    /// <param name="store">The case.</param>
    /// <param name="folder">Name of the bundle's folder; null for the bundle indexed last.</param>
    /// <exception cref="OperatorException">The index does not have it.</exception>
    public static long BundleOf(CaseStore store, string? folder)
    {
        ArgumentNullException.ThrowIfNull(store);
        using SqliteCommand read = store.Connection.CreateCommand();
        read.CommandText = "SELECT max(id) FROM bundle WHERE $folder IS NULL OR folder = $folder";
        read.Parameters.AddWithValue("$folder", (object?)folder ?? DBNull.Value);
        return read.ExecuteScalar() is long id
            ? id
            : throw new OperatorException($"The index of case {store.Id} does not have this bundle.", $"Fill the index again: cir case rebuild {store.Id}");
    }

    /// <summary>Finds the rows that hold a text in any column a person reads.</summary>
    /// <param name="store">The case.</param>
    /// <param name="bundleId">The index's number of the bundle.</param>
    /// <param name="table">Which table.</param>
    /// <param name="text">The text, ASCII letters in either case; empty for all rows.</param>
    public static IndexedRows Select(CaseStore store, long bundleId, IndexedTable table, string text)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(text);
        Definition definition = Definition.Of(table);
        using SqliteCommand read = store.Connection.CreateCommand();
        string searched = string.Join(" || ' ' || ", definition.Searched.Select(column => $"coalesce({column}, '')"));
        read.CommandText = $"SELECT id FROM {definition.Table} WHERE bundle_id = $bundle AND ($text = '' OR instr(lower({searched}), lower($text)) > 0) ORDER BY {definition.Order}";
        read.Parameters.AddWithValue("$bundle", bundleId);
        read.Parameters.AddWithValue("$text", text);
        List<long> found = [];
        using SqliteDataReader rows = read.ExecuteReader();
        while (rows.Read())
        {
            found.Add(rows.GetInt64(0));
        }

        if (table == IndexedTable.Processes && text.Length == 0)
        {
            (long[] ordered, int[] depths) = AsTree(store, bundleId, found);
            return new IndexedRows(store, definition, ordered, depths);
        }

        return new IndexedRows(store, definition, [.. found], null);
    }

    // Children below their parent. The same pid may stand twice (used again): the first is the parent of all.
    private static (long[] Ids, int[] Depths) AsTree(CaseStore store, long bundleId, List<long> found)
    {
        Dictionary<long, (long Pid, long? Parent)> facts = [];
        using SqliteCommand read = store.Connection.CreateCommand();
        read.CommandText = "SELECT id, pid, ppid FROM process WHERE bundle_id = $bundle";
        read.Parameters.AddWithValue("$bundle", bundleId);
        using (SqliteDataReader row = read.ExecuteReader())
        {
            while (row.Read())
            {
                facts[row.GetInt64(0)] = (row.GetInt64(1), row.IsDBNull(2) ? null : row.GetInt64(2));
            }
        }

        Dictionary<long, long> byPid = [];
        foreach (long id in found)
        {
            byPid.TryAdd(facts[id].Pid, id);
        }

        ILookup<long, long> children = found.ToLookup(id => facts[id].Parent is { } parent && byPid.TryGetValue(parent, out long at) && at != id ? at : 0);
        List<long> ordered = new(found.Count);
        List<int> depths = new(found.Count);
        HashSet<long> placed = [];
        Stack<(long Id, int Depth)> next = new(children[0].Reverse().Select(id => (id, 0)));
        while (next.TryPop(out (long Id, int Depth) top))
        {
            if (placed.Add(top.Id))
            {
                ordered.Add(top.Id);
                depths.Add(top.Depth);
                foreach (long child in children[top.Id].Reverse())
                {
                    next.Push((child, top.Depth + 1));
                }
            }
        }

        // A ring of parents, as only a forged record has: nothing is left out.
        foreach (long id in found.Where(placed.Add))
        {
            ordered.Add(id);
            depths.Add(0);
        }

        return ([.. ordered], [.. depths]);
    }

    private void ReadPage(int start)
    {
        long[] wanted = ids[start..Math.Min(ids.Length, start + PageRows)];
        using SqliteCommand read = store.Connection.CreateCommand();
        // Numbers of our own index: nothing in this text was anybody else's to choose.
        read.CommandText = $"SELECT id, {string.Join(", ", definition.Columns)} FROM {definition.Table} WHERE id IN ({string.Join(',', wanted.Select(id => id.ToString(CultureInfo.InvariantCulture)))})";
        Dictionary<long, object?[]> byId = [];
        using SqliteDataReader rows = read.ExecuteReader();
        while (rows.Read())
        {
            object?[] values = new object?[definition.Columns.Length];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = rows.IsDBNull(i + 1) ? null : rows.GetValue(i + 1);
            }

            byId[rows.GetInt64(0)] = values;
        }

        page.Clear();
        page.AddRange(wanted.Select(id => byId[id]));
        pageStart = start;
    }

    private sealed record Definition(string Table, string Order, string[] Columns, string[] Searched)
    {
        // Whether rows name the line of the item they were read from.
        public bool HasPlace => Table is "process" or "socket" or "diff_entry" or "timeline";

        public static Definition Of(IndexedTable table) => table switch
        {
            IndexedTable.Processes => new(
                "process", "pid", ["pid", "ppid", "uid", "started_at_ns", "signs", "command", "exe"], ["pid", "command", "exe", "name", "signs"]),
            IndexedTable.Sockets => new(
                "socket", "(remote_address IS NULL), protocol, local_port, id",
                [
                    "protocol", "state", "coalesce(local_address || ':' || local_port, name)", "CASE WHEN remote_address IS NULL THEN NULL ELSE remote_address || ':' || remote_port END", "peer", "pid", "process",
                ],
                ["protocol", "state", "local_address", "local_port", "remote_address", "remote_port", "peer", "pid", "process", "name"]),
            IndexedTable.Changes => new("diff_entry", "path", ["verdict", "kind", "size", "mtime_ns", "display"], ["verdict", "kind", "display"]),
            IndexedTable.Timeline => new("timeline", "at_ns DESC, id DESC", ["at_ns", "source", "meaning", "message"], ["source", "meaning", "message"]),
            IndexedTable.Items => new("item", "path", ["status", "raw_bytes", "stored_bytes", "path", "sha256"], ["status", "path", "sha256", "collector"]),
            IndexedTable.Gaps => new("gap", "id", ["collector", "sought", "reason"], ["collector", "sought", "reason"]),
            _ => throw new ArgumentOutOfRangeException(nameof(table), table, "no such table"),
        };
    }
}
