using System.Globalization;
using System.Text;
using ContainerIR.Cli.Output;
using ContainerIR.Diffs;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Extractions;
using ContainerIR.Linux;

namespace ContainerIR.Cli.Screens;

/// <summary>One changed file: before and after, by metadata and, where both are small texts, line by line.</summary>
internal sealed class ChangeScreen : Screen
{
    private const int MaxTextBytes = 64 * 1024;
    private const string Missing = "-";

    private readonly string bundlePath;
    private readonly string item;
    private readonly long row;
    private readonly string path;
    private readonly LinesView lines;
    private bool isRead;

    /// <param name="shell">The console.</param>
    /// <param name="bundlePath">The bundle.</param>
    /// <param name="item">Its item of changed files.</param>
    /// <param name="row">Line in it, from 1.</param>
    /// <param name="path">The file, in display form.</param>
    public ChangeScreen(Shell shell, string bundlePath, string item, long row, string path)
        : base(shell)
    {
        (this.bundlePath, this.item, this.row, this.path) = (bundlePath, item, row, path);
        lines = new LinesView(Colours) { Lines = [new TextLine("It is being read …", Tone.Dim)] };
        Add(lines);
    }

    public override string Heading => path;

    public override IReadOnlyList<KeyAction> Keys =>
    [
        KeyAction.Enter("after", "What the file holds now", () => Shell.Open(new ItemScreen(Shell, bundlePath, Member("upper.tar.zst")))),
        KeyAction.Of('b', "before", "What the image held before", () => Shell.Open(new ItemScreen(Shell, bundlePath, Member("before.tar.zst")))),
        KeyAction.Of('e', "evidence", "The line of the evidence that says so", () => Shell.Open(new ItemScreen(Shell, bundlePath, item, row))),
    ];

    public override void Shown()
    {
        if (!isRead)
        {
            isRead = true;
            Shell.Work("Reading before and after", ReadAsync, read => lines.Lines = read);
        }
    }

    private static string Folder(string item) => item[..item.LastIndexOf('/')];

    private string Member(string tar) => $"{Folder(item)}/{tar}{path}";

    private async Task<IReadOnlyList<TextLine>> ReadAsync(CancellationToken ct)
    {
        byte[] line = await LineOfItem.ReadAsync(bundlePath, item, row, ct) ?? throw new OperatorException($"{item} has no line {row}.", "Verify the bundle: v on its screen.");
        using MemoryStream one = new(line);
        DiffEntry entry = DiffEntries.Read(one).FirstOrDefault() ?? throw new OperatorException($"Line {row} of {item} is no changed file.", "Look at the line itself: e");
        DiffObject? before = entry.Original, after = entry.Verdict == DiffVerdict.Deleted ? null : entry.Object;
        List<TextLine> shown =
        [
            new TextLine($"{DiffWords.Of(entry.Verdict)}{(entry.Changed.Count > 0 ? $": {string.Join(", ", entry.Changed)}" : "")}{(entry.Signs.Count > 0 ? $"  signs: {string.Join(", ", entry.Signs)}" : "")}", entry.Signs.Count > 0 ? Tone.Bad : Tone.Key),
            new TextLine(""),
            new TextLine($"{"",-10}{"BEFORE",-34}AFTER", Tone.Title),
            Pair("kind", before, after, at => DiffWords.Of(at.Kind)),
            Pair("size", before, after, at => at.SizeBytes.ToString(CultureInfo.InvariantCulture)),
            Pair("mode", before, after, at => Convert.ToString(at.Mode, 8).PadLeft(4, '0')),
            Pair("owner", before, after, at => string.Create(CultureInfo.InvariantCulture, $"{at.Uid}:{at.Gid}")),
            Pair("modified", before, after, at => Time(at.ModifiedAt)),
            Pair("changed", before, after, at => Time(at.ChangedAt)),
            Pair("born", before, after, at => Time(at.BornAt)),
            Pair("accessed", before, after, at => Time(at.AccessedAt)),
            Pair("target", before, after, at => at.LinkTarget is { } target ? DisplayText.Escape(target) : Missing),
            Pair("sha256", before, after, at => at.Sha256 is { } digest ? digest[..32] : Missing),
        ];
        if (before?.Sha256 is { } was)
        {
            shown.Add(new TextLine($"sha256 before  {was}", Tone.Dim));
        }

        if (after?.Sha256 is { } now)
        {
            shown.Add(new TextLine($"sha256 after   {now}", Tone.Dim));
        }

        if (before?.Layer is { } layer)
        {
            shown.Add(new TextLine($"The original is in layer {layer} below the writable one.", Tone.Dim));
        }

        if (entry.Error is { } error)
        {
            shown.Add(new TextLine(Cells.Safe(error), Tone.Bad));
        }

        shown.Add(new TextLine(""));
        shown.AddRange(await TextsAsync(before, after, ct));
        return shown;
    }

