using System.Globalization;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>Who opened a case and why. Text as typed by the examiner.</summary>
/// <param name="Examiner">Who; null when not said.</param>
/// <param name="Reason">Why; null when not said.</param>
public sealed record CaseFacts(string? Examiner, string? Reason);

/// <summary>One line of the list of cases.</summary>
/// <param name="Id">Case id.</param>
/// <param name="CreatedAt">When it was opened (UTC); null when its index cannot be read.</param>
/// <param name="Examiner">Who opened it; null when not said.</param>
/// <param name="Bundles">Number of bundles in its folder.</param>
/// <param name="Problem">Why its index cannot be read; null when it can.</param>
public sealed record CaseSummary(string Id, DateTimeOffset? CreatedAt, string? Examiner, int Bundles, string? Problem);

/// <summary>
/// An open case: its folder and its database. The database is an index that says again what the bundles say; the bundles are the truth. Several
/// processes may hold one case open; one writes at a time and the others wait up to 30 s.
/// </summary>
public sealed class CaseStore : IDisposable
{
    // What recovery of a bundle could not prove is put beside it under this name: it is no bundle.
    private const string UnprovenSuffix = "-unproven";
    private const string DamagedSuffix = ".damaged-";

    private CaseStore(string folder, SqliteConnection connection, bool writable)
    {
        Folder = folder;
        Connection = connection;
        IsWritable = writable;
    }

    /// <summary>Case id.</summary>
    public string Id => Path.GetFileName(Folder);

    /// <summary>Absolute path of the case's folder.</summary>
    public string Folder { get; }

    /// <summary>Where its bundles are kept.</summary>
    public string BundlesFolder => BundlesOf(Folder);

    /// <summary>Whether this connection may write.</summary>
    public bool IsWritable { get; }

    internal SqliteConnection Connection { get; }

    /// <summary>Whether a case with this id exists.</summary>
    /// <exception cref="OperatorException">The id is not one.</exception>
    public static bool Exists(CaseHome home, string caseId)
    {
        ArgumentNullException.ThrowIfNull(home);
        return File.Exists(Path.Combine(home.FolderOf(caseId), CaseDatabase.FileName));
    }

    /// <summary>Opens a new case.</summary>
    /// <exception cref="OperatorException">It exists, the id is not one, or the folder cannot be made.</exception>
    public static CaseStore Create(CaseHome home, string caseId, CaseFacts facts, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(home);
        ArgumentNullException.ThrowIfNull(facts);
        ArgumentNullException.ThrowIfNull(clock);
        return TryCreate(home, caseId, facts, clock) ?? throw new OperatorException($"Case {caseId} exists already.", $"Look at it: cir case show {caseId}");
    }

    /// <summary>Opens a case, a new one where there is none: of two processes that ask at once one makes it, and both have it open.</summary>
    /// <returns>The case, and whether it is new.</returns>
    /// <exception cref="OperatorException">The id is not one, it is damaged, or the folder cannot be made.</exception>
    public static (CaseStore Store, bool IsNew) OpenOrCreate(CaseHome home, string caseId, CaseFacts facts, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(home);
        ArgumentNullException.ThrowIfNull(facts);
        ArgumentNullException.ThrowIfNull(clock);
        return Exists(home, caseId) ? (Open(home, caseId), false)
            : TryCreate(home, caseId, facts, clock) is { } made ? (made, true)
            : (Open(home, caseId), false);
    }

    // Made under another name and then given its own: nobody ever sees a case half made. Null when another was there first.
    private static CaseStore? TryCreate(CaseHome home, string caseId, CaseFacts facts, TimeProvider clock)
    {
        string folder = home.FolderOf(caseId);
        CaseHome.MakePrivate(home.Path);
        CaseHome.MakePrivate(folder);
        CaseHome.MakePrivate(BundlesOf(folder));
        string made = $"{CaseDatabase.FileName}.new-{Guid.NewGuid():N}";
        using (SqliteConnection connection = CaseDatabase.Make(folder, made))
        {
            using SqliteCommand insert = connection.CreateCommand();
            insert.CommandText = """INSERT INTO "case" (one, id, created_at_ns, examiner, reason) VALUES (1, $id, $at, $examiner, $reason)""";
            insert.Parameters.AddWithValue("$id", caseId);
            insert.Parameters.AddWithValue("$at", Instant.ToNanoseconds(clock.GetUtcNow()));
            insert.Parameters.AddWithValue("$examiner", (object?)facts.Examiner ?? DBNull.Value);
            insert.Parameters.AddWithValue("$reason", (object?)facts.Reason ?? DBNull.Value);
            insert.ExecuteNonQuery();
        }

        try
        {
            File.Move(Path.Combine(folder, made), Path.Combine(folder, CaseDatabase.FileName), overwrite: false);
            return Open(home, caseId);
        }
        catch (IOException failure)
        {
            File.Delete(Path.Combine(folder, made));
            return Exists(home, caseId) ? null : throw new OperatorException($"The case cannot be made in {folder}: {failure.Message}", "Check the rights and the free space there.", failure);
        }
    }

    /// <summary>Opens a case that exists, for reading and writing; brings an older index to the present shape.</summary>
    /// <exception cref="OperatorException">There is none, it is damaged, or a newer version wrote it.</exception>
    public static CaseStore Open(CaseHome home, string caseId)
    {
        string folder = Existing(home, caseId);
        return new CaseStore(folder, CaseDatabase.OpenWritable(folder), writable: true);
    }

