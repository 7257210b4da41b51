using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>What a check of a case gave.</summary>
/// <param name="Rows">Rows of its record.</param>
/// <param name="HeadSha256">Digest of the last; null when there is none.</param>
/// <param name="SealedHeads">Bundles that hold a head of this chain which stands in it.</param>
/// <param name="Faults">Everything that is not as it was written; empty when all is.</param>
public sealed record CheckedCase(long Rows, string? HeadSha256, int SealedHeads, IReadOnlyList<string> Faults);

/// <summary>Proves the record of a case: SQLite's own check, the chain, and the heads that later bundles sealed.</summary>
public static class CasebookCheck
{
    private const int MaxFaults = 100;

    /// <summary>Checks; names every fault, up to a hundred.</summary>
    public static CheckedCase Run(CaseStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        List<string> faults = [.. Integrity(store)];
        (List<string> hashes, string? head) = CheckChain(store, faults);
        int heads = 0;
        foreach (string path in store.ListBundles())
        {
            foreach ((long seq, string sha256) in HeadsIn(path, faults))
            {
                if (seq == 0 ? sha256 == Casebook.Zeros : seq > 0 && seq <= hashes.Count && hashes[(int)seq - 1] == sha256)
                {
                    heads++;
                }
                else
                {
                    faults.Add($"{DisplayText.Escape(Path.GetFileName(path))} sealed row {seq} of the record as {DisplayText.Shorten(sha256, 64)}: the record has {(seq <= hashes.Count && seq > 0 ? "another there" : "no such row")}");
                }
            }
        }

        return new CheckedCase(hashes.Count, head, heads, [.. faults.Take(MaxFaults)]);
    }

    /// <summary>What <c>PRAGMA integrity_check</c> and <c>foreign_key_check</c> say of the database; empty when it is sound.</summary>
    public static IReadOnlyList<string> Integrity(CaseStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        List<string> faults = [];
        try
        {
            using SqliteCommand check = store.Connection.CreateCommand();
            check.CommandText = "PRAGMA integrity_check(20)";
            using SqliteDataReader row = check.ExecuteReader();
            while (row.Read())
            {
                if (row.GetString(0) is var said && said != "ok")
                {
                    faults.Add("case.db: " + DisplayText.Shorten(said, 200));
                }
            }

            using SqliteCommand references = store.Connection.CreateCommand();
            references.CommandText = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2";
            using SqliteDataReader broken = references.ExecuteReader();
            while (broken.Read())
            {
                faults.Add($"case.db: {broken.GetInt64(2)} rows of {DisplayText.Shorten(broken.GetString(0), 60)} name a row of {DisplayText.Shorten(broken.GetString(1), 60)} that is not there");
            }
        }
        catch (SqliteException failure)
        {
            faults.Add("case.db: " + DisplayText.Shorten(failure.Message, 200));
        }

        return faults;
    }

    private static (List<string> Hashes, string? Head) CheckChain(CaseStore store, List<string> faults)
    {
        List<string> hashes = [];
        string prev = Casebook.Zeros;
        using SqliteCommand read = store.Connection.CreateCommand();
        read.CommandText = "SELECT seq, utc_ns, run, run_seq, event, line, prev_hash, hash FROM casebook ORDER BY seq";
        using SqliteDataReader row = read.ExecuteReader();
        while (row.Read())
        {
            long seq = row.GetInt64(0);
            string line = row.GetString(5), hash = Casebook.HashOf(line);
            string where = string.Create(CultureInfo.InvariantCulture, $"record row {seq}");
            if (seq != hashes.Count + 1)
            {
                faults.Add($"{where}: row {hashes.Count + 1} is missing");
            }

            if (row.GetString(7) != hash)
            {
                faults.Add($"{where}: it is not the row that was written");
            }

            if (row.GetString(6) != prev || !Says(line, row, prev))
            {
                faults.Add($"{where}: it does not follow the row before, or its columns say something else");
            }

            if (row.GetString(4) == Casebook.SalvagedInPart)
            {
                faults.Add($"{where}: the rows before were taken over from a damaged database, and do not go on to its end; what is missing may stand in a case.db.damaged file of the case");
            }

            hashes.Add(hash);
            prev = hash;
        }

        return (hashes, hashes.Count == 0 ? null : prev);
    }

    // The columns are for questions; what is proven is the line. Both must say the same.
    private static bool Says(string line, SqliteDataReader row, string prev)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement, told = root.Object("row");
            return root.Number("n") == row.GetInt64(0) && root.Text("prev") == prev && told.Number("utc_ns") == row.GetInt64(1) && told.Text("run") == row.GetString(2)
                && told.Number("seq") == row.GetInt64(3) && told.Text("event") == row.GetString(4);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static List<(long Seq, string Sha256)> HeadsIn(string path, List<string> faults)
    {
        List<(long, string)> heads = [];
        try
        {
            SealedBundleFiles bundle = SealedBundleFiles.Open(path);
            using MemoryStream journal = new(bundle.ReadSealed("journal.jsonl"), writable: false);
            foreach (StreamLine line in JsonLines.Read(journal))
            {
                using JsonDocument document = JsonDocument.Parse(line.Content);
                if (document.RootElement.Text("event") == Casebook.HeadEvent
                    && document.RootElement.Object("fields") is var fields && fields.Number("seq") is { } seq && fields.Text("sha256") is { } sha256)
                {
                    heads.Add((seq, sha256));
                }
            }
        }
        catch (Exception failure) when (failure is OperatorException or JsonException or IOException or UnauthorizedAccessException)
        {
            faults.Add($"{DisplayText.Escape(Path.GetFileName(path))}: its journal cannot be read: {DisplayText.Shorten(failure.Message, 200)}");
        }

        return heads;
    }
}
