using System.Globalization;
using System.Text;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Extractions;

namespace ContainerIR.Cli.Screens;

/// <summary>
/// The content of an item as rows: its lines where it is text, else its bytes, sixteen a row. It is copied once into a file without a name, so that any
/// row is at hand; in memory are eight bytes for every 64th line and one page. Not for several threads at once.
/// </summary>
internal sealed class ItemContent : IRowSource, IDisposable
{
    /// <summary>A larger item is for <c>cir bundle extract</c> and a tool made for its kind.</summary>
    public const long MaxBytes = 2L << 30;

    private const int SniffBytes = 8 * 1024;
    private const int LinesPerMark = 64;
    private const int BytesPerRow = 16;
    private const int ShownLineBytes = 2000;
    private const int MaxMatches = 1_000_000;

    private readonly FileStream file;
    private readonly List<long> marks = [];
    private readonly List<RowCells> page = [];
    private int pageStart = -1;
    private long[]? matches;

    private ItemContent(FileStream file, ExtractedContent read) => (this.file, Read) = (file, read);

    /// <summary>What was read, and whether it is what was sealed.</summary>
    public ExtractedContent Read { get; }

    /// <summary>Whether rows are lines.</summary>
    public bool IsText { get; private set; }

    public int Count { get; private set; }

    public RowCells this[int index]
    {
        get
        {
            int start = index / LinesPerMark * LinesPerMark;
            if (start != pageStart)
            {
                page.Clear();
                page.AddRange(ReadPage(start));
                pageStart = start;
            }

            return page[index - start];
        }
    }

    /// <summary>Reads an item out of a sealed bundle.</summary>
    /// <exception cref="Evidence.OperatorException">There is none, or it is too large to page through.</exception>
    public static async Task<ItemContent> OpenAsync(string bundlePath, string itemPath, CancellationToken ct)
    {
        string path = Path.Combine(Path.GetTempPath(), $"cir-page-{Guid.NewGuid():N}");
        FileStream file = new(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        try
        {
            // Without a name it is gone with us, whatever happens to us.
            File.Delete(path);
            ExtractedContent read = await Extraction.RunAsync(new ExtractionRequest { BundlePath = bundlePath, Source = itemPath, MaxBytes = MaxBytes }, file, ct);
            ItemContent content = new(file, read);
            content.Mark(ct);
            return content;
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    /// <summary>Shows only the lines that hold a text, ASCII letters in either case; all when it is empty. Bytes are not searched.</summary>
    public void Select(string text, CancellationToken ct)
    {
        pageStart = -1;
        matches = null;
        if (text.Length == 0 || !IsText)
        {
            Mark(ct);
            return;
        }

        List<long> found = [];
        foreach ((long offset, byte[] line) in Lines(0, ct))
        {
            if (found.Count < MaxMatches && Encoding.UTF8.GetString(line).Contains(text, StringComparison.OrdinalIgnoreCase))
            {
                found.Add(offset);
            }
        }

        matches = [.. found];
        Count = matches.Length;
    }

    public void Dispose() => file.Dispose();

    private void Mark(CancellationToken ct)
    {
        byte[] head = new byte[(int)Math.Min(SniffBytes, file.Length)];
        file.Position = 0;
        file.ReadExactly(head);
        IsText = head.AsSpan().IndexOfAnyInRange((byte)0, (byte)8) < 0;
        marks.Clear();
        if (!IsText)
        {
            Count = (int)Math.Min(int.MaxValue, (file.Length + BytesPerRow - 1) / BytesPerRow);
            return;
        }

        int count = 0;
        foreach ((long offset, _) in Lines(0, ct, keep: 0))
        {
            if (count++ % LinesPerMark == 0)
            {
                marks.Add(offset);
            }
        }

        Count = count;
    }

    private IEnumerable<RowCells> ReadPage(int start)
    {
        if (!IsText)
        {
            return Enumerable.Range(start, Math.Min(LinesPerMark, Count - start)).Select(HexRow);
        }

        if (matches is { } chosen)
        {
            return Enumerable.Range(start, Math.Min(LinesPerMark, Count - start)).Select(i => TextRow(chosen[i].ToString(CultureInfo.InvariantCulture), Lines(chosen[i], CancellationToken.None).First().Line));
        }

        return Lines(marks[start / LinesPerMark], CancellationToken.None).Take(Math.Min(LinesPerMark, Count - start))
            .Select((line, i) => TextRow((start + i + 1).ToString(CultureInfo.InvariantCulture), line.Line));
    }

    private static RowCells TextRow(string number, byte[] line)
    {
        bool isCut = line.Length > ShownLineBytes;
        string shown = DisplayText.Escape(line.AsSpan(0, Math.Min(line.Length, ShownLineBytes)));
        return new RowCells(Tone.Plain, number, Cells.Safe(isCut ? shown + " … (longer)" : shown));
    }

    private RowCells HexRow(int row)
    {
        byte[] bytes = new byte[BytesPerRow];
        file.Position = (long)row * BytesPerRow;
        int count = file.ReadAtLeast(bytes, BytesPerRow, throwOnEndOfStream: false);
        string hex = string.Join(' ', bytes.Take(count).Select(each => each.ToString("x2", CultureInfo.InvariantCulture)));
        string text = string.Concat(bytes.Take(count).Select(each => each is >= 0x20 and < 0x7f ? (char)each : '.'));
        return new RowCells(Tone.Plain, ((long)row * BytesPerRow).ToString("x8", CultureInfo.InvariantCulture), $"{hex,-47}  {text}");
    }

    // Lines from a place on, each with its place; of a long line only its beginning is kept. The last needs no line feed.
    private IEnumerable<(long Offset, byte[] Line)> Lines(long from, CancellationToken ct, int keep = ShownLineBytes + 1)
    {
        byte[] buffer = new byte[128 * 1024];
        using MemoryStream line = new();
        long lineStart = from, position = from;
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            file.Position = position;
            int count = file.Read(buffer);
            if (count == 0)
            {
                if (position > lineStart)
                {
                    yield return (lineStart, line.ToArray());
                }

                yield break;
            }

            int at = 0;
            while (at < count)
            {
                int end = Array.IndexOf(buffer, (byte)'\n', at, count - at);
                int upTo = end < 0 ? count : end;
                line.Write(buffer, at, Math.Clamp(keep - (int)line.Length, 0, upTo - at));
                at = upTo;
                if (end >= 0)
                {
                    yield return (lineStart, line.ToArray());
                    at++;
                    lineStart = position + at;
                    line.SetLength(0);
                }
            }

            position += count;
        }
    }
}