    private async Task<IReadOnlyList<TextLine>> TextsAsync(DiffObject? before, DiffObject? after, CancellationToken ct)
    {
        (string[]? was, string? whyNotBefore) = await TextAsync(before, "before.tar.zst", ct);
        (string[]? now, string? whyNotAfter) = await TextAsync(after, "upper.tar.zst", ct);
        if (was is null || now is null)
        {
            return [.. ((string?[])[whyNotBefore, whyNotAfter]).OfType<string>().Select(why => new TextLine(why, Tone.Dim))];
        }

        return [new TextLine("Line by line (- before, + after)", Tone.Title), .. LineComparison.Of(was, now).Select(line => new TextLine($"{line.Mark} {line.Text}", line.Mark switch { '-' => Tone.Warning, '+' => Tone.Good, _ => Tone.Dim }))];
    }

    private async Task<(string[]? Lines, string? WhyNot)> TextAsync(DiffObject? at, string tar, CancellationToken ct)
    {
        string when = tar == "before.tar.zst" ? "Before" : "After";
        switch (at)
        {
            case null:
                return ([], null);
            case { Kind: not DiffKind.File }:
                return (null, null);
            case { SizeBytes: > MaxTextBytes }:
                return (null, $"{when}: too large to be compared here; Enter and b page through it.");
            default:
                break;
        }

        if (!File.Exists(Path.Combine(bundlePath, Path.GetDirectoryName(item) ?? "", tar)))
        {
            return (null, $"{when}: no bytes of files were copied. L on the container copies them for a look; a acquires them.");
        }

        using MemoryStream content = new();
        try
        {
            ExtractedContent read = await Extraction.RunAsync(new ExtractionRequest { BundlePath = bundlePath, Source = Member(tar), MaxBytes = MaxTextBytes }, content, ct);
            if (read.Problem is { } problem)
            {
                return (null, $"{when}: this is not what was sealed: {Cells.Safe(problem)}");
            }
        }
        catch (OperatorException problem)
        {
            return (null, $"{when}: {Cells.Safe(problem.Message)}");
        }

        byte[] bytes = content.ToArray();
        return bytes.AsSpan().IndexOfAnyInRange((byte)0, (byte)8) >= 0
            ? (null, $"{when}: bytes, not text; Enter and b page through it.")
            : ([.. Encoding.UTF8.GetString(bytes).TrimEnd('\n').Split('\n').Select(text => Cells.Safe(DisplayText.Escape(text)))], null);
    }

    private static TextLine Pair(string name, DiffObject? before, DiffObject? after, Func<DiffObject, string> of)
    {
        (string was, string now) = (before is null ? Missing : of(before), after is null ? Missing : of(after));
        return new TextLine($"{name,-10}{Cells.Pad(was, 34, right: false)}{now}", was == now ? Tone.Plain : Tone.Warning);
    }

    private static string Time(UnixTime? at) => at is not { } time ? Missing
        : time.Seconds is >= -62135596800 and <= 253402300799 ? string.Create(CultureInfo.InvariantCulture, $"{DateTimeOffset.FromUnixTimeSeconds(time.Seconds):yyyy-MM-dd HH:mm:ss}.{time.Nanoseconds:000000000}Z")
        : time.ToString();
}
