using System.Text.Json;
using ContainerIR.Cases;
using ContainerIR.Diffs;
using ContainerIR.Evidence;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>
/// A sealed bundle as the analyzers see it: rows as streams, the small documents, and the two joins that nearly every rule needs (processes by pid, and
/// which changed files are being run). An item that is missing or not as it was sealed is noted: no rule that needs it can speak.
/// </summary>
internal sealed class Scene
{
    private const int MaxDocumentBytes = 16 * 1024 * 1024;
    private const int MaxProcesses = 100_000;

    private static readonly JsonDocumentOptions RowOptions = new() { MaxDepth = 32 };

    private readonly SealedBundleFiles files;
    private readonly List<string> notExamined = [];
    private readonly Dictionary<int, SeenProcess> processes = [];
    private readonly Dictionary<(string, string), (JsonElement, FindingPlace)> documents = [];
    private readonly Dictionary<string, DiffEntry> changedExecutables = new(StringComparer.Ordinal);

    private Scene(SealedBundleFiles files, SealedRecord record)
    {
        this.files = files;
        Record = record;
    }

    public SealedRecord Record { get; }

    public string Folder => files.Folder;

    public string RootSha256 => files.RootSha256;

    /// <summary>What could not be read, and so not be judged.</summary>
    public IReadOnlyList<string> NotExamined => notExamined;

    /// <summary>Processes of the container in the order of the rows.</summary>
    public IReadOnlyCollection<SeenProcess> Processes => processes.Values;

    /// <summary>When the container was made and when it started last; empty when unknown. Starts between are not known.</summary>
    public IReadOnlyList<DateTimeOffset> Starts { get; private set; } = [];

    /// <summary>The engine's document of the container; undefined when there is none.</summary>
    public JsonElement Inspect { get; private set; }

    /// <summary>Place of <see cref="Inspect"/>.</summary>
    public FindingPlace InspectPlace { get; private set; } = new("");

    /// <summary>The OCI runtime specification; undefined when there is none.</summary>
    public JsonElement RuntimeSpec { get; private set; }

    /// <summary>What the operator's own records say; see <see cref="AllowList"/>.</summary>
    public AllowList Allowed { get; init; } = AllowList.None;

    /// <summary>Whether a package manager's database changed since the image: programs may be new for that reason.</summary>
    public bool HasPackageChange { get; private set; }

    /// <exception cref="OperatorException">It is no sealed bundle, or its record is not as it was sealed.</exception>
    public static Scene Open(string bundle, CancellationToken ct) => Open(bundle, AllowList.None, ct);

    /// <exception cref="OperatorException">It is no sealed bundle, or its record is not as it was sealed.</exception>
    public static Scene Open(string bundle, AllowList allowed, CancellationToken ct)
    {
        SealedBundleFiles files = SealedBundleFiles.Open(Path.TrimEndingDirectorySeparator(Path.GetFullPath(bundle)));
        Scene scene = new(files, SealedRecord.Read(files)) { Allowed = allowed };
        scene.ReadDocuments();
        scene.ReadProcesses(ct);
        scene.ReadChangedExecutables(ct);
        return scene;
    }

    public SeenProcess? Process(int pid) => processes.GetValueOrDefault(pid);

    /// <summary>The changed file a process runs; null when its executable came with the image, or that is not known.</summary>
    public DiffEntry? DriftOf(SeenProcess process) => process.ExecutablePath is { } path ? changedExecutables.GetValueOrDefault(path) : null;

    /// <summary>Whether a process runs what did not come with the image: a changed file, one without a name, or memory.</summary>
    public bool IsBroughtIn(SeenProcess process) => process.IsInMemory || process.IsDeleted || DriftOf(process) is not null;

    /// <summary>Whether the bundle has an item. Asking notes nothing.</summary>
    public bool Has(string collector, string name) => FindQuietly(collector, name) is not null;

    /// <summary>Content of an item, read forward; null when the bundle has none. Asking notes nothing; the caller tells the end to <see cref="NoteEnd"/>.</summary>
    public (SealedContent Content, string Path)? OpenContent(string collector, string name) =>
        FindQuietly(collector, name) is { } item ? (files.OpenContent(item.Path, item.Sha256, item.RawBytes), item.Path) : null;

    /// <summary>A small JSON document; undefined, and noted, when it is not there or cannot be read.</summary>
    public (JsonElement Root, FindingPlace Place) Document(string collector, string name)
    {
        if (!documents.TryGetValue((collector, name), out (JsonElement, FindingPlace) document))
        {
            document = documents[(collector, name)] = ReadDocument(collector, $"{collector}/{name}", name);
        }

        return document;
    }

    /// <summary>Sockets and flows.</summary>
    public IEnumerable<(FindingPlace Place, SocketRow Row)> Sockets(CancellationToken ct) => Rows("network", "sockets.jsonl", SocketRow.Parse, ct);

    /// <summary>Changed files. The number of the line is that of the entries that could be read.</summary>
    public IEnumerable<(FindingPlace Place, DiffEntry Entry)> Changes(CancellationToken ct)
    {
        if (Find("rootfs-diff", "entries.jsonl.zst") is not { } item)
        {
            yield break;
        }

        long passedOver = 0, number = 0;
        using SealedContent content = files.OpenContent(item.Path, item.Sha256, item.RawBytes);
        foreach (DiffEntry entry in Guard(DiffEntries.Read(content, (_, _) => passedOver++), item.Path))
        {
            ct.ThrowIfCancellationRequested();
            yield return (new FindingPlace(item.Path, ++number + passedOver), entry);
        }

        NoteEnd(content, item.Path, passedOver);
    }

