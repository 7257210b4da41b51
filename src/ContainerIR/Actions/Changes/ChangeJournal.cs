using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;

namespace ContainerIR.Actions.Changes;

/// <summary>
/// The journal of changes on this host: one file a change, <c>ID.json</c>, replaced whole and synced at each step: intended, done, undone. It outlives the
/// process, the terminal and the boot. Whoever changes something holds its lock, so that two responders never work on the same thing at once.
/// </summary>
internal sealed class ChangeJournal(string folder, TimeProvider clock)
{
    /// <summary>Where it is on every host.</summary>
    public const string DefaultFolder = "/var/lib/containerir/changes";
    private const int MaxChanges = 100_000;
    private const int MaxFileBytes = 4 * 1024 * 1024;
    private static readonly TimeSpan LockLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(50);

    public string Folder => folder;

    /// <summary>Takes the lock; waits up to a minute for whoever has it.</summary>
    /// <exception cref="OperatorException">It stays taken, or the folder cannot be made.</exception>
    public async Task<IDisposable> LockAsync(CancellationToken ct)
    {
        Make();
        string path = Path.Combine(folder, "lock");
        long started = clock.GetTimestamp();
        while (true)
        {
            try
            {
                // FileShare.None is flock(2): it is gone with the process.
                return new FileStream(path, new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.None,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                });
            }
            catch (UnauthorizedAccessException failure)
            {
                throw Denied(failure);
            }
            catch (IOException) when (clock.GetElapsedTime(started) < LockLimit)
            {
                await Task.Delay(LockPoll, clock, ct);
            }
            catch (IOException failure)
            {
                throw new OperatorException(
                    $"Another responder has been changing something on this host for more than {LockLimit.TotalSeconds:0} s.",
                    $"See who: cir status; or: fuser {DisplayText.Escape(path)}",
                    failure);
            }
        }
    }

    /// <summary>Writes a change that is about to be made; on disk when this returns.</summary>
    public Change Intend(Change change)
    {
        Change intended = change with
        {
            Id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)),
            State = ChangeState.Intended,
            IntendedAt = clock.GetUtcNow(),
            BootId = FreezeState.CurrentBoot,
            WorkerPid = Environment.ProcessId,
            WorkerStartTicks = FreezeState.StartOf(Environment.ProcessId) ?? 0,
        };
        Save(intended);
        return intended;
    }

    /// <summary>Writes the next state of a change; on disk when this returns.</summary>
    public Change Save(Change change)
    {
        Make();
        string path = PathOf(change.Id), partial = path + ".partial";
        try
        {
            using (FileStream file = new(partial, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                JsonSerializer.Serialize(file, change, ChangeJson.Default.Change);
                file.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
            FolderSync.Sync(folder);
            return change;
        }
        catch (UnauthorizedAccessException failure)
        {
            throw Denied(failure);
        }
        catch (IOException failure)
        {
            throw new OperatorException($"The change journal {DisplayText.Escape(path)} cannot be written: {failure.Message}", "Nothing more is changed. Free space on that file system, then look: cir status", failure);
        }
    }

    /// <summary>One change.</summary>
    /// <exception cref="OperatorException">There is none.</exception>
    public Change Load(string id)
    {
        List<Change> all = [.. List(out _).Where(change => id.Length > 0 && change.Id.StartsWith(id, StringComparison.Ordinal))];
        return all is [var one] ? one : throw new OperatorException(
            $"{(all.Count == 0 ? "No change" : "More than one change")} is called {DisplayText.Shorten(id, 40)}.", "See all: cir status --all");
    }

    /// <summary>Every change, the oldest first.</summary>
    /// <param name="unreadable">Files that are none, and why.</param>
    public List<Change> List(out IReadOnlyList<string> unreadable)
    {
        List<Change> changes = [];
        List<string> problems = [];
        foreach (string path in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.json").Take(MaxChanges) : [])
        {
            try
            {
                if (JsonSerializer.Deserialize(HostFile.ReadSmall(path, MaxFileBytes), ChangeJson.Default.Change) is { } change
                    && change.Id == Path.GetFileNameWithoutExtension(path))
                {
                    changes.Add(change);
                    continue;
                }

                problems.Add($"{DisplayText.Escape(path)}: it is no change");
            }
            catch (Exception failure) when (failure is IOException or JsonException or UnauthorizedAccessException)
            {
                problems.Add($"{DisplayText.Escape(path)}: {failure.Message}");
            }
        }

        unreadable = problems;
        changes.Sort(static (one, other) => one.IntendedAt.CompareTo(other.IntendedAt));
        return changes;
    }

    /// <summary>Changes of a container that may be in force, the oldest first.</summary>
    public List<Change> Open(string containerId, string action) =>
        [.. List(out _).Where(change => change.ContainerId == containerId && change.Action == action && IsOpen(change))];

    /// <summary>Whether a change may be in force.</summary>
    public static bool IsOpen(Change change) => change.State is ChangeState.Intended or ChangeState.Done;

    /// <summary>Whether the process that intended a change still is at work.</summary>
    public static bool IsAtWork(Change change) =>
        change.State == ChangeState.Intended && change.BootId == FreezeState.CurrentBoot && FreezeState.IsAlive(change.WorkerPid, change.WorkerStartTicks);

    private string PathOf(string id) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{id}.json"));

    private void Make()
    {
        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Denied(failure);
        }
    }

    private OperatorException Denied(Exception failure) =>
        new($"The change journal in {DisplayText.Escape(folder)} cannot be opened: {failure.Message}", "Run cir as root (sudo): changes on a host are made and recorded by root.", failure);
}
