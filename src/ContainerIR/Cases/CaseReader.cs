using System.Globalization;
using ContainerIR.Evidence.Text;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>Asks the index of a case.</summary>
public static class CaseReader
{
    private const int MaxRows = 25;
    private const int MaxTimelineRows = 12;
    private const string HasPeer = "remote_address IS NOT NULL AND remote_port > 0 AND host_side = 0";
    private const string IsListening = "local_port > 0 AND host_side = 0 AND (state = 'LISTEN' OR (protocol LIKE 'udp%' AND coalesce(remote_port, 0) = 0))";

    /// <summary>The case at a glance.</summary>
    public static CaseOverview ReadOverview(CaseStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        SqliteConnection connection = store.Connection;
        List<BundleOverview> bundles = Query(
            connection,
            """
            SELECT id, folder, uid, root_sha256, host, container_id, container_name, image_name, examiner, opened_at_ns, sealed_at_ns,
                   (SELECT count(*) FROM item WHERE bundle_id = bundle.id), (SELECT coalesce(sum(raw_bytes), 0) FROM item WHERE bundle_id = bundle.id),
                   (SELECT count(*) FROM item WHERE bundle_id = bundle.id AND status <> 'complete'),
                   score, coalesce(findings_left_out, 0), coalesce(not_judged, 0)
            FROM bundle ORDER BY opened_at_ns, folder
            """,
            null,
            row => ReadBundle(connection, row));
        HashSet<string> known = [.. bundles.Select(bundle => bundle.Folder)];
        CaseOverview empty = new()
        {
            Id = store.Id,
            Folder = DisplayText.Escape(store.Folder),
            CreatedAt = DateTimeOffset.UnixEpoch,
            Casebook = CasebookOverview.Of(store),
            Bundles = bundles,
            NotIndexed = [.. store.ListBundles().Select(path => Path.GetFileName(path)).Where(name => !known.Contains(name)).Select(DisplayText.Escape)],
        };
        return Query(
            connection,
            """SELECT created_at_ns, examiner, reason FROM "case" """,
            null,
            row => empty with { CreatedAt = Instant.FromNanoseconds(row.GetInt64(0)), Examiner = Text(row, 1), Reason = Text(row, 2) }) is [var overview] ? overview : empty;
    }

