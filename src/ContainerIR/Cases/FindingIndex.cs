using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>Findings of a bundle as rows of its case.</summary>
internal static class FindingIndex
{
    /// <summary>Adds what judging gave.</summary>
    /// <returns>Number of rows.</returns>
    public static int Add(SqliteConnection connection, long bundleId, JudgedBundle judged)
    {
        using Insert insert = new(connection, "finding", "bundle_id", "severity", "rule", "title", "attack", "seen", "item", "row", "byte_offset", "lowered_by", "suppressed_by");
        foreach (JudgedFinding finding in judged.Findings)
        {
            insert.Add(bundleId).Add(RankOf(finding.Severity)).Add(finding.Rule).Add(finding.Title).Add(string.Join(' ', finding.Attack)).Add(string.Join('\n', finding.Seen))
                .Add(finding.Item).Add(finding.Row).Add(finding.Offset).Add(finding.LoweredBy).Add(finding.SuppressedBy).Run();
        }

        using SqliteCommand update = connection.CreateCommand();
        update.CommandText = "UPDATE bundle SET score = $score, findings_left_out = $left, not_judged = $not WHERE id = $bundle";
        update.Parameters.AddWithValue("$score", judged.Score);
        update.Parameters.AddWithValue("$left", judged.LeftOut);
        update.Parameters.AddWithValue("$not", judged.NotJudged);
        update.Parameters.AddWithValue("$bundle", bundleId);
        update.ExecuteNonQuery();
        return judged.Findings.Count;
    }

    /// <summary>The columns <see cref="RowOf"/> reads.</summary>
    public const string Columns = "f.severity, f.rule, f.title, f.attack, f.seen, f.item, f.row, f.byte_offset, f.lowered_by, f.suppressed_by";

    public static JudgedFinding RowOf(SqliteDataReader row) => new()
    {
        Severity = JudgedFinding.SeverityWords[(int)row.GetInt64(0)],
        Rule = row.GetString(1),
        Title = row.GetString(2),
        Attack = row.GetString(3).Split(' ', StringSplitOptions.RemoveEmptyEntries),
        Seen = row.GetString(4).Split('\n', StringSplitOptions.RemoveEmptyEntries),
        Item = row.GetString(5),
        Row = row.IsDBNull(6) ? null : row.GetInt64(6),
        Offset = row.IsDBNull(7) ? null : row.GetInt64(7),
        LoweredBy = row.IsDBNull(8) ? null : row.GetString(8),
        SuppressedBy = row.IsDBNull(9) ? null : row.GetString(9),
    };

    private static int RankOf(string severity)
    {
        for (int i = 0; i < JudgedFinding.SeverityWords.Count; i++)
        {
            if (JudgedFinding.SeverityWords[i] == severity)
            {
                return i;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(severity), severity, "no such severity");
    }
}