    /// <summary>Rows of an item of lines, each made by <paramref name="parse"/>; what is no row is noted.</summary>
    public IEnumerable<(FindingPlace Place, T Row)> Rows<T>(string collector, string name, Func<JsonElement, T?> parse, CancellationToken ct)
        where T : class
    {
        if (Find(collector, name) is not { } item)
        {
            yield break;
        }

        long passedOver = 0;
        using SealedContent content = files.OpenContent(item.Path, item.Sha256, item.RawBytes);
        foreach (StreamLine line in Guard(JsonLines.Read(content, RowLimits.Default.LineBytes), item.Path))
        {
            ct.ThrowIfCancellationRequested();
            if (!line.IsCut && Parse(line.Content, parse) is { } row)
            {
                yield return (new FindingPlace(item.Path, line.Number, line.Offset), row);
            }
            else
            {
                passedOver++;
            }
        }

        NoteEnd(content, item.Path, passedOver);
    }

    // A damaged item ends where it can be read no further; the rest of the bundle still speaks.
    private IEnumerable<T> Guard<T>(IEnumerable<T> rows, string path)
    {
        using IEnumerator<T> each = rows.GetEnumerator();
        while (true)
        {
            try
            {
                if (!each.MoveNext())
                {
                    yield break;
                }
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                Note($"{path}: it cannot be read further: {failure.Message}");
                yield break;
            }

            yield return each.Current;
        }
    }

    /// <summary>Notes what was no row, and an item that is not as it was sealed.</summary>
    public void NoteEnd(SealedContent content, string path, long passedOver)
    {
        if (passedOver > 0)
        {
            Note($"{path}: {passedOver} lines are no rows");
        }

        if (!content.IsAsSealed())
        {
            Note($"{path}: it is not the file that was sealed: cir verify shows every difference");
        }
    }

    /// <summary>Notes what could not be judged, once.</summary>
    public void Note(string what)
    {
        if (!notExamined.Contains(what))
        {
            notExamined.Add(what);
        }
    }

    private SealedItem? FindQuietly(string collector, string name) =>
        Record.Items.FirstOrDefault(each => each.Collector == collector && each.Path.EndsWith("/" + name, StringComparison.Ordinal));

    private SealedItem? Find(string collector, string name)
    {
        SealedItem? item = FindQuietly(collector, name);
        if (item is null)
        {
            Note($"{collector}/{name}: not in the bundle");
        }

        return item;
    }

    private static T? Parse<T>(ReadOnlyMemory<byte> line, Func<JsonElement, T?> parse)
        where T : class
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, RowOptions);
            return document.RootElement.ValueKind == JsonValueKind.Object ? parse(document.RootElement) : null;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private void ReadDocuments()
    {
        (Inspect, InspectPlace) = ReadDocument("configuration", "configuration/inspect.json", "inspect.json");
        bool hadProcess = Record.Items.Any(item => item.Path.EndsWith("-configuration/runtime/config.json", StringComparison.Ordinal));
        RuntimeSpec = hadProcess ? ReadDocument("configuration", "configuration/runtime/config.json", "runtime/config.json").Root : default;
        Starts = [.. new[] { Inspect.Instant("Created"), Inspect.Object("State").Instant("StartedAt") }.OfType<DateTimeOffset>()];
    }

    private (JsonElement Root, FindingPlace Place) ReadDocument(string collector, string what, string name)
    {
        if (Find(collector, name) is not { } item)
        {
            return (default, new FindingPlace(what));
        }

        try
        {
            if (item.RawBytes > MaxDocumentBytes)
            {
                throw new IOException($"larger than {MaxDocumentBytes} bytes");
            }

            using SealedContent content = files.OpenContent(item.Path, item.Sha256, item.RawBytes);
            using MemoryStream bytes = new();
            content.CopyTo(bytes);
            NoteEnd(content, item.Path, 0);
            using JsonDocument document = JsonDocument.Parse(bytes.ToArray());
            return (document.RootElement.Clone(), new FindingPlace(item.Path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            Note($"{item.Path}: {failure.Message}");
            return (default, new FindingPlace(item.Path));
        }
    }

    private void ReadProcesses(CancellationToken ct)
    {
        foreach ((FindingPlace place, SeenProcess row) in Rows("processes", "processes.jsonl.zst", SeenProcess.Parse, ct))
        {
            if (processes.Count == MaxProcesses)
            {
                Note($"processes after the first {MaxProcesses}");
                return;
            }

            processes[row.Pid] = row with { Place = place };
        }
    }

    private void ReadChangedExecutables(CancellationToken ct)
    {
        HashSet<string> run = [.. processes.Values.Select(process => process.ExecutablePath).OfType<string>()];
        foreach ((_, DiffEntry entry) in Changes(ct))
        {
            string path = entry.DisplayPath;
            HasPackageChange |= entry.Verdict is DiffVerdict.Added or DiffVerdict.Modified && Paths.IsPackageDatabase(path);
            if (entry.Kind == DiffKind.File && entry.Verdict is DiffVerdict.Added or DiffVerdict.Modified or DiffVerdict.Renamed && !entry.IsUnderMount && run.Contains(path))
            {
                changedExecutables[path] = entry;
            }
        }
    }
}
