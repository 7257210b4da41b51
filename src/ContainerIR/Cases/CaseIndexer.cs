using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>What indexing one bundle gave.</summary>
/// <param name="BundlePath">The bundle.</param>
/// <param name="BundleId">Its UUID.</param>
/// <param name="Rows">Rows written.</param>
/// <param name="Notes">What the index had to leave out; empty when nothing.</param>
public sealed record IndexedBundle(string BundlePath, string BundleId, long Rows, IReadOnlyList<string> Notes);

/// <summary>What rebuilding an index gave.</summary>
/// <param name="Indexed">Bundles that are in the index now.</param>
/// <param name="Skipped">Bundles that are not, and why.</param>
public sealed record RebuiltIndex(IReadOnlyList<IndexedBundle> Indexed, IReadOnlyList<(string BundlePath, string Why)> Skipped);

/// <summary>Fills the index of a case from sealed bundles. All of a bundle is in it or nothing: one transaction.</summary>
public static class CaseIndexer
{
    /// <summary>
    /// Indexes a sealed bundle; one that is in the index already is indexed anew. A bundle kept elsewhere is linked into the case's bundles.
    /// SQLite knows no asynchronous I/O: the work has a thread of its own.
    /// </summary>
    /// <param name="store">The case.</param>
    /// <param name="bundlePath">The bundle.</param>
    /// <param name="judge">Says what its findings are; null where nobody will ask for findings.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="OperatorException">It is no sealed bundle, not as it was sealed, or the index cannot be written.</exception>
    public static Task<IndexedBundle> IndexAsync(CaseStore store, string bundlePath, BundleJudge? judge, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(bundlePath);
        return OnOwnThread(store, () =>
        {
            SealedBundleFiles bundle = SealedBundleFiles.Open(Path.TrimEndingDirectorySeparator(Path.GetFullPath(bundlePath)));
            SealedRecord record = SealedRecord.Read(bundle);

            // Before the transaction: reading evidence keeps no other writer waiting.
            JudgedBundle? judged = judge?.Invoke(bundle.Folder, ct);
            Link(store, bundle);
            using UncheckedReferences references = new(store.Connection);
            using SqliteTransaction transaction = store.Connection.BeginTransaction(deferred: false);
            Remove(store.Connection, transaction, record.BundleId);
            BulkFill indexes = BulkFill.Begin(store.Connection, record.Items);
            IndexedBundle indexed = Fill(store.Connection, transaction, new OpenBundle(bundle, record, judged), ct);
            indexes.End();
            transaction.Commit();
            return indexed;
        });
    }

    /// <summary>Throws the index away and fills it from the bundles in the case's folder. Until the end, others read the old one.</summary>
    /// <param name="store">The case.</param>
    /// <param name="judge">Says what the findings of a bundle are.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="OperatorException">The index cannot be written.</exception>
    public static Task<RebuiltIndex> RebuildAsync(CaseStore store, BundleJudge? judge, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(store);
        return OnOwnThread(store, () =>
        {
            List<IndexedBundle> indexed = [];
            List<(string BundlePath, string Why)> skipped = [];
            OpenBundle[] bundles = [.. OpenAll(store, judge, skipped, ct)];
            using UncheckedReferences references = new(store.Connection);
            using SqliteTransaction transaction = store.Connection.BeginTransaction(deferred: false);
            foreach (string table in Migrations.IndexTables)
            {
                CaseDatabase.Execute(store.Connection, $"DELETE FROM {table}", transaction);
            }

            BulkFill indexes = BulkFill.Begin(store.Connection, bundles.SelectMany(bundle => bundle.Record.Items));
            foreach (OpenBundle bundle in bundles)
            {
                ct.ThrowIfCancellationRequested();
                try
                {
                    indexed.Add(Fill(store.Connection, transaction, bundle, ct));
                }
                catch (OperatorException problem)
                {
                    skipped.Add((bundle.Files.Folder, problem.Message));
                }
            }

            indexes.End();
            transaction.Commit();
            return new RebuiltIndex(indexed, skipped);
        });
    }

