using System.Globalization;
using ContainerIR.Rows;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>
/// Searches one case: the columns that have an index (digests, addresses) are looked up, the texts are read where the text filter says they can hold what is
/// sought. Every answer is checked against the row itself. For any number of questions, one at a time.
/// </summary>
public sealed class CaseSearch : IDisposable
{
    private const string Joined = "CROSS JOIN bundle b ON b.id = t.bundle_id LEFT JOIN item i ON i.id = t.item_id";

    private const string PathShown = "t.verdict || ' ' || t.kind || ' ' || t.display || coalesce(' ' || t.size || ' bytes', '') || coalesce(' sha256 ' || lower(hex(t.sha256)), '')";

    private const string SocketShown =
        "t.protocol || coalesce(' ' || t.state, '') || coalesce(' ' || t.local_address || ' port ' || t.local_port, '') || coalesce(' -> ' || t.remote_address || ' port ' || t.remote_port, '') || coalesce(' ' || t.name, '') || coalesce(' pid ' || t.pid, '') || coalesce(' ' || t.process, '')";

    // Files, processes and sockets have tables of their own: their rows of the timeline would say it again.
    private static readonly string NotOfTheTimeline = string.Join(", ", ((string[])[TimelineSources.File, TimelineSources.FileBefore, TimelineSources.Process, TimelineSources.Socket]).Select(word => $"'{word}'"));

    private static readonly TextTable[] Tables =
    [
        new("process", "'process'", "t.command || char(10) || coalesce(t.exe, '') || char(10) || coalesce(t.name, '')",
            "'pid ' || t.pid || ' ' || coalesce(nullif(t.command, ''), '[' || t.name || ']', '') || coalesce(' (' || t.exe || ')', '')", [TextKinds.Process]),
        new("text_line", "t.kind", "t.text", "t.text", [TextKinds.Environment, TextKinds.Log, TextKinds.Secret, TextKinds.Dns, TextKinds.Flow]),
        new("socket", "'socket'", SocketShown, SocketShown, [TextKinds.Socket]) { IsFiltered = false },
        new("diff_entry", "'path'", "t.display", PathShown, [TextKinds.Path]),
        new("timeline", "t.source", "t.message", "t.message", TimelineSources.All) { At = "t.at_ns", Only = $" AND t.source NOT IN ({NotOfTheTimeline})" },
    ];

    private readonly CaseStore store;
    private readonly TextFilter filter;
    private List<(string Kind, string Text, SearchHit Hit)>? small;

    /// <summary>Searches a case, which must stay open.</summary>
    public CaseSearch(CaseStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        this.store = store;
        filter = new TextFilter(store.Connection);
    }

    /// <summary>Bundles whose findings and environments cannot be searched, because an older version indexed them.</summary>
    public IReadOnlyList<string> NotSearchedWhole()
    {
        using SqliteCommand read = store.Connection.CreateCommand();
        read.CommandText = "SELECT folder FROM bundle WHERE score IS NULL ORDER BY folder";
        using SqliteDataReader row = read.ExecuteReader();
        List<string> folders = [];
        while (row.Read())
        {
            folders.Add(row.GetString(0));
        }

        return folders;
    }

    /// <summary>Every place that answers, as it is found: what is looked up first, then findings, record, processes, texts, paths, events and log lines.</summary>
    public IEnumerable<SearchHit> Find(SearchQuery query, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(query);
        IEnumerable<SearchHit> found = query.Sha256 is { } digest ? OfDigest(digest) : [];
        found = query.Addresses.Count > 0 ? found.Concat(OfAddress(query)) : found;
        return query.Literal is null && query.Accept is null ? found : found.Concat(OfTexts(query, ct));
    }

    /// <inheritdoc/>
    public void Dispose() => filter.Dispose();

    private IEnumerable<SearchHit> OfDigest(byte[] digest)
    {
        string hex = Convert.ToHexStringLower(digest);
        return Rows($"SELECT b.folder, i.path, t.row, 'path', {PathShown} FROM diff_entry t {Joined} WHERE t.sha256 = $digest", ("$digest", digest))
            .Concat(Rows($"SELECT b.folder, i.path, t.row, 'process', 'pid ' || t.pid || ' runs ' || coalesce(t.exe, '?') || ' ' || t.command FROM process t {Joined} WHERE t.exe_sha256 = $digest", ("$digest", digest)))
            .Concat(Rows("SELECT b.folder, t.path, NULL, 'item', t.source || CASE WHEN t.raw_sha256 = $hex THEN ' (content)' ELSE ' (as stored)' END FROM item t JOIN bundle b ON b.id = t.bundle_id WHERE t.sha256 = $hex OR t.raw_sha256 = $hex", ("$hex", hex)))
            .Concat(Rows("SELECT b.folder, NULL, NULL, 'bundle', 'root of the bundle' FROM bundle b WHERE b.root_sha256 = $hex", ("$hex", hex)));
    }

