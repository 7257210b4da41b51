using ContainerIR.Evidence.Text;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>What could be taken over from a damaged <c>case.db</c>.</summary>
/// <param name="KeptAs">Where the damaged file stands now.</param>
/// <param name="Rows">Rows of the record that were taken over, each proven by its own digest and that of the row before.</param>
/// <param name="BrokenBy">Why no more could be; null where the record was read to its end.</param>
public sealed record SalvagedRecord(string KeptAs, long Rows, string? BrokenBy);

/// <summary>
/// Takes the record of a case, which stands nowhere else, out of a damaged database into the new one: from the first row for as long as the chain holds. What
/// follows a break cannot be appended without pretending; it stays in the damaged file, which is kept.
/// </summary>
internal static class CaseSalvage
{
    public static SalvagedRecord TakeOver(string damaged, CaseStore store)
    {
        long rows = 0;
        string? broken = null;
        try
        {
            // Writable: a write-ahead log that was left beside it is part of it.
            using SqliteConnection old = new(new SqliteConnectionStringBuilder { DataSource = damaged, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
            old.Open();
            CaseDatabase.Execute(old, "PRAGMA trusted_schema = OFF");
            TakeFacts(old, store);
            rows = TakeRows(old, store, out broken);
        }
        catch (SqliteException failure)
        {
            broken = failure.Message;
        }

        return new SalvagedRecord(damaged, rows, broken is null ? null : DisplayText.Shorten(broken, 200));
    }

    private static void TakeFacts(SqliteConnection old, CaseStore store)
    {
        using SqliteCommand read = old.CreateCommand();
        read.CommandText = """SELECT created_at_ns, examiner, reason FROM "case" """;
        using SqliteDataReader row = read.ExecuteReader();
        if (row.Read() && row[0] is long createdAt)
        {
            using SqliteCommand update = store.Connection.CreateCommand();
            update.CommandText = """UPDATE "case" SET created_at_ns = $at, examiner = $examiner, reason = $reason""";
            update.Parameters.AddWithValue("$at", createdAt);
            update.Parameters.AddWithValue("$examiner", row[1] as string ?? (object)DBNull.Value);
            update.Parameters.AddWithValue("$reason", row[2] as string ?? (object)DBNull.Value);
            update.ExecuteNonQuery();
        }
    }

    private static long TakeRows(SqliteConnection old, CaseStore store, out string? broken)
    {
        broken = null;
        long rows = 0;
        string prev = Casebook.Zeros;
        using SqliteCommand read = old.CreateCommand();
        read.CommandText = "SELECT seq, utc_ns, run, run_seq, event, line, prev_hash, hash FROM casebook ORDER BY seq";
        using SqliteDataReader row = read.ExecuteReader();
        using Insert insert = new(store.Connection, "casebook", "seq", "utc_ns", "run", "run_seq", "event", "line", "prev_hash", "hash");
        try
        {
            while (row.Read())
            {
                if (row[0] is not long seq || row[1] is not long at || row[2] is not string run || row[3] is not long runSeq || row[4] is not string word || row[5] is not string line
                    || seq != rows + 1 || row[6] as string != prev || row[7] as string != Casebook.HashOf(line))
                {
                    broken = $"row {rows + 1} is missing or not the row that was written";
                    return rows;
                }

                prev = Casebook.HashOf(line);
                insert.Add(seq).Add(at).Add(run).Add(runSeq).Add(word).Add(line).Add(row.GetString(6)).Add(prev).Run();
                rows++;
            }
        }
        catch (SqliteException failure)
        {
            broken = $"after row {rows}: {failure.Message}";
        }

        return rows;
    }
}