    private static IEnumerable<OpenBundle> OpenAll(CaseStore store, BundleJudge? judge, List<(string BundlePath, string Why)> skipped, CancellationToken ct)
    {
        foreach (string path in store.ListBundles())
        {
            ct.ThrowIfCancellationRequested();
            OpenBundle opened;
            try
            {
                SealedBundleFiles files = SealedBundleFiles.Open(path);
                opened = new OpenBundle(files, SealedRecord.Read(files), judge?.Invoke(path, ct));
            }
            catch (OperatorException problem)
            {
                skipped.Add((path, problem.Message));
                continue;
            }

            yield return opened;
        }
    }

    private static IndexedBundle Fill(SqliteConnection connection, SqliteTransaction transaction, OpenBundle bundle, CancellationToken ct)
    {
        // A savepoint: a bundle that turns out unreadable half-way leaves nothing of itself.
        const string savepoint = "bundle";
        transaction.Save(savepoint);
        try
        {
            IndexedBundle indexed = FillAll(connection, bundle, ct);
            transaction.Release(savepoint);
            return indexed;
        }
        catch (OperatorException)
        {
            transaction.Rollback(savepoint);
            throw;
        }
    }

    private static IndexedBundle FillAll(SqliteConnection connection, OpenBundle open, CancellationToken ct)
    {
        (SealedBundleFiles bundle, SealedRecord record, JudgedBundle? judged) = open;
        long bundleId = InsertBundle(connection, bundle, record);
        foreach (SealedGap gap in record.Gaps)
        {
            InsertGap(connection, bundleId, gap);
        }

        using IndexWriter writer = new(connection, bundleId);
        IndexJournal(bundle, writer);
        foreach (SealedItem item in record.Items)
        {
            ct.ThrowIfCancellationRequested();
            writer.BeginItem(item);
            IndexContent(bundle, item, writer, ct);
        }

        writer.EndBundle();
        writer.Rows += judged is null ? 0 : FindingIndex.Add(connection, bundleId, judged);
        return new IndexedBundle(bundle.Folder, record.BundleId, writer.Rows, ReadNotes(connection, bundleId));
    }

