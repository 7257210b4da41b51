using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ContainerIR.Cases;

/// <summary>
/// One prepared INSERT that is bound and stepped many times. Straight on SQLite's own calls: the provider's parameter objects cost more than the
/// insertion (measured: a third of the rows per second). Values are added in the order of the columns, then <see cref="Run"/>.
/// </summary>
internal sealed class Insert : IDisposable
{
    private const int MaxWord = 24;

    private readonly sqlite3 database;
    private readonly sqlite3_stmt statement;
    private readonly int columns;
    private readonly byte[]?[] words;
    private int bound;

    public Insert(SqliteConnection connection, string table, params string[] columns)
    {
        database = connection.Handle ?? throw new InvalidOperationException("the connection is not open");
        this.columns = columns.Length;
        words = new byte[]?[columns.Length];
        string sql = $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", Enumerable.Repeat("?", columns.Length))})";
        Check(raw.sqlite3_prepare_v2(database, sql, out statement));
    }

    public Insert Add(long value)
    {
        words[bound] = null;
        return Bound(raw.sqlite3_bind_int64(statement, ++bound, value));
    }

    public Insert Add(long? value) => value is { } number ? Add(number) : AddNull();

    public Insert Add(string? value) => value is null ? AddNull() : AddText(Encoding.UTF8.GetBytes(value));

    /// <summary>Text that is UTF-8 already.</summary>
    public Insert AddText(ReadOnlySpan<byte> utf8)
    {
        // What is bound stays bound after the row: a word that comes again and again, as sources and meanings do, is not copied again.
        if (utf8.Length <= MaxWord && words[bound] is { } last && utf8.SequenceEqual(last))
        {
            bound++;
            return this;
        }

        words[bound] = utf8.Length <= MaxWord ? utf8.ToArray() : null;
        return Bound(utf8.IsEmpty ? raw.sqlite3_bind_text(statement, ++bound, "") : raw.sqlite3_bind_text(statement, ++bound, utf8));
    }

    public Insert Add(byte[]? value) => value is null ? AddNull() : Add(value.AsSpan());

    // A zero-length span binds NULL: an empty value is a value.
    public Insert Add(ReadOnlySpan<byte> value)
    {
        words[bound] = null;
        return Bound(value.IsEmpty ? raw.sqlite3_bind_zeroblob(statement, ++bound, 0) : raw.sqlite3_bind_blob(statement, ++bound, value));
    }

    public Insert AddNull()
    {
        words[bound] = null;
        return Bound(raw.sqlite3_bind_null(statement, ++bound));
    }

    /// <summary>Inserts the row.</summary>
    /// <returns>Its rowid.</returns>
    public long Run()
    {
        Step();
        return raw.sqlite3_last_insert_rowid(database);
    }

    /// <summary>Inserts the row, whose number is known or not needed.</summary>
    public void Step()
    {
        if (bound != columns)
        {
            throw new InvalidOperationException($"{bound} of {columns} columns have a value");
        }

        bound = 0;
        int result = raw.sqlite3_step(statement);
        raw.sqlite3_reset(statement);
        if (result != raw.SQLITE_DONE)
        {
            Check(result);
        }
    }

    public void Dispose() => statement.Dispose();

    private Insert Bound(int result)
    {
        Check(result);
        return this;
    }

    private void Check(int result)
    {
        if (result != raw.SQLITE_OK)
        {
            throw new SqliteException(raw.sqlite3_errmsg(database).utf8_to_string(), result, raw.sqlite3_extended_errcode(database));
        }
    }
}
