using System.Globalization;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>Reads the timeline of a case, oldest first, one row in memory at a time.</summary>
public static class TimelineReader
{
    /// <summary>Columns of <see cref="RowOf(SqliteDataReader)"/>.</summary>
    internal const string Columns = "t.at_ns, t.id, t.meaning, t.source, t.message, b.folder, coalesce(i.path, 'journal.jsonl'), t.row";

    /// <summary>CROSS JOIN: the timeline is the outer loop, so that its order is that of its index and nothing is sorted.</summary>
    internal const string From = "timeline t CROSS JOIN bundle b ON b.id = t.bundle_id LEFT JOIN item i ON i.id = t.item_id";

    // SQLITE_LIMIT_COMPOUND_SELECT is 500.
    private const int MaxArms = 250;

    /// <summary>Rows that answer a query, in order of their instant. The enumeration holds a reading transaction open.</summary>
    public static IEnumerable<TimelineRow> Read(CaseStore store, TimelineQuery query)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(query);
        IEnumerable<TimelineRow> merged = Merge(TimelineGrep.Rare(store.Connection, query) ?? ReadRows(store.Connection, query), ReadRecord(store, query));
        return query.Limit == 0 ? merged : merged.Take(query.Limit);
    }

    // The record of a case is small beside its evidence; what it says of the text asked for is decided here.
    private static IEnumerable<TimelineRow> ReadRecord(CaseStore store, TimelineQuery query) => Casebook.Read(store, query.FromNs, query.UntilNs).Select(RowOf)
        .Where(row => (query.Sources.Count == 0 || query.Sources.Contains(row.Source, StringComparer.Ordinal))
            && (query.Grep is null || row.Message.Contains(query.Grep, StringComparison.OrdinalIgnoreCase)));

    /// <summary>A row of the case's record as a row of the timeline.</summary>
    internal static TimelineRow RowOf(PlaybookEvent row) => new()
    {
        AtNs = row.UtcNs,
        Meaning = DisplayText.Shorten(row.Event, 40),
        Source = row.RunId == Casebook.OwnRun ? TimelineSources.Case : TimelineSources.Playbook,
        Message = DisplayText.Shorten(
            string.Join(" ", ((string[])[row.Playbook, row.Step, row.Event, row.Target, $"by {row.Actor}:", string.Join(' ', row.Command), row.Result]).Where(part => part.Length > 0)), 4096),
    };

    private static IEnumerable<TimelineRow> Merge(IEnumerable<TimelineRow> evidence, IEnumerable<TimelineRow> record)
    {
        using IEnumerator<TimelineRow> own = record.GetEnumerator();
        bool more = own.MoveNext();
        foreach (TimelineRow row in evidence)
        {
            while (more && own.Current.AtNs < row.AtNs)
            {
                yield return own.Current;
                more = own.MoveNext();
            }

            yield return row;
        }

        while (more)
        {
            yield return own.Current;
            more = own.MoveNext();
        }
    }

    /// <summary>How SQLite would answer: a line for each step.</summary>
    internal static IReadOnlyList<string> Plan(CaseStore store, TimelineQuery query)
    {
        using SqliteCommand command = store.Connection.CreateCommand();
        Prepare(store.Connection, command, query);
        command.CommandText = "EXPLAIN QUERY PLAN " + command.CommandText;
        using SqliteDataReader row = command.ExecuteReader();
        List<string> steps = [];
        while (row.Read())
        {
            steps.Add(row.GetString(3));
        }

        return steps;
    }

    internal static TimelineRow RowOf(SqliteDataReader row) => new()
    {
        AtNs = row.GetInt64(0),
        Meaning = row.GetString(2),
        Source = row.GetString(3),
        Message = row.GetString(4),
        Bundle = row.GetString(5),
        Item = row.GetString(6),
        Row = row.IsDBNull(7) ? null : row.GetInt64(7),
    };

    private static IEnumerable<TimelineRow> ReadRows(SqliteConnection connection, TimelineQuery query)
    {
        using SqliteCommand command = connection.CreateCommand();
        if (!Prepare(connection, command, query))
        {
            yield break;
        }

        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            yield return RowOf(row);
        }
    }

    private static bool Prepare(SqliteConnection connection, SqliteCommand command, TimelineQuery query)
    {
        string[] arms = [.. Arms(connection, command, query)];
        command.CommandText = $"{string.Join(" UNION ALL ", arms)} ORDER BY 1, 2 LIMIT $limit";
        command.Parameters.AddWithValue("$from", query.FromNs);
        command.Parameters.AddWithValue("$until", query.UntilNs);
        command.Parameters.AddWithValue("$limit", query.Limit == 0 ? -1 : query.Limit);
        if (query.Grep is { } text)
        {
            command.Parameters.AddWithValue("$grep", CaseSearch.LikeOf(text));
        }

        return arms.Length > 0;
    }

    // One arm for each bundle and source asked for: each is in order by its index and SQLite merges them. A rare source among millions of others would
    // else be found by reading all of them.
    private static IEnumerable<string> Arms(SqliteConnection connection, SqliteCommand command, TimelineQuery query)
    {
        string select = $"SELECT {Columns} FROM {From} WHERE t.at_ns BETWEEN $from AND $until{(query.Grep is null ? "" : " AND t.message LIKE $grep ESCAPE '!'")}";
        string[] sources = [.. query.Sources.Distinct(StringComparer.Ordinal)];
        for (int i = 0; i < sources.Length; i++)
        {
            command.Parameters.AddWithValue(string.Create(CultureInfo.InvariantCulture, $"$source{i}"), sources[i]);
        }

        if (sources.Length == 0)
        {
            return [select];
        }

        long[] bundles = Bundles(connection);
        return bundles.Length * sources.Length > MaxArms
            ? [string.Create(CultureInfo.InvariantCulture, $"{select} AND t.source IN ({string.Join(", ", sources.Select((_, i) => $"$source{i}"))})")]
            : bundles.SelectMany(bundle => sources.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"{select} AND t.bundle_id = {bundle} AND t.source = $source{i}")));
    }

    private static long[] Bundles(SqliteConnection connection)
    {
        using SqliteCommand read = connection.CreateCommand();
        read.CommandText = "SELECT id FROM bundle ORDER BY id";
        using SqliteDataReader row = read.ExecuteReader();
        List<long> ids = [];
        while (row.Read())
        {
            ids.Add(row.GetInt64(0));
        }

        return [.. ids];
    }
}