    private IEnumerable<SearchHit> OfAddress(SearchQuery query)
    {
        string names = string.Join(", ", query.Addresses.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"$a{i}")));
        return Rows(
            $"SELECT b.folder, i.path, t.row, 'socket', {SocketShown} FROM socket t {Joined} WHERE (t.remote_address IN ({names}) AND ($port IS NULL OR t.remote_port = $port)) OR (t.local_address IN ({names}) AND ($port IS NULL OR t.local_port = $port))",
            [.. query.Addresses.Select((address, i) => (string.Create(CultureInfo.InvariantCulture, $"$a{i}"), (object?)address)), ("$port", query.Port)]);
    }

    private IEnumerable<SearchHit> OfTexts(SearchQuery query, CancellationToken ct)
    {
        bool Wants(string kind) => query.Kinds is null || query.Kinds.Contains(kind, StringComparer.Ordinal);
        foreach ((string kind, string text, SearchHit hit) in small ??= [.. ReadSmall()])
        {
            if (Wants(kind) && Answers(query, text))
            {
                yield return hit;
            }
        }

        foreach (TextTable table in Tables)
        {
            if (!table.Kinds.Any(Wants))
            {
                continue;
            }

            foreach (SearchHit hit in OfTable(table, query, ct))
            {
                if (Wants(hit.Kind))
                {
                    yield return hit;
                }
            }
        }
    }

    // What is sought may stand in any of the lines a text has.
    private static bool Answers(SearchQuery query, string text) => (query.Literal is null || text.Contains(query.Literal, StringComparison.OrdinalIgnoreCase))
        && (query.Accept is not { } accept || (text.Contains('\n', StringComparison.Ordinal) ? text.Split('\n').Any(accept) : accept(text)));

    private IEnumerable<SearchHit> OfTable(TextTable table, SearchQuery query, CancellationToken ct)
    {
        using SqliteCommand read = store.Connection.CreateCommand();
        string held = query.Literal is null ? "" : $" AND {table.Text} LIKE $like ESCAPE '!'";
        read.CommandText = $"SELECT b.folder, coalesce(i.path, 'journal.jsonl'), t.row, {table.Kind}, {table.Shown}, {table.At}, {table.Text} FROM {table.Name} t {Joined} WHERE t.id BETWEEN $first AND $last{held}{table.Only}";
        SqliteParameter first = read.Parameters.AddWithValue("$first", 0L), last = read.Parameters.AddWithValue("$last", 0L);
        if (query.Literal is { } literal)
        {
            read.Parameters.AddWithValue("$like", LikeOf(literal));
        }

        foreach ((long from, long to) in table.IsFiltered ? filter.RangesOf(table.Name, query.Literal) : [(0, long.MaxValue)])
        {
            ct.ThrowIfCancellationRequested();
            (first.Value, last.Value) = (from, to);
            using SqliteDataReader row = read.ExecuteReader();
            while (row.Read())
            {
                if (query.Accept is null || Answers(query, row.GetString(6)))
                {
                    yield return HitOf(row) with { AtNs = row.IsDBNull(5) ? null : row.GetInt64(5) };
                }
            }
        }
    }

    /// <summary>A pattern of LIKE, with <c>!</c> as escape, that holds a text.</summary>
    internal static string LikeOf(string text) =>
        $"%{text.Replace("!", "!!", StringComparison.Ordinal).Replace("%", "!%", StringComparison.Ordinal).Replace("_", "!_", StringComparison.Ordinal)}%";

    // Findings and the case's record are few: they are read once for all questions.
    private IEnumerable<(string Kind, string Text, SearchHit Hit)> ReadSmall()
    {
        using (SqliteCommand read = store.Connection.CreateCommand())
        {
            read.CommandText = $"SELECT {FindingIndex.Columns}, b.folder FROM finding f JOIN bundle b ON b.id = f.bundle_id ORDER BY f.severity DESC, f.id";
            using SqliteDataReader row = read.ExecuteReader();
            while (row.Read())
            {
                JudgedFinding finding = FindingIndex.RowOf(row);
                yield return (TextKinds.Finding, $"{finding.Rule} {finding.Title} {string.Join(' ', finding.Attack)}\n{string.Join('\n', finding.Seen)}", new SearchHit
                {
                    Case = store.Id,
                    Kind = TextKinds.Finding,
                    Text = Cut($"{finding.Severity} {finding.Rule} {finding.Title}: {string.Join(", ", finding.Seen)}"),
                    Bundle = row.GetString(10),
                    Item = finding.Item,
                    Row = finding.Row,
                    Offset = finding.Offset,
                });
            }
        }

        foreach ((long number, PlaybookEvent row) in Casebook.ReadNumbered(store))
        {
            TimelineRow told = TimelineReader.RowOf(row);
            yield return (TextKinds.Record, told.Message, new SearchHit { Case = store.Id, Kind = TextKinds.Record, Text = told.Message, Row = number, AtNs = told.AtNs });
        }
    }

    private static string Cut(string text) => text.Length <= IndexWriter.MaxMessageCharacters ? text : string.Concat(text.AsSpan(0, IndexWriter.MaxMessageCharacters - 1), "…");

    private IEnumerable<SearchHit> Rows(string sql, params (string Name, object? Value)[] parameters)
    {
        using SqliteCommand read = store.Connection.CreateCommand();
        read.CommandText = sql;
        foreach ((string name, object? value) in parameters)
        {
            read.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        using SqliteDataReader row = read.ExecuteReader();
        while (row.Read())
        {
            yield return HitOf(row);
        }
    }

    private SearchHit HitOf(SqliteDataReader row) => new()
    {
        Case = store.Id,
        Bundle = row.GetString(0),
        Item = row.IsDBNull(1) ? null : row.GetString(1),
        Row = row.IsDBNull(2) ? null : row.GetInt64(2),
        Kind = row.GetString(3),
        Text = row.GetString(4),
    };

    // A table with texts: its word, what is searched, what is shown, and which words of kind it can have.
    private sealed record TextTable(string Name, string Kind, string Text, string Shown, IReadOnlyList<string> Kinds)
    {
        public string At { get; init; } = "NULL";

        public string Only { get; init; } = "";

        public bool IsFiltered { get; init; } = true;
    }
}
