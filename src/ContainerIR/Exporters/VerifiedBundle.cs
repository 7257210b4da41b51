using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Diffs;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Verification;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>A sealed bundle that was verified, read as streams: the only thing a format, a report or a shipper reads.</summary>
internal sealed class VerifiedBundle
{
    private const int MaxNotes = 200;
    private const long MaxDocumentBytes = 64L << 20;
    private static readonly JsonDocumentOptions RowOptions = new() { MaxDepth = 32 };

    private readonly SealedBundleFiles files;
    private readonly List<string> notes = [];
    private TriageReport? triage;

    private VerifiedBundle(SealedBundleFiles files, SealedRecord record, VerificationReport report) => (this.files, Record, Report) = (files, record, report);

    /// <summary>Name of its folder, as characters a file name can have anywhere.</summary>
    public string Name => string.Concat(Path.GetFileName(files.Folder).Take(100).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-')).TrimStart('.') is { Length: > 0 } name ? name : "bundle";

    /// <summary>Where it is.</summary>
    public string Folder => files.Folder;

    /// <summary>SHA-256 of its tag manifest: the root everything in it hangs from.</summary>
    public string RootSha256 => files.RootSha256;

    /// <summary>The collection record.</summary>
    public SealedRecord Record { get; }

    /// <summary>What verification found.</summary>
    public VerificationReport Report { get; }

    /// <summary>What of it could not be read, at most 200 lines: rows of a strange form, content that ends early.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>Opens a bundle whose verification is at hand.</summary>
    /// <exception cref="OperatorException">It is not as it was sealed.</exception>
    public static VerifiedBundle Open(string folder, VerificationReport report, AllowList allowed)
    {
        SealedBundleFiles files = SealedBundleFiles.Open(folder);
        return report.RootSha256 == files.RootSha256 && report.Verdict is Verdict.Verified or Verdict.Untrusted
            ? new VerifiedBundle(files, SealedRecord.Read(files), report) { Allowed = allowed }
            : throw files.NotAsSealed("tagmanifest-sha256.txt");
    }

    /// <summary>Findings that are no news: they are handed over marked. Set before the first is read.</summary>
    public AllowList Allowed { get; init; } = AllowList.None;

    /// <summary>What all analyzers say of it, run once: the same bytes and allow-list always give the same.</summary>
    public TriageReport Triage(CancellationToken ct) => triage ??= Analyzers.Triage.Run(Folder, TriageRules.None, new Expectations { Allowed = Allowed }, ct);

    /// <summary>Its findings, worst first, those suppressed last; what is found twice on one row stands once.</summary>
    public IEnumerable<Finding> Findings(CancellationToken ct) => Triage(ct).Findings.DistinctBy(finding => (finding.Fingerprint, finding.Where));

    /// <summary>Says that something was left out, and why.</summary>
    public void Note(string note)
    {
        if (notes.Count < MaxNotes)
        {
            notes.Add(DisplayText.Shorten(note, 400));
        }
        else if (notes.Count == MaxNotes)
        {
            notes.Add("and more");
        }
    }

    /// <summary>Items of a collector whose file bears a name.</summary>
    public IEnumerable<SealedItem> Items(string collector, string file) =>
        Record.Items.Where(item => item.Collector == collector && item.Path.AsSpan(item.Path.LastIndexOf('/') + 1).SequenceEqual(file));

    /// <summary>The content of an item as it was read from its source; the reader disposes of it.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public SealedContent Open(SealedItem item) => files.OpenContent(item.Path, item.Sha256, item.RawBytes);

    /// <summary>A document the signed root fixes.</summary>
    public byte[] ReadSealed(string name) => files.ReadSealed(name);

    /// <summary>A JSON document of a collector; null when there is none or it is none.</summary>
    public JsonDocument? Document(string collector, string file)
    {
        foreach (SealedItem item in Items(collector, file).Where(item => item.RawBytes <= MaxDocumentBytes))
        {
            try
            {
                using SealedContent content = Open(item);
                return JsonDocument.Parse(content, new JsonDocumentOptions { MaxDepth = 64 });
            }
            catch (Exception failure) when (failure is IOException or JsonException or UnauthorizedAccessException)
            {
                Note($"{item.Path}: {failure.Message}");
            }
        }

        return null;
    }

    /// <summary>Changed files.</summary>
    public IEnumerable<(string Item, long Row, DiffEntry Entry)> Diff(CancellationToken ct) => Rows("rootfs-diff", "entries.jsonl.zst", NumberedDiff, ct);

    /// <summary>Processes.</summary>
    public IEnumerable<(string Item, long Row, ProcessRow Entry)> Processes(CancellationToken ct) =>
        Rows("processes", "processes.jsonl.zst", (content, note) => Parsed(content, note, ProcessRow.Parse), ct);

    /// <summary>Sockets.</summary>
    public IEnumerable<(string Item, long Row, SocketRow Entry)> Sockets(CancellationToken ct) =>
        Rows("network", "sockets.jsonl", (content, note) => Parsed(content, note, SocketRow.Parse), ct);

    /// <summary>Events of the engine.</summary>
    public IEnumerable<(string Item, long Row, EventRow Entry)> EngineEvents(CancellationToken ct) =>
        Rows("events", "events-parsed.jsonl", (content, note) => EventRow.Read(content, line => note(line.Number, "not a row")).Select(row => (row.Number, row)), ct);

    /// <summary>Lines of output.</summary>
    public IEnumerable<(string Item, long Row, LogRow Entry)> Logs(CancellationToken ct) =>
        Rows("logs", "index.jsonl.zst", (content, note) => LogRow.Read(content, line => note(line.Number, "not a row")).Select(row => (row.Number, row)), ct);

    /// <summary>Whether the layers of the image are still what they were made as.</summary>
    public IEnumerable<(string Item, long Row, LayerVerdict Entry)> LayerChecks(CancellationToken ct) =>
        Rows("layers", "layers.jsonl", (content, note) => Parsed(content, note, LayerVerdict.Parse), ct);

    /// <summary>Lines of the journal.</summary>
    public IEnumerable<(long Row, JsonElement Line)> Journal()
    {
        using MemoryStream journal = new(ReadSealed("journal.jsonl"), writable: false);
        foreach ((long number, JsonDocument line) in Parsed(journal, (number, note) => Note($"journal.jsonl line {number}: {note}"), element => JsonDocument.Parse(element.GetRawText())))
        {
            using (line)
            {
                yield return (number, line.RootElement);
            }
        }
    }

    private static IEnumerable<(long Number, T Row)> Parsed<T>(Stream content, Action<long, string> note, Func<JsonElement, T?> parse)
        where T : class
    {
        foreach (StreamLine line in JsonLines.Read(content, RowLimits.Default.LineBytes))
        {
            T? row = null;
            try
            {
                using JsonDocument document = JsonDocument.Parse(line.Content, RowOptions);
                row = parse(document.RootElement);
            }
            catch (JsonException)
            {
                // Said below.
            }

            if (row is null)
            {
                note(line.Number, line.IsCut ? "longer than a row may be" : "not a row");
            }
            else
            {
                yield return (line.Number, row);
            }
        }
    }

    private static IEnumerable<(long Number, DiffEntry Row)> NumberedDiff(Stream content, Action<long, string> note)
    {
        long number = 0;
        foreach (DiffEntry entry in DiffEntries.Read(content, (line, problem) =>
        {
            number = line;
            note(line, problem);
        }))
        {
            yield return (++number, entry);
        }
    }

    private IEnumerable<(string Item, long Row, T Entry)> Rows<T>(
        string collector, string file, Func<Stream, Action<long, string>, IEnumerable<(long Number, T Row)>> read, CancellationToken ct)
    {
        foreach (SealedItem item in Items(collector, file))
        {
            SealedContent? content = TryOpen(item);
            if (content is null)
            {
                continue;
            }

            using (content)
            using (IEnumerator<(long Number, T Row)> rows = read(content, (number, why) => Note($"{item.Path} line {number}: {why}")).GetEnumerator())
            {
                while (TryMove(rows, item))
                {
                    ct.ThrowIfCancellationRequested();
                    yield return (item.Path, rows.Current.Number, rows.Current.Row);
                }

                // It was verified a moment ago; what was read just now must be the same bytes.
                if (!content.IsAsSealed())
                {
                    throw files.NotAsSealed(item.Path);
                }
            }
        }
    }

    private SealedContent? TryOpen(SealedItem item)
    {
        try
        {
            return item.StoredBytes == 0 && item.Status is "lost" or "refused" ? null : Open(item);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Note($"{item.Path}: {failure.Message}");
            return null;
        }
    }

    private bool TryMove<T>(IEnumerator<T> rows, SealedItem item)
    {
        try
        {
            return rows.MoveNext();
        }
        catch (IOException failure)
        {
            Note($"{item.Path}: it cannot be read further: {failure.Message}");
            return false;
        }
    }
}
