using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Text;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>
/// Rows on their way into the database: made by the thread that reads and parses evidence, stored by a second one, in the order they were made. Reading costs about as
/// much as storing; on two cores the fill takes the time of one of them. Held in memory at once: <see cref="Batches"/> batches of about <see cref="BatchBytes"/> bytes.
/// Between the first row and <see cref="Finish"/> the connection belongs to the storing thread.
/// </summary>
internal sealed class RowQueue : IDisposable
{
    private const int Batches = 4;
    private const int BatchBytes = 256 * 1024;

    private readonly SqliteConnection connection;
    private readonly List<(Insert Insert, int Columns)> tables = [];
    private readonly BlockingCollection<Batch> full = new(Batches);
    private readonly BlockingCollection<Batch> empty = new(Batches);
    private Batch batch = new();
    private Thread? storing;
    private volatile ExceptionDispatchInfo? failure;
    private volatile bool isAbandoned;

    public RowQueue(SqliteConnection connection)
    {
        this.connection = connection;
        for (int i = 1; i < Batches; i++)
        {
            empty.Add(new Batch());
        }
    }

    /// <summary>Rows of one table. All tables are named before the first row.</summary>
    public QueuedInsert Into(string table, params string[] columns)
    {
        tables.Add((new Insert(connection, table, columns), columns.Length));
        return new QueuedInsert(this, (byte)(tables.Count - 1), columns.Length);
    }

    /// <summary>The number after the last one of a table: who holds the transaction numbers rows in advance.</summary>
    public long NextId(string table) => CaseDatabase.Scalar(connection, $"SELECT coalesce(max(id), 0) + 1 FROM {table}");

    /// <summary>Waits until every row is stored.</summary>
    /// <exception cref="SqliteException">One could not be.</exception>
    public void Finish()
    {
        HandOver();
        Stop();
        failure?.Throw();
    }

    /// <summary>Where rows are left that were not finished: they are not stored.</summary>
    public void Dispose()
    {
        isAbandoned = true;
        Stop();
        tables.ForEach(table => table.Insert.Dispose());
        full.Dispose();
        empty.Dispose();
    }

    internal Batch Current => batch;

    internal void EndRow()
    {
        if (batch.Length >= BatchBytes)
        {
            HandOver();
        }
    }

    private void HandOver()
    {
        failure?.Throw();
        if (storing is null)
        {
            storing = new Thread(Store) { IsBackground = true, Name = "index" };
            storing.Start();
        }

        full.Add(batch);
        batch = empty.Take();
    }

    private void Stop()
    {
        full.CompleteAdding();
        storing?.Join();
        storing = null;
    }

    // To the last batch even after a failure: who hands over must never wait for a batch that nobody gives back.
    private void Store()
    {
        foreach (Batch rows in full.GetConsumingEnumerable())
        {
            if (failure is null && !isAbandoned)
            {
                try
                {
                    Store(rows.Written);
                }
                catch (SqliteException problem)
                {
                    failure = ExceptionDispatchInfo.Capture(problem);
                }
            }

            rows.Clear();
            empty.Add(rows);
        }
    }

    private void Store(ReadOnlySpan<byte> rows)
    {
        while (!rows.IsEmpty)
        {
            (Insert insert, int columns) = tables[rows[0]];
            rows = rows[1..];
            for (int i = 0; i < columns; i++)
            {
                Kind kind = (Kind)rows[0];
                rows = rows[1..];
                switch (kind)
                {
                    case Kind.Null:
                        insert.AddNull();
                        break;
                    case Kind.Number:
                        insert.Add(BinaryPrimitives.ReadInt64LittleEndian(rows));
                        rows = rows[sizeof(long)..];
                        break;
                    default:
                        int length = BinaryPrimitives.ReadInt32LittleEndian(rows);
                        ReadOnlySpan<byte> value = rows.Slice(sizeof(int), length);
                        _ = kind == Kind.Text ? insert.AddText(value) : insert.Add(value);
                        rows = rows[(sizeof(int) + length)..];
                        break;
                }
            }

            insert.Step();
        }
    }

