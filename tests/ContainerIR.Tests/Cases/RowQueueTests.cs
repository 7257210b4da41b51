using System.Globalization;
using System.Text;
using ContainerIR.Cases;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ContainerIR.Tests.Cases;

public sealed class Rows_made_on_one_thread_and_stored_on_another : IDisposable
{
    private readonly SqliteConnection connection = new("Data Source=:memory:");

    public Rows_made_on_one_thread_and_stored_on_another()
    {
        connection.Open();
        CaseDatabase.Execute(connection, "CREATE TABLE some (id INTEGER PRIMARY KEY, word TEXT, number INTEGER, bytes BLOB CHECK (length(bytes) < 100)) STRICT");
    }

    public void Dispose() => connection.Dispose();

    [Fact]
    public void Are_all_there_as_they_were_made_whatever_the_row_before_held()
    {
        // Words that come again, nothing in between, the empty, what looks like it, and one text longer than all that is held at once.
        string?[] words = ["log", "log", null, "log", "", "", null, "", "lo", "log\0", "日本", new string('x', 2_000_000), "log", new string('y', 24), new string('y', 24), new string('y', 25)];
        byte[]?[] bytes = [[], null, [0], [1, 2, 3], []];
        using (RowQueue queue = new(connection))
        {
            QueuedInsert rows = queue.Into("some", "id", "word", "number", "bytes");
            for (int i = 0; i < 40_000; i++)
            {
                rows.Add(i + 1).Add(words[i % (i < 100 ? words.Length : 11)]).Add(i % 3 == 0 ? null : (long?)i * -7).Add(bytes[i % bytes.Length]).Run();
            }

            queue.Finish();
        }

        using SqliteCommand read = connection.CreateCommand();
        read.CommandText = "SELECT id, word, number, bytes FROM some ORDER BY rowid";
        using SqliteDataReader row = read.ExecuteReader();
        for (int i = 0; i < 40_000; i++)
        {
            Assert.True(row.Read());
            Assert.Equal(i + 1, row.GetInt64(0));
            Assert.Equal(words[i % (i < 100 ? words.Length : 11)], row.IsDBNull(1) ? null : row.GetString(1));
            Assert.Equal(i % 3 == 0 ? null : (long?)i * -7, row.IsDBNull(2) ? null : row.GetInt64(2));
            Assert.Equal(bytes[i % bytes.Length], row.IsDBNull(3) ? null : row.GetFieldValue<byte[]>(3));
        }

        Assert.False(row.Read());
    }

    [Fact]
    public void Of_which_one_cannot_be_stored_end_the_making()
    {
        using RowQueue queue = new(connection);
        QueuedInsert rows = queue.Into("some", "id", "bytes");

        SqliteException failure = Assert.Throws<SqliteException>(() =>
        {
            for (int i = 0; i < 1_000_000; i++)
            {
                rows.Add(i).Add(new byte[i == 5000 ? 100 : 99]).Run();
            }

            queue.Finish();
        });

        Assert.Contains("CHECK", failure.Message, StringComparison.Ordinal);
        Assert.InRange(CaseDatabase.Scalar(connection, "SELECT count(*) FROM some"), 5000, 5000);
    }

    [Fact]
    public void Are_numbered_after_those_that_are_there()
    {
        CaseDatabase.Execute(connection, "INSERT INTO some (id) VALUES (41)");
        using RowQueue queue = new(connection);
        Assert.Equal(42, queue.NextId("some"));
    }

    [Fact]
    public void Left_unfinished_hold_nobody_up()
    {
        using RowQueue queue = new(connection);
        QueuedInsert rows = queue.Into("some", "word");
        byte[] text = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.TickCount64}"));
        for (int i = 0; i < 500_000; i++)
        {
            rows.AddText(text).Run();
        }
    }
}