    /// <summary>Opens a case that exists, for reading only: works on a medium that cannot be written.</summary>
    /// <exception cref="OperatorException">There is none, it is damaged, or another version wrote it.</exception>
    public static CaseStore OpenReadOnly(CaseHome home, string caseId)
    {
        string folder = Existing(home, caseId);
        return new CaseStore(folder, CaseDatabase.OpenReadOnly(folder), writable: false);
    }

    /// <summary>
    /// Opens a case whose index is missing or damaged: the damaged file is set aside under a new name, an empty one takes its place, and the record of the case, which
    /// stands nowhere else, is taken over as far as it can be proven.
    /// </summary>
    /// <returns>The case, and what became of the damaged file; null when it was sound.</returns>
    /// <exception cref="OperatorException">There is no such folder, or a newer version wrote the index.</exception>
    public static (CaseStore Store, SalvagedRecord? Salvaged) OpenForRebuild(CaseHome home, string caseId, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(home);
        ArgumentNullException.ThrowIfNull(clock);
        string folder = home.FolderOf(caseId);
        if (!Directory.Exists(BundlesOf(folder)))
        {
            throw Unknown(home, caseId);
        }

        if (!Exists(home, caseId))
        {
            return (Create(home, caseId, new CaseFacts(null, null), clock), null);
        }

        if (OpenSound(home, caseId) is { } sound)
        {
            return (sound, null);
        }

        string index = Path.Combine(folder, CaseDatabase.FileName);
        string aside = $"{index}{DamagedSuffix}{clock.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";
        foreach (string suffix in (string[])["", "-wal", "-shm"])
        {
            if (File.Exists(index + suffix))
            {
                File.Move(index + suffix, aside + suffix);
            }
        }

        CaseStore store = Create(home, caseId, new CaseFacts(null, null), clock);
        return (store, CaseSalvage.TakeOver(aside, store));
    }

    /// <summary>Every case below a home, by id. A case whose index cannot be read is listed with its problem.</summary>
    public static IReadOnlyList<CaseSummary> List(CaseHome home)
    {
        ArgumentNullException.ThrowIfNull(home);
        if (!Directory.Exists(home.CasesFolder))
        {
            return [];
        }

        return [.. Directory.EnumerateDirectories(home.CasesFolder)
            .Select(folder => Path.GetFileName(folder))
            .Where(CaseId.IsValid)
            .Order(StringComparer.Ordinal)
            .Select(id => Summarise(home, id))];
    }

    /// <summary>Damaged databases that were set aside, by name.</summary>
    public IReadOnlyList<string> ListSetAside() =>
        [.. Directory.EnumerateFiles(Folder, CaseDatabase.FileName + DamagedSuffix + "*").Where(path => !path.EndsWith("-wal", StringComparison.Ordinal) && !path.EndsWith("-shm", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>The bundles of this case in the order of their names: folders in <see cref="BundlesFolder"/> and links to folders elsewhere.</summary>
    public IReadOnlyList<string> ListBundles() => BundlesIn(Folder);

    /// <inheritdoc/>
    public void Dispose() => Connection.Dispose();

    // Damage does not always show when a database is opened: all its pages are looked at.
    private static CaseStore? OpenSound(CaseHome home, string caseId)
    {
        CaseStore? store = null;
        try
        {
            store = Open(home, caseId);
            if (CasebookCheck.Integrity(store).Count == 0)
            {
                return store;
            }

            store.Dispose();
            return null;
        }
        catch (OperatorException failure) when (failure.InnerException is SqliteException { SqliteErrorCode: 11 or 26 })
        {
            return null;
        }
        catch
        {
            store?.Dispose();
            throw;
        }
    }

    private static string BundlesOf(string folder) => Path.Combine(folder, "bundles");

    private static string[] BundlesIn(string folder) => Directory.Exists(BundlesOf(folder))
        ? [.. Directory.EnumerateDirectories(BundlesOf(folder)).Where(path => !path.EndsWith(UnprovenSuffix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)]
        : [];

    private static string Existing(CaseHome home, string caseId) => Exists(home, caseId) ? home.FolderOf(caseId) : throw Unknown(home, caseId);

    private static OperatorException Unknown(CaseHome home, string caseId)
    {
        string[] known = [.. List(home).Select(each => each.Id)];
        return new OperatorException(
            $"There is no case {caseId} in {DisplayText.Escape(home.CasesFolder)}.",
            known.Length == 0
                ? $"Open it: cir case new {caseId}"
                : $"Open it: cir case new {caseId} (there are: {string.Join(", ", known.Take(10))}{(known.Length > 10 ? " …" : "")})");
    }

    private static CaseSummary Summarise(CaseHome home, string id)
    {
        int bundles = BundlesIn(home.FolderOf(id)).Length;
        try
        {
            using CaseStore store = OpenReadOnly(home, id);
            using SqliteCommand read = store.Connection.CreateCommand();
            read.CommandText = """SELECT created_at_ns, examiner FROM "case" """;
            using SqliteDataReader row = read.ExecuteReader();
            return row.Read()
                ? new CaseSummary(id, Instant.FromNanoseconds(row.GetInt64(0)), row.IsDBNull(1) ? null : row.GetString(1), bundles, null)
                : new CaseSummary(id, null, null, bundles, "its index is empty");
        }
        catch (OperatorException problem)
        {
            return new CaseSummary(id, null, null, bundles, problem.Message);
        }
        catch (SqliteException problem)
        {
            return new CaseSummary(id, null, null, bundles, problem.Message);
        }
    }
}
