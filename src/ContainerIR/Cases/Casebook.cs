using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>
/// The record of a case: playbook runs, notes, tags, exhibit numbers, acquisitions, closing. It only grows, and every row names the digest of the one
/// before. A row is one line <c>{"n":…,"prev":"…","row":{…}}</c>; its digest is the SHA-256 of that line without line feed.
/// </summary>
internal sealed class Casebook(CaseHome home, string caseId) : IPlaybookTimeline
{
    /// <summary>Run id of what people do to the case itself.</summary>
    public const string OwnRun = "case";

    public const string Note = "note";
    public const string Tagged = "tagged";
    public const string Untagged = "untagged";
    public const string Exhibit = "exhibit";
    public const string Acquired = "acquired";
    public const string Added = "added";
    public const string Closed = "closed";
    public const string Reopened = "reopened";

    /// <summary>The record was taken over from a damaged database.</summary>
    public const string Salvaged = "salvaged";

    /// <summary>The record was taken over from a damaged database, and does not go on to its end.</summary>
    public const string SalvagedInPart = "salvaged_in_part";

    /// <summary>Journal event by which a bundle seals the head of its case's chain.</summary>
    public const string HeadEvent = "case.head";

    /// <summary>What the first row names as the one before.</summary>
    public static readonly string Zeros = new('0', 64);

    /// <inheritdoc/>
    public void Append(PlaybookEvent row)
    {
        ArgumentNullException.ThrowIfNull(row);
        using CaseStore store = CaseStore.Open(home, caseId);
        Append(store, _ => row);
    }

    /// <summary>Appends what was done to the case itself: the row's run and place in it are set here.</summary>
    /// <exception cref="OperatorException">The case is closed, or cannot be written.</exception>
    public static CasebookHead AppendOwn(CaseStore store, PlaybookEvent row) =>
        Append(store, connection => row with { RunId = OwnRun, Seq = CaseDatabase.Scalar(connection, $"SELECT coalesce(max(run_seq), 0) + 1 FROM casebook WHERE run = '{OwnRun}'") });

    /// <summary>The last row; null when there is none.</summary>
    public static CasebookHead? Head(CaseStore store) => HeadOf(store.Connection);

    /// <summary>Whether the case was closed and not opened again.</summary>
    public static bool IsClosed(CaseStore store) => IsClosed(store.Connection);

    /// <summary>Says that a closed case takes no new work.</summary>
    /// <exception cref="OperatorException">It is closed.</exception>
    public static void RefuseIfClosed(CaseStore store)
    {
        if (IsClosed(store))
        {
            throw Refusal(store);
        }
    }

    /// <summary>Rows in their order; a line that cannot be read is left out here and named by <see cref="CasebookCheck"/>.</summary>
    public static IEnumerable<PlaybookEvent> Read(CaseStore store) => Read(store.Connection, "ORDER BY seq");

    /// <summary>Rows with their numbers.</summary>
    public static IEnumerable<(long Number, PlaybookEvent Row)> ReadNumbered(CaseStore store)
    {
        using SqliteCommand read = store.Connection.CreateCommand();
        read.CommandText = "SELECT seq, line FROM casebook ORDER BY seq";
        using SqliteDataReader row = read.ExecuteReader();
        while (row.Read())
        {
            if (RowOf(row.GetString(1)) is { } kept)
            {
                yield return (row.GetInt64(0), kept);
            }
        }
    }

    /// <summary>Rows between two instants, oldest first.</summary>
    public static IEnumerable<PlaybookEvent> Read(CaseStore store, long fromNs, long untilNs) => Read(
        store.Connection, string.Create(CultureInfo.InvariantCulture, $"WHERE utc_ns BETWEEN {fromNs} AND {untilNs} ORDER BY utc_ns, seq"));