    private static BundleOverview ReadBundle(SqliteConnection connection, SqliteDataReader bundle)
    {
        long id = bundle.GetInt64(0);
        List<SocketOverviewRow> Sockets(string condition) => Query(
            connection,
            $"""
            SELECT protocol, state, local_address, local_port, remote_address, remote_port, pid, process, peer FROM socket
            WHERE bundle_id = $bundle AND {condition} ORDER BY protocol, remote_address, remote_port, local_port LIMIT {MaxRows}
            """,
            id,
            row => new SocketOverviewRow(
                row.GetString(0), Shown(row, 1), EndPoint(Shown(row, 2), Number(row, 3)) ?? "", EndPoint(Shown(row, 4), Number(row, 5)), Number(row, 6), Shown(row, 7), Shown(row, 8)));
        return new BundleOverview
        {
            Folder = bundle.GetString(1),
            BundleId = bundle.GetString(2),
            RootSha256 = bundle.GetString(3),
            Host = Text(bundle, 4),
            ContainerId = Text(bundle, 5),
            ContainerName = Text(bundle, 6),
            ImageName = Text(bundle, 7),
            Examiner = Text(bundle, 8),
            OpenedAt = At(bundle, 9),
            SealedAt = At(bundle, 10),
            Items = bundle.GetInt64(11),
            RawBytes = bundle.GetInt64(12),
            IncompleteItems = bundle.GetInt64(13),
            Score = Number(bundle, 14),
            FindingsLeftOut = bundle.GetInt64(15),
            NotJudged = bundle.GetInt64(16),
            FindingsBySeverity = Query(
                connection,
                "SELECT severity, suppressed_by IS NOT NULL, count(*) FROM finding WHERE bundle_id = $bundle GROUP BY 2, CASE WHEN suppressed_by IS NULL THEN severity END ORDER BY 2, 1 DESC",
                id,
                row => (Key: row.GetInt64(1) != 0 ? "suppressed" : JudgedFinding.SeverityWords[(int)row.GetInt64(0)], Value: row.GetInt64(2))).ToDictionary(pair => pair.Key, pair => pair.Value),
            Findings = Query(
                connection,
                $"SELECT {FindingIndex.Columns} FROM finding f WHERE bundle_id = $bundle ORDER BY suppressed_by IS NOT NULL, severity DESC, id LIMIT {MaxRows}",
                id,
                FindingIndex.RowOf),
            Gaps = Query(
                connection,
                "SELECT collector, sought, reason FROM gap WHERE bundle_id = $bundle ORDER BY id",
                id,
                row => new GapRow(row.GetString(0), row.GetString(1), row.GetString(2))),
            DiffByVerdict = Counts(connection, "SELECT verdict, count(*) FROM diff_entry WHERE bundle_id = $bundle GROUP BY verdict ORDER BY verdict", id),
            Diff = Query(
                connection,
                $"""
                SELECT verdict, kind, display, size, mtime_ns FROM diff_entry
                WHERE bundle_id = $bundle AND kind <> 'dir' ORDER BY coalesce(ctime_ns, mtime_ns) DESC, id LIMIT {MaxRows}
                """,
                id,
                row => new DiffRow(row.GetString(0), row.GetString(1), row.GetString(2), Number(row, 3), At(row, 4))),
            ProcessCount = Count(connection, "SELECT count(*) FROM process WHERE bundle_id = $bundle", id),
            Processes = Query(
                connection,
                $"""
                SELECT pid, ppid, uid, coalesce(nullif(command, ''), '[' || name || ']', ''), exe, exe_deleted, started_at_ns, signs FROM process
                WHERE bundle_id = $bundle ORDER BY pid LIMIT {MaxRows}
                """,
                id,
                row => new ProcessOverviewRow(row.GetInt64(0), Number(row, 1), Number(row, 2), row.GetString(3), Shown(row, 4), row.GetInt64(5) != 0, At(row, 6), row.GetString(7))),
            PeerCount = Count(connection, $"SELECT count(*) FROM socket WHERE bundle_id = $bundle AND {HasPeer}", id),
            Peers = Sockets(HasPeer),
            ListenerCount = Count(connection, $"SELECT count(*) FROM socket WHERE bundle_id = $bundle AND {IsListening}", id),
            Listeners = Sockets(IsListening),
            TimelineBySource = Counts(connection, "SELECT source, count(*) FROM timeline WHERE bundle_id = $bundle GROUP BY source ORDER BY source", id),
            Timeline =
            [
                .. Query(
                    connection,
                    $"""
                    SELECT {TimelineReader.Columns} FROM {TimelineReader.From}
                    WHERE t.bundle_id = $bundle AND t.source NOT IN ('{TimelineSources.EngineOther}', '{TimelineSources.Custody}')
                      AND t.at_ns <= coalesce(b.sealed_at_ns, t.at_ns)
                    ORDER BY t.at_ns DESC, t.id DESC LIMIT {MaxTimelineRows}
                    """,
                    id,
                    TimelineReader.RowOf).AsEnumerable().Reverse(),
            ],
            Notes = Query(
                connection,
                "SELECT path, row, note FROM index_note WHERE bundle_id = $bundle ORDER BY id",
                id,
                row => row.IsDBNull(1) ? $"{row.GetString(0)}: {row.GetString(2)}" : string.Create(CultureInfo.InvariantCulture, $"{row.GetString(0)} line {row.GetInt64(1)}: {row.GetString(2)}")),
        };
    }

    private static string? EndPoint(string? address, long? port) => address is null
        ? null
        : string.Create(CultureInfo.InvariantCulture, $"{(address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address)}:{port}");

    private static List<T> Query<T>(SqliteConnection connection, string sql, long? bundle, Func<SqliteDataReader, T> read)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        if (bundle is { } id)
        {
            command.Parameters.AddWithValue("$bundle", id);
        }

        using SqliteDataReader row = command.ExecuteReader();
        List<T> rows = [];
        while (row.Read())
        {
            rows.Add(read(row));
        }

        return rows;
    }

    private static long Count(SqliteConnection connection, string sql, long bundle) => Query(connection, sql, bundle, row => row.GetInt64(0))[0];

    private static Dictionary<string, long> Counts(SqliteConnection connection, string sql, long bundle) =>
        Query(connection, sql, bundle, row => (Key: row.GetString(0), Value: row.GetInt64(1))).ToDictionary(pair => pair.Key, pair => pair.Value);

    // A column that is in display form already.
    private static string? Shown(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    // A column that holds text as somebody typed it or an engine gave it.
    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : DisplayText.Escape(row.GetString(column));

    private static long? Number(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    private static DateTimeOffset? At(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : Instant.FromNanoseconds(row.GetInt64(column));
}