    private enum Kind : byte
    {
        Null,
        Number,
        Text,
        Bytes,
    }

    /// <summary>Rows one after the other: the number of the table, then for each column its kind and its value, lengths before texts and bytes.</summary>
    internal sealed class Batch
    {
        private const int MaxKept = 4 * BatchBytes;

        private byte[] bytes = new byte[BatchBytes + (16 * 1024)];

        public int Length { get; private set; }

        public ReadOnlySpan<byte> Written => bytes.AsSpan(0, Length);

        public void Clear()
        {
            Length = 0;
            if (bytes.Length > MaxKept)
            {
                bytes = new byte[BatchBytes];
            }
        }

        public void BeginRow(byte table)
        {
            Room(1)[0] = table;
            Length++;
        }

        public void AddNull()
        {
            Room(1)[0] = (byte)Kind.Null;
            Length++;
        }

        public void Add(long value)
        {
            Span<byte> room = Room(1 + sizeof(long));
            room[0] = (byte)Kind.Number;
            BinaryPrimitives.WriteInt64LittleEndian(room[1..], value);
            Length += 1 + sizeof(long);
        }

        public void AddText(ReadOnlySpan<byte> utf8) => Add(Kind.Text, utf8);

        public void AddBytes(ReadOnlySpan<byte> value) => Add(Kind.Bytes, value);

        public void AddText(string text)
        {
            Span<byte> room = Room(1 + sizeof(int) + Encoding.UTF8.GetMaxByteCount(text.Length));
            int length = Encoding.UTF8.GetBytes(text, room[(1 + sizeof(int))..]);
            room[0] = (byte)Kind.Text;
            BinaryPrimitives.WriteInt32LittleEndian(room[1..], length);
            Length += 1 + sizeof(int) + length;
        }

        private void Add(Kind kind, ReadOnlySpan<byte> value)
        {
            Span<byte> room = Room(1 + sizeof(int) + value.Length);
            room[0] = (byte)kind;
            BinaryPrimitives.WriteInt32LittleEndian(room[1..], value.Length);
            value.CopyTo(room[(1 + sizeof(int))..]);
            Length += 1 + sizeof(int) + value.Length;
        }

        private Span<byte> Room(int count)
        {
            if (bytes.Length - Length < count)
            {
                Array.Resize(ref bytes, Math.Max(2 * bytes.Length, Length + count));
            }

            return bytes.AsSpan(Length);
        }
    }
}

/// <summary>Rows of one table on their way into the database. Values are added in the order of the columns, then <see cref="Run"/>.</summary>
internal sealed class QueuedInsert(RowQueue queue, byte table, int columns)
{
    private int added;

    public QueuedInsert Add(long value)
    {
        Begin().Add(value);
        return this;
    }

    public QueuedInsert Add(long? value) => value is { } number ? Add(number) : AddNull();

    public QueuedInsert Add(string? value)
    {
        if (value is null)
        {
            return AddNull();
        }

        Begin().AddText(value);
        return this;
    }

    /// <summary>Text that is UTF-8 already.</summary>
    public QueuedInsert AddText(ReadOnlySpan<byte> utf8)
    {
        Begin().AddText(utf8);
        return this;
    }

    public QueuedInsert Add(byte[]? value) => value is null ? AddNull() : Add(value.AsSpan());

    public QueuedInsert Add(ReadOnlySpan<byte> value)
    {
        Begin().AddBytes(value);
        return this;
    }

    public QueuedInsert AddNull()
    {
        Begin().AddNull();
        return this;
    }

    /// <summary>Ends the row.</summary>
    /// <exception cref="SqliteException">An earlier row could not be stored.</exception>
    public void Run()
    {
        if (added != columns)
        {
            throw new InvalidOperationException($"{added} of {columns} columns have a value");
        }

        added = 0;
        queue.EndRow();
    }

    private RowQueue.Batch Begin()
    {
        RowQueue.Batch batch = queue.Current;
        if (added++ == 0)
        {
            batch.BeginRow(table);
        }

        return batch;
    }
}