    /// <summary>The digest of a line.</summary>
    public static string HashOf(string line) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(line)));

    private static CasebookHead Append(CaseStore store, Func<SqliteConnection, PlaybookEvent> rowOf)
    {
        try
        {
            using SqliteTransaction transaction = store.Connection.BeginTransaction(deferred: false);
            PlaybookEvent row = rowOf(store.Connection);
            if (TextOf(row) is var text && Existing(store.Connection, row) is { } before)
            {
                using JsonDocument line = JsonDocument.Parse(before.Line);
                return line.RootElement.Object("row").GetRawText() == text
                    ? before.Head
                    : throw new OperatorException(
                        $"Row {row.Seq} of run {DisplayText.Shorten(row.RunId, 80)} stands in the record of case {store.Id} already, and says something else.",
                        $"See what stands there: cir case check {store.Id}");
            }

            if (row.Event is not (Reopened or Salvaged or SalvagedInPart) && IsClosed(store.Connection))
            {
                throw Refusal(store);
            }

            CasebookHead? last = HeadOf(store.Connection);
            string prev = last?.Sha256 ?? Zeros;
            long seq = (last?.Seq ?? 0) + 1;
            string full = string.Create(CultureInfo.InvariantCulture, $$"""{"n":{{seq}},"prev":"{{prev}}","row":{{text}}}""");
            CasebookHead head = new(seq, HashOf(full));
            using Insert insert = new(store.Connection, "casebook", "seq", "utc_ns", "run", "run_seq", "event", "line", "prev_hash", "hash");
            insert.Add(seq).Add(row.UtcNs).Add(row.RunId).Add(row.Seq).Add(row.Event).Add(full).Add(prev).Add(head.Sha256).Run();
            transaction.Commit();
            return head;
        }
        catch (SqliteException failure)
        {
            throw new OperatorException(
                $"The record of case {store.Id} cannot be written: {failure.Message}", $"Check free space and rights of {DisplayText.Escape(store.Folder)}", failure);
        }
    }

    private static string TextOf(PlaybookEvent row)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            row.Write(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static (string Line, CasebookHead Head)? Existing(SqliteConnection connection, PlaybookEvent row)
    {
        using SqliteCommand read = connection.CreateCommand();
        read.CommandText = "SELECT line, seq, hash FROM casebook WHERE run = $run AND run_seq = $seq";
        read.Parameters.AddWithValue("$run", row.RunId);
        read.Parameters.AddWithValue("$seq", row.Seq);
        using SqliteDataReader found = read.ExecuteReader();
        return found.Read() ? (found.GetString(0), new CasebookHead(found.GetInt64(1), found.GetString(2))) : null;
    }

    private static CasebookHead? HeadOf(SqliteConnection connection)
    {
        using SqliteCommand read = connection.CreateCommand();
        read.CommandText = "SELECT seq, hash FROM casebook ORDER BY seq DESC LIMIT 1";
        using SqliteDataReader found = read.ExecuteReader();
        return found.Read() ? new CasebookHead(found.GetInt64(0), found.GetString(1)) : null;
    }

    private static bool IsClosed(SqliteConnection connection) => CaseDatabase.Scalar(
        connection,
        $"SELECT coalesce((SELECT event = '{Closed}' FROM casebook WHERE run = '{OwnRun}' AND event IN ('{Closed}', '{Reopened}') ORDER BY seq DESC LIMIT 1), 0)") == 1;

    private static OperatorException Refusal(CaseStore store) =>
        new($"Case {store.Id} is closed and takes no new work.", $"Open it again, which is recorded: cir case reopen {store.Id} --reason TEXT");

    private static IEnumerable<PlaybookEvent> Read(SqliteConnection connection, string rest)
    {
        using SqliteCommand read = connection.CreateCommand();
        read.CommandText = $"SELECT line FROM casebook {rest}";
        using SqliteDataReader row = read.ExecuteReader();
        while (row.Read())
        {
            if (RowOf(row.GetString(0)) is { } kept)
            {
                yield return kept;
            }
        }
    }

    private static PlaybookEvent? RowOf(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return PlaybookEvent.Read(document.RootElement.Object("row"));
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>The end of a case's chain.</summary>
/// <param name="Seq">Number of its rows.</param>
/// <param name="Sha256">Digest of the last.</param>
public sealed record CasebookHead(long Seq, string Sha256);
