using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContainerIR.Actions;
using ContainerIR.Evidence;

namespace ContainerIR.Playbooks.Runs;

/// <summary>
/// What a run did so far, on disk before the next thing happens: <c>CASE/runs/RUN/run.jsonl</c>, one line a step, each synced. Beside it lie the compiled
/// playbooks that ran, in canonical JSON. It is no record for a court, the case's timeline is; it is what <c>cir playbook resume</c> goes on from.
/// </summary>
internal sealed class RunFile : IDisposable
{
    private const int MaxFileBytes = 64 * 1024 * 1024;
    private const string FileName = "run.jsonl";
    private const string GuardName = "lock";

    private readonly FileStream guard;
    private readonly FileStream file;

    private RunFile(string folder, FileStream guard, FileStream file, IReadOnlyList<JsonElement> lines)
    {
        Folder = folder;
        this.guard = guard;
        this.file = file;
        Lines = lines;
    }

    /// <summary>Folder of the run.</summary>
    public string Folder { get; }

    /// <summary>Run id.</summary>
    public string RunId => Path.GetFileName(Folder);

    /// <summary>What was there when it was opened.</summary>
    public IReadOnlyList<JsonElement> Lines { get; }

    /// <summary>Folder of the runs of a case.</summary>
    public static string RunsOf(string caseFolder) => Path.Combine(caseFolder, "runs");

    /// <summary>Ids of the runs of a case, oldest first.</summary>
    public static IReadOnlyList<string> List(string caseFolder) =>
        Directory.Exists(RunsOf(caseFolder)) ? [.. Directory.EnumerateDirectories(RunsOf(caseFolder)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)] : [];

    /// <summary>Begins a run.</summary>
    /// <exception cref="OperatorException">The folder cannot be written.</exception>
    public static RunFile Create(string caseFolder, DateTimeOffset at) => Guarded(() =>
    {
        string id = $"R-{at.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3))}";
        string folder = Path.Combine(RunsOf(caseFolder), id);
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return OpenFolder(folder, FileMode.CreateNew);
    });

    /// <summary>Opens a run to go on with it. A last line that was cut by a crash is cut off.</summary>
    /// <exception cref="OperatorException">There is no such run, it goes on elsewhere, or it cannot be read.</exception>
    public static RunFile Open(string caseFolder, string runId)
    {
        if (!List(caseFolder).Contains(runId))
        {
            throw new OperatorException(
                $"There is no run {Evidence.Text.DisplayText.Shorten(runId, 60)} in this case.", List(caseFolder) is { Count: > 0 } known ? $"There are: {string.Join(", ", known.TakeLast(10))}" : "Start one: cir playbook run");
        }

        return Guarded(() => OpenFolder(Path.Combine(RunsOf(caseFolder), runId), FileMode.Open));
    }

    /// <summary>Reads the lines of a run without opening it for writing.</summary>
    public static IReadOnlyList<JsonElement> ReadLines(string caseFolder, string runId) => Guarded(() =>
    {
        using FileStream stream = new(Path.Combine(RunsOf(caseFolder), runId, FileName), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return ReadWhole(stream).Lines;
    });

    /// <summary>Whether a process runs it now.</summary>
    public static bool IsAtWork(string caseFolder, string runId)
    {
        try
        {
            new FileStream(Path.Combine(RunsOf(caseFolder), runId, GuardName), FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (IOException)
        {
            // Held, here or by another process.
            return true;
        }
    }

    /// <summary>Adds a line; it is on the device when this returns.</summary>
    public void Append(JsonObject line)
    {
        try
        {
            file.Write([.. Encoding.UTF8.GetBytes(line.ToJsonString()), (byte)'\n']);
            file.Flush(flushToDisk: true);
        }
        catch (IOException failure)
        {
            throw new OperatorException($"The run's file {file.Name} cannot be written: {failure.Message}", "Free space, then go on: cir playbook resume", failure);
        }
    }

    /// <summary>Stores a compiled playbook: whole, under its digest.</summary>
    public void Store(Playbook playbook)
    {
        string path = PathOf(playbook.Sha256);
        if (File.Exists(path))
        {
            return;
        }

        _ = Guarded(() =>
        {
            using (FileStream stream = new(path + ".partial", FileMode.Create, FileAccess.Write))
            {
                stream.Write(playbook.Canonical);
                stream.Flush(flushToDisk: true);
            }

            File.Move(path + ".partial", path);
            return true;
        });
    }

    /// <summary>Reads a stored playbook.</summary>
    /// <exception cref="OperatorException">It is not there, or not as it was stored.</exception>
    public Playbook Load(string sha256, IReadOnlyList<IAction> actions) => Guarded(() =>
    {
        byte[] bytes = File.ReadAllBytes(PathOf(sha256));
        if (CanonicalJson.Sha256(bytes) != sha256)
        {
            throw new OperatorException($"{PathOf(sha256)} is not the playbook that was run.", "The run cannot go on: start a new one.");
        }

        (Playbook? playbook, IReadOnlyList<PlaybookFault> faults) = CacaoReader.Read(bytes, actions);
        return playbook ?? throw PlaybookFault.Refuse(PathOf(sha256), faults);
    });

    public void Dispose()
    {
        file.Dispose();
        guard.Dispose();
    }

    private string PathOf(string sha256) => Path.Combine(Folder, $"playbook-{sha256}.json");

    private static RunFile OpenFolder(string folder, FileMode mode)
    {
        // Two who go on with one run would do every step twice.
        FileStream guard;
        try
        {
            guard = new FileStream(Path.Combine(folder, GuardName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException failure)
        {
            throw new OperatorException($"The run {Path.GetFileName(folder)} goes on in another process.", "Go on there, or end that process first.", failure);
        }

        try
        {
            FileStream file = new(Path.Combine(folder, FileName), mode, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            (IReadOnlyList<JsonElement> lines, long end) = ReadWhole(file);
            file.SetLength(end);
            file.Position = end;
            return new RunFile(folder, guard, file, lines);
        }
        catch
        {
            guard.Dispose();
            throw;
        }
    }

    private static (IReadOnlyList<JsonElement> Lines, long End) ReadWhole(FileStream stream)
    {
        if (stream.Length > MaxFileBytes)
        {
            throw new OperatorException($"{stream.Name} has {stream.Length} bytes: that is no run of ours.", "Start a new run.");
        }

        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        List<JsonElement> lines = [];
        int start = 0;
        for (int end = Array.IndexOf(bytes, (byte)'\n'); end >= 0; end = Array.IndexOf(bytes, (byte)'\n', start))
        {
            try
            {
                using JsonDocument line = JsonDocument.Parse(bytes.AsMemory(start, end - start));
                lines.Add(line.RootElement.Clone());
            }
            catch (JsonException failure)
            {
                throw new OperatorException($"Line {lines.Count + 1} of {stream.Name} is damaged.", "The run cannot go on safely: see what was done with cir status, and start a new one.", failure);
            }

            start = end + 1;
        }

        return (lines, start);
    }

    private static T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The run's folder cannot be used: {failure.Message}", "Mend the case's folder, then try again.", failure);
        }
    }
}
