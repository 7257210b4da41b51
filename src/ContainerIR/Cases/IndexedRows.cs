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
    private readonly List<IReadOnlyList<object?>> page = [];
    private int pageStart = -1;

    private IndexedRows(CaseStore store, Definition definition, long[] ids) => (this.store, this.definition, this.ids) = (store, definition, ids);

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

        return new IndexedRows(store, definition, [.. found]);
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
