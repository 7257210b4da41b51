using System.Globalization;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Logs;

/// <summary>All files of one log: opened together, newest first, because a rotation only moves files towards the older numbers.</summary>
internal sealed class LogFiles : IDisposable
{
    private const int MaxGenerations = 1000;

    /// <summary>Numbers that may be missing in a row before the search ends; a hole is worth telling.</summary>
    private const int MaxHole = 50;

    private readonly List<LogFile> files = [];
    private readonly List<string> notes = [];
    private readonly List<(string Sought, string Reason)> gaps = [];
    private readonly HashSet<(uint, uint, ulong)> known = [];

    /// <summary>Files in order of age, the oldest first.</summary>
    public IReadOnlyList<LogFile> OldestFirst => [.. files.OrderByDescending(file => file.Generation).ThenBy(file => file.Role == "held" ? 1 : 0)];

    /// <summary>What an examiner should know of these files.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>What was there and could not be opened.</summary>
    public IReadOnlyList<(string Sought, string Reason)> Gaps => gaps;

    /// <summary>Whether the engine writes to another file than the path names: then the path's file is not the engine's word.</summary>
    public bool IsReplaced { get; private set; }

    /// <summary>Opens all files of a log.</summary>
    /// <param name="path">Of the current file, in the engine's mount namespace.</param>
    /// <param name="prefix">What makes such a path true for us.</param>
    /// <param name="item">Name for the items.</param>
    /// <param name="containerId">Full id: a descriptor's name must hold it to count.</param>
    /// <param name="engine">The engine's process, for files whose names are gone; null when unknown.</param>
    public static LogFiles Open(string path, string prefix, string item, string containerId, EngineProcess? engine)
    {
        LogFiles log = new();
        HostFile? current = log.TryOpen(prefix + path, expected: true);
        if (current is not null)
        {
            log.Add(current, item, "current", 0, false);
        }

        log.OpenRotated(prefix + path, item);
        log.OpenHeld(path, item, containerId, engine, current);
        return log;
    }

    public void Dispose()
    {
        foreach (LogFile file in files)
        {
            file.File.Dispose();
        }
    }

    private void OpenRotated(string path, string item)
    {
        int hole = 0, last = 0;
        for (int generation = 1; generation <= MaxGenerations && hole < MaxHole; generation++)
        {
            HostFile? plain = TryOpen(Numbered(path, generation, ""), expected: false);
            HostFile? compressed = TryOpen(Numbered(path, generation, ".gz"), expected: false);
            hole = plain is null && compressed is null ? hole + 1 : 0;
            if (hole > 0)
            {
                continue;
            }

            if (generation > last + 1)
            {
                notes.Add(string.Create(CultureInfo.InvariantCulture, $"rotated file {generation} is there but not {last + 1} to {generation - 1}: files were removed from the middle"));
            }

            last = generation;
            if (plain is not null && compressed is not null)
            {
                notes.Add(string.Create(CultureInfo.InvariantCulture, $"rotated file {generation} is there plain and compressed (the engine was compressing it): both are copied, the plain one is indexed"));
            }

            // The one that is indexed is found first in order of age.
            if (plain is not null)
            {
                Add(plain, Numbered(item, generation, ""), "rotated", generation, false);
            }

            if (compressed is not null)
            {
                Add(compressed, Numbered(item, generation, ".gz"), "rotated", generation, true);
            }
        }
    }

    /// <summary>"sed -i" and rm leave the engine writing to the old file: its descriptor still has every line, also those someone wanted gone.</summary>
    private void OpenHeld(string path, string item, string containerId, EngineProcess? engine, HostFile? current)
    {
        if (engine is null)
        {
            notes.Add("the engine's process is unknown, so it could not be checked that it still writes to the file its path names");
            return;
        }

        string name = Path.GetFileName(path);
        bool isSame = false;
        int number = 0;
        foreach ((int descriptor, string target) in engine.Descriptors(target => target.Contains(containerId, StringComparison.Ordinal) && target.Contains("/" + name, StringComparison.Ordinal)))
        {
            string link = string.Create(CultureInfo.InvariantCulture, $"/proc/{engine.Pid}/fd/{descriptor}");
            HostFile held;
            try
            {
                held = HostFile.OpenLinked(link);
            }
            catch (HostFileException failure)
            {
                gaps.Add(($"{link} -> {target}", failure.Message));
                continue;
            }

            isSame |= current is not null && held.Identity == current.Identity;
            if (known.Contains(held.Identity))
            {
                held.Dispose();
                continue;
            }

            IsReplaced = true;
            notes.Add($"the engine's descriptor {descriptor} holds {target} as inode {held.Stat.stx_ino}, "
                + (current is null ? "and the path names nothing: the file was deleted" : $"but the path names inode {current.Stat.stx_ino}: the file was replaced (edited in place, or deleted and made anew)")
                + ". What the engine holds is copied and indexed; it is what the engine wrote.");
            Add(held, string.Create(CultureInfo.InvariantCulture, $"{item}.held-{++number}"), "held", 0, false);
        }

        if (!isSame && !IsReplaced && current is not null)
        {
            notes.Add("the engine holds no descriptor of the current file (the container is not running, or its output is not being written)");
        }
    }

    private void Add(HostFile file, string item, string role, int generation, bool isCompressed)
    {
        if (!known.Add(file.Identity))
        {
            file.Dispose();
            return;
        }

        if (file.Stat.stx_nlink > 1)
        {
            notes.Add($"{file.Path} has {file.Stat.stx_nlink} names: someone keeps it under another one");
        }

        files.Add(new LogFile(file, item, role, generation, isCompressed));
    }

    private HostFile? TryOpen(string path, bool expected)
    {
        try
        {
            return HostFile.Open(path);
        }
        catch (HostFileException failure)
        {
            if (expected || !failure.IsMissing)
            {
                gaps.Add((DisplayText.Escape(path), failure.Message));
            }

            return null;
        }
    }

    private static string Numbered(string path, int generation, string ending) => string.Create(CultureInfo.InvariantCulture, $"{path}.{generation}{ending}");
}
