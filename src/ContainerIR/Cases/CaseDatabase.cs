using System.Globalization;
using ContainerIR.Evidence;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>Opens <c>case.db</c> with the settings every connection needs, and brings it to the present shape.</summary>
internal static class CaseDatabase
{
    public const string FileName = "case.db";

    private const int BusyTimeoutMilliseconds = 30_000;

    private const int SqliteReadOnly = 8;
    private const int SqliteCorrupt = 11;
    private const int SqliteCantOpen = 14;
    private const int SqliteNotADatabase = 26;

    /// <summary>Opens for reading and writing; applies missing migrations.</summary>
    /// <exception cref="OperatorException">It is damaged, newer than this program, not a case, or cannot be written.</exception>
    public static SqliteConnection OpenWritable(string folder) => Prepare(folder, FileName, SqliteOpenMode.ReadWrite);

    /// <summary>Makes an empty index in the folder of a case, under a name of its own.</summary>
    /// <exception cref="OperatorException">It cannot be written.</exception>
    public static SqliteConnection Make(string folder, string name) => Prepare(folder, name, SqliteOpenMode.ReadWriteCreate);

    private static SqliteConnection Prepare(string folder, string name, SqliteOpenMode mode) => Guarded(folder, () =>
    {
        SqliteConnection connection = Connect(Path.Combine(folder, name), mode);
        try
        {
            Execute(connection, "PRAGMA journal_mode = WAL");
            Execute(connection, "PRAGMA synchronous = FULL");
            Execute(connection, "PRAGMA cache_size = -8192");
            Migrate(connection, folder);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    });

    /// <summary>
    /// Opens for reading only. A database in write-ahead mode wants to write its shared-memory file even then; where the medium forbids that
    /// and no log is left beside it, the file is opened as immutable (sqlite.org/wal.html, "Read-Only Databases").
    /// </summary>
    /// <exception cref="OperatorException">It is damaged, newer than this program, or not a case.</exception>
    public static SqliteConnection OpenReadOnly(string folder) => Guarded(folder, () =>
    {
        string path = Path.Combine(folder, FileName);
        SqliteConnection connection;
        try
        {
            connection = Connect(path, SqliteOpenMode.ReadOnly);
            try
            {
                // The first read is what fails on such a medium, not the opening.
                Scalar(connection, "SELECT count(*) FROM sqlite_schema");
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        }
        catch (SqliteException failure) when (failure.SqliteErrorCode is SqliteReadOnly or SqliteCantOpen && File.Exists(path) && !HasLog(path))
        {
            connection = Connect($"file:{Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal)}?immutable=1", SqliteOpenMode.ReadOnly);
        }

        try
        {
            CheckIsCase(connection, folder);
            if (Version(connection) != Migrations.All.Count)
            {
                CheckVersion(connection, folder);
                throw new OperatorException(
                    $"The case in {folder} was written by an older version and cannot be changed from here.", $"Open it once with write access: cir case rebuild {Path.GetFileName(folder)}");
            }

            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    });

    public static void Execute(SqliteConnection connection, string sql, SqliteTransaction? transaction = null)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = transaction ?? command.Transaction;
        command.ExecuteNonQuery();
    }

    public static long Scalar(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static SqliteConnection Connect(string dataSource, SqliteOpenMode mode)
    {
        SqliteConnectionStringBuilder settings = new()
        {
            DataSource = dataSource,
            Mode = mode,
            ForeignKeys = true,
            Pooling = false,
            DefaultTimeout = BusyTimeoutMilliseconds / 1000,
        };
        SqliteConnection connection = new(settings.ToString());
        try
        {
            connection.Open();
            Execute(connection, $"PRAGMA busy_timeout = {BusyTimeoutMilliseconds}");
            // A case may come from somebody else: nothing its schema names may run code with effects.
            Execute(connection, "PRAGMA trusted_schema = OFF");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static void Migrate(SqliteConnection connection, string folder)
    {
        CheckVersion(connection, folder);
        if (Version(connection) == Migrations.All.Count)
        {
            CheckIsCase(connection, folder);
            return;
        }

        // Immediate: of two processes that open an old case at once, one migrates and the other waits and then finds it done.
        using SqliteTransaction transaction = connection.BeginTransaction(deferred: false);
        long from = Version(connection);
        if (from > 0 || Scalar(connection, "SELECT count(*) FROM sqlite_schema") > 0)
        {
            CheckIsCase(connection, folder);
        }

        for (int step = (int)from; step < Migrations.All.Count; step++)
        {
            Execute(connection, Migrations.All[step], transaction);
        }

        Execute(connection, $"PRAGMA application_id = {Migrations.ApplicationId}", transaction);
        Execute(connection, $"PRAGMA user_version = {Migrations.All.Count}", transaction);
        transaction.Commit();
    }

    private static long Version(SqliteConnection connection) => Scalar(connection, "PRAGMA user_version");

    private static void CheckVersion(SqliteConnection connection, string folder)
    {
        long version = Version(connection);
        if (version > Migrations.All.Count)
        {
            throw new OperatorException(
                $"The case in {folder} was written by a newer version of cir (index version {version}, this one knows {Migrations.All.Count}).",
                "Use that version, or a newer one. The bundles themselves can be verified with any version.");
        }
    }

    private static void CheckIsCase(SqliteConnection connection, string folder)
    {
        if (Scalar(connection, "PRAGMA application_id") != Migrations.ApplicationId)
        {
            throw new OperatorException($"{Path.Combine(folder, FileName)} is a database, but not a case of ContainerIR.", "Move it away, then: cir case rebuild " + Path.GetFileName(folder));
        }
    }

    private static bool HasLog(string path) => new FileInfo(path + "-wal") is { Exists: true, Length: > 0 };

    private static SqliteConnection Guarded(string folder, Func<SqliteConnection> open)
    {
        string id = Path.GetFileName(folder);
        try
        {
            return open();
        }
        catch (SqliteException failure) when (failure.SqliteErrorCode is SqliteCorrupt or SqliteNotADatabase)
        {
            throw new OperatorException($"The index of case {id} is damaged: {failure.Message}", $"Fill it again from the bundles: cir case rebuild {id}", failure);
        }
        catch (SqliteException failure) when (failure.SqliteErrorCode is SqliteReadOnly or SqliteCantOpen)
        {
            throw new OperatorException($"The index of case {id} cannot be opened: {failure.Message}", $"Check the rights and the free space of {folder}", failure);
        }
    }
}