    private static void IndexContent(SealedBundleFiles bundle, SealedItem item, IndexWriter writer, CancellationToken ct)
    {
        if (IndexedItems.ReaderOf(item) is not { } read)
        {
            return;
        }

        try
        {
            using SealedContent content = bundle.OpenContent(item.Path, item.Sha256, item.RawBytes);
            read(content, writer, ct);
            if (!content.IsAsSealed())
            {
                writer.Note(null, "the file is not the one that was sealed: verify the bundle");
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            writer.Note(null, $"it cannot be read further: {failure.Message}");
        }
    }

    private static void IndexJournal(SealedBundleFiles bundle, IndexWriter writer)
    {
        using MemoryStream journal = new(bundle.ReadSealed("journal.jsonl"), writable: false);
        foreach (StreamLine line in JsonLines.Read(journal))
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(line.Content);
                JsonElement root = document.RootElement;
                if (root.Number("seq") is not { } seq || root.Text("event") is not { } name || root.Text("time") is not { } time
                    || !Rfc3339.TryParse(System.Text.Encoding.UTF8.GetBytes(time), out long atNs))
                {
                    throw new JsonException("seq, event or time is missing");
                }

                writer.AddJournalEntry(seq, atNs, name, System.Text.Encoding.UTF8.GetString(line.Content.Span));
                CustodyIndex.Add(atNs, name, root.Object("fields"), line.Number, writer);
            }
            catch (JsonException failure)
            {
                throw new OperatorException(
                    $"Line {line.Number} of journal.jsonl in {DisplayText.Escape(bundle.Folder)} is no journal line: {failure.Message}",
                    $"See what is wrong with the bundle: cir verify {DisplayText.Escape(bundle.Folder)}",
                    failure);
            }
        }
    }

    private static long InsertBundle(SqliteConnection connection, SealedBundleFiles bundle, SealedRecord record)
    {
        using Insert insert = new(
            connection, "bundle", "uid", "folder", "root_sha256", "case_id", "host", "container_id", "container_name", "image_name", "image_id", "scope", "examiner",
            "reason", "tool_version", "opened_at_ns", "sealed_at_ns");
        return insert.Add(record.BundleId).Add(Path.GetFileName(bundle.Folder)).Add(bundle.RootSha256).Add(record.CaseId).Add(record.Host).Add(record.ContainerId)
            .Add(record.ContainerName).Add(record.ImageName).Add(record.ImageId).Add(record.Scope).Add(record.Examiner).Add(record.Reason).Add(record.ToolVersion)
            .Add(record.OpenedAtNs).Add(record.SealedAtNs).Run();
    }

    private static void InsertGap(SqliteConnection connection, long bundleId, SealedGap gap)
    {
        using Insert insert = new(connection, "gap", "bundle_id", "collector", "sought", "reason", "at_ns");
        insert.Add(bundleId).Add(gap.Collector).Add(gap.Sought).Add(gap.Reason).Add(gap.AtNs).Run();
    }

    private static List<string> ReadNotes(SqliteConnection connection, long bundleId)
    {
        using SqliteCommand read = connection.CreateCommand();
        read.CommandText = "SELECT path, row, note FROM index_note WHERE bundle_id = $bundle ORDER BY id";
        read.Parameters.AddWithValue("$bundle", bundleId);
        using SqliteDataReader row = read.ExecuteReader();
        List<string> notes = [];
        while (row.Read())
        {
            notes.Add(row.IsDBNull(1) ? $"{row.GetString(0)}: {row.GetString(2)}" : $"{row.GetString(0)} line {row.GetInt64(1)}: {row.GetString(2)}");
        }

        return notes;
    }

    private static void Remove(SqliteConnection connection, SqliteTransaction transaction, string uid)
    {
        foreach (string table in Migrations.IndexTables)
        {
            using SqliteCommand delete = connection.CreateCommand();
            delete.Transaction = transaction;
            delete.CommandText = table == "bundle" ? "DELETE FROM bundle WHERE uid = $uid" : $"DELETE FROM {table} WHERE bundle_id = (SELECT id FROM bundle WHERE uid = $uid)";
            delete.Parameters.AddWithValue("$uid", uid);
            delete.ExecuteNonQuery();
        }
    }

    /// <summary>The case's bundles folder is the list of its bundles: one that is kept elsewhere stands there as a link.</summary>
    private static void Link(CaseStore store, SealedBundleFiles bundle)
    {
        string inCase = Path.Combine(store.BundlesFolder, Path.GetFileName(bundle.Folder));
        if (bundle.Folder == inCase)
        {
            return;
        }

        try
        {
            DirectoryInfo there = new(inCase);
            if (there.LinkTarget == bundle.Folder)
            {
                return;
            }

            if (there.Exists || there.LinkTarget is not null)
            {
                throw new OperatorException($"Case {store.Id} has another bundle of the name {DisplayText.Escape(there.Name)}.", $"Look at it: {DisplayText.Escape(inCase)}");
            }

            Directory.CreateSymbolicLink(inCase, bundle.Folder);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{DisplayText.Escape(inCase)} cannot be made: {failure.Message}", $"Check the rights of {DisplayText.Escape(store.BundlesFolder)}", failure);
        }
    }

    private static Task<T> OnOwnThread<T>(CaseStore store, Func<T> work) => Task.Factory.StartNew(
        () =>
        {
            try
            {
                return work();
            }
            catch (SqliteException failure)
            {
                throw new OperatorException(
                    $"The index of case {store.Id} cannot be written: {failure.Message}", $"Check free space and rights of {DisplayText.Escape(store.Folder)}, then: cir case rebuild {store.Id}", failure);
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    // The numbers of bundle and item were given a moment before by the same transaction: looking them up for each of a million rows says nothing new.
    // cir doctor and cir case check ask for all of them at once.
    private sealed class UncheckedReferences : IDisposable
    {
        private readonly SqliteConnection connection;

        public UncheckedReferences(SqliteConnection connection)
        {
            this.connection = connection;
            CaseDatabase.Execute(connection, "PRAGMA foreign_keys = OFF");
        }

        public void Dispose() => CaseDatabase.Execute(connection, "PRAGMA foreign_keys = ON");
    }

    private sealed record OpenBundle(SealedBundleFiles Files, SealedRecord Record, JudgedBundle? Judged);
}
