using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>
/// A fill that is large beside what the index holds: SQL indexes are dropped before it and made after it, sorted, in place of a random insertion for each row
/// (measured: 5 times as fast at a million rows). All of it is in the transaction of the fill: others read the old index until it is committed.
/// </summary>
internal sealed class BulkFill
{
    // What a row of an item takes, as a guess: it decides about speed only.
    private const long BytesOfRow = 250;
    private const long MinRows = 50_000;

    private readonly SqliteConnection connection;
    private readonly List<string> definitions;

    private BulkFill(SqliteConnection connection, List<string> definitions) => (this.connection, this.definitions) = (connection, definitions);

    /// <summary>Drops the indexes of the large tables where that pays.</summary>
    public static BulkFill Begin(SqliteConnection connection, IEnumerable<SealedItem> items)
    {
        long coming = items.Where(item => IndexedItems.ReaderOf(item) is not null).Sum(item => Math.Max(0, item.RawBytes) / BytesOfRow);
        if (coming < MinRows || coming < CaseDatabase.Scalar(connection, "SELECT coalesce(max(id) - min(id), 0) FROM timeline") / 2)
        {
            return new BulkFill(connection, []);
        }

        List<(string Name, string Sql)> indexes = [];
        using (SqliteCommand read = connection.CreateCommand())
        {
            read.CommandText = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('timeline', 'diff_entry') ORDER BY name";
            using SqliteDataReader row = read.ExecuteReader();
            while (row.Read())
            {
                indexes.Add((row.GetString(0), row.GetString(1)));
            }
        }

        foreach ((string name, _) in indexes)
        {
            CaseDatabase.Execute(connection, $"DROP INDEX \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
        }

        return new BulkFill(connection, [.. indexes.Select(index => index.Sql)]);
    }

    /// <summary>Makes them again. SQLite sorts with a second thread (measured: a quarter less time).</summary>
    public void End()
    {
        CaseDatabase.Execute(connection, "PRAGMA threads = 1");
        definitions.ForEach(sql => CaseDatabase.Execute(connection, sql));
        CaseDatabase.Execute(connection, "PRAGMA threads = 0");
    }
}
