using System.Buffers.Binary;
using System.Numerics;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ContainerIR.Cases;

/// <summary>
/// Says which rows of a table can hold a text: all that do, and some that do not. What no filter was made of (little text, or a case of an older version) is among them.
/// </summary>
internal sealed class TextFilter(SqliteConnection connection) : IDisposable
{
    private readonly Dictionary<string, List<Group>> groups = new(StringComparer.Ordinal);
    private Slices? slices;

    /// <summary>Ranges of row numbers in ascending order, those that touch joined.</summary>
    /// <param name="table">Table of the index.</param>
    /// <param name="text">What the rows must hold, ASCII letters in either case; null or shorter than a gram for all rows.</param>
    public IEnumerable<(long First, long Last)> RangesOf(string table, string? text)
    {
        int[] slots = text is null ? [] : TextGrams.SlotsOf(text);
        (long First, long Last)? open = null;
        foreach ((long first, long last) in BlocksOf(table, slots))
        {
            if (open is { } before && before.Last + 1 == first)
            {
                open = (before.First, last);
                continue;
            }

            if (open is { } whole)
            {
                yield return whole;
            }

            open = (first, last);
        }

        if (open is { } rest)
        {
            yield return rest;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => slices?.Dispose();

    private IEnumerable<(long First, long Last)> BlocksOf(string table, int[] slots)
    {
        slices ??= new Slices(connection);
        foreach (Group group in GroupsOf(table))
        {
            if (slots.Length == 0 || group.Starts is not { } starts)
            {
                yield return (group.First, group.Last);
                continue;
            }

            ulong blocks = slices.BlocksWithAll(group.Id, slots);
            for (int count = starts.Length / sizeof(int); blocks != 0; blocks &= blocks - 1)
            {
                int block = BitOperations.TrailingZeroCount(blocks);
                if (block >= count)
                {
                    break;
                }

                long first = group.First + BinaryPrimitives.ReadInt32LittleEndian(starts.AsSpan(block * sizeof(int)));
                long last = block + 1 < count ? group.First + BinaryPrimitives.ReadInt32LittleEndian(starts.AsSpan((block + 1) * sizeof(int))) - 1 : group.Last;
                yield return (first, last);
            }
        }
    }

    private List<Group> GroupsOf(string table)
    {
        if (groups.TryGetValue(table, out List<Group>? known))
        {
            return known;
        }

        using SqliteCommand read = connection.CreateCommand();
        read.CommandText = "SELECT id, first_id, last_id, starts FROM text_group WHERE of = $of ORDER BY first_id";
        read.Parameters.AddWithValue("$of", table);
        using SqliteDataReader row = read.ExecuteReader();
        List<Group> found = [];
        while (row.Read())
        {
            found.Add(new Group(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.IsDBNull(3) ? null : (byte[])row[3]));
        }

        return groups[table] = found;
    }

    private sealed record Group(long Id, long First, long Last, byte[]? Starts);

    // Straight on SQLite's own calls: thousands of look-ups a question, eight bytes each.
    private sealed class Slices : IDisposable
    {
        private readonly sqlite3_stmt statement;

        public Slices(SqliteConnection connection)
        {
            sqlite3 database = connection.Handle ?? throw new InvalidOperationException("the connection is not open");
            int result = raw.sqlite3_prepare_v2(database, "SELECT bits FROM text_slice WHERE group_id = ? AND piece = ?", out statement);
            if (result != raw.SQLITE_OK)
            {
                throw new SqliteException(raw.sqlite3_errmsg(database).utf8_to_string(), result, raw.sqlite3_extended_errcode(database));
            }
        }

        public ulong BlocksWithAll(long group, int[] slots)
        {
            ulong blocks = ulong.MaxValue;
            foreach (int slot in slots)
            {
                blocks &= BlocksWith(group, slot);
                if (blocks == 0)
                {
                    break;
                }
            }

            return blocks;
        }

        public void Dispose() => statement.Dispose();

        // A slice that is missing or short says nothing, so it rules nothing out.
        private ulong BlocksWith(long group, int slot)
        {
            raw.sqlite3_bind_int64(statement, 1, group);
            raw.sqlite3_bind_int64(statement, 2, slot / TextGrams.SlotsOfPiece);
            int result = raw.sqlite3_step(statement);
            ulong blocks = ulong.MaxValue;
            if (result == raw.SQLITE_ROW)
            {
                ReadOnlySpan<byte> bits = raw.sqlite3_column_blob(statement, 0);
                int at = slot % TextGrams.SlotsOfPiece * sizeof(ulong);
                blocks = at + sizeof(ulong) <= bits.Length ? BinaryPrimitives.ReadUInt64LittleEndian(bits[at..]) : ulong.MaxValue;
            }

            raw.sqlite3_reset(statement);
            return result is raw.SQLITE_ROW or raw.SQLITE_DONE ? blocks : throw new SqliteException("a slice of the text filter cannot be read", result);
        }
    }
}
