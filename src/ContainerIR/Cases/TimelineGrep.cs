using System.Globalization;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>
/// Finds rows of the timeline by their text. A text that is rare is found by the text filter and put in order; of one that is frequent the ordered reading meets the
/// first rows soon. Which it is shows when too many rows have been found.
/// </summary>
internal static class TimelineGrep
{
    private const int MaxRare = 50_000;

    // So many rows are read in their order in less time than asking the filter may take.
    private const int NarrowRows = 50_000;

    /// <summary>Rows with the text, oldest first; null where it is not rare, or the span of time is narrow: read in order then.</summary>
    public static IEnumerable<TimelineRow>? Rare(SqliteConnection connection, TimelineQuery query)
    {
        string where = string.Create(CultureInfo.InvariantCulture, $"t.at_ns BETWEEN {query.FromNs} AND {query.UntilNs}");
        if (query.Grep is not { Length: > 0 } text || CaseDatabase.Scalar(connection, string.Create(CultureInfo.InvariantCulture, $"SELECT count(*) FROM (SELECT 1 FROM timeline t WHERE {where} LIMIT {NarrowRows})")) < NarrowRows)
        {
            return null;
        }

        List<(long AtNs, long Id)> found = [];
        using SqliteCommand read = connection.CreateCommand();
        string[] names = [.. query.Sources.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"$source{i}"))];
        string sources = names.Length == 0 ? "" : $" AND t.source IN ({string.Join(", ", names)})";
        // The unary plus keeps the index of instants out: what is asked for is a range of rows.
        read.CommandText = $"SELECT t.at_ns, t.id FROM timeline t WHERE t.id BETWEEN $first AND $last AND +{where}{sources} AND t.message LIKE $like ESCAPE '!'";
        for (int i = 0; i < names.Length; i++)
        {
            read.Parameters.AddWithValue(names[i], query.Sources[i]);
        }

        read.Parameters.AddWithValue("$like", CaseSearch.LikeOf(text));
        SqliteParameter first = read.Parameters.AddWithValue("$first", 0L), last = read.Parameters.AddWithValue("$last", 0L);
        using TextFilter filter = new(connection);
        foreach ((long from, long to) in filter.RangesOf("timeline", text))
        {
            (first.Value, last.Value) = (from, to);
            using SqliteDataReader row = read.ExecuteReader();
            while (row.Read())
            {
                if (found.Count == MaxRare)
                {
                    return null;
                }

                found.Add((row.GetInt64(0), row.GetInt64(1)));
            }
        }

        found.Sort();
        return Fetch(connection, query.Limit == 0 ? found : found[..Math.Min(found.Count, query.Limit)]);
    }

    private static IEnumerable<TimelineRow> Fetch(SqliteConnection connection, List<(long AtNs, long Id)> found)
    {
        using SqliteCommand read = connection.CreateCommand();
        read.CommandText = $"SELECT {TimelineReader.Columns} FROM {TimelineReader.From} WHERE t.id = $id";
        SqliteParameter id = read.Parameters.AddWithValue("$id", 0L);
        foreach ((_, long each) in found)
        {
            id.Value = each;
            using SqliteDataReader row = read.ExecuteReader();
            if (row.Read())
            {
                yield return TimelineReader.RowOf(row);
            }
        }
    }
}
