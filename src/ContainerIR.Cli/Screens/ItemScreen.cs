using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Screens;

/// <summary>What an item holds: lines of a log, rows of a record, bytes of a program.</summary>
internal sealed class ItemScreen : Screen
{
    private readonly string bundlePath;
    private readonly string itemPath;
    private readonly RowsView rows;
    private long? firstRow;
    private ItemContent? content;
    private bool isGone;

    public ItemScreen(Shell shell, string bundlePath, string itemPath, long? row = null)
        : base(shell)
    {
        (this.bundlePath, this.itemPath, firstRow) = (bundlePath, itemPath, row);
        rows = new RowsView(Colours, new("", Right: true), new("", MinCells: 20)) { WhenEmpty = "The item is being read." };
        Add(rows);
    }

    public override string Heading => $"{DisplayText.Escape(itemPath)}  {(content is null ? "" : $"{Quantities.Bytes(content.Read.SizeBytes)}, {Quantities.Count(content.Count, content.IsText ? "line" : "row")}")}{(Filter.Length > 0 ? $"  filter: {DisplayText.Escape(Filter)}" : "")}";

    public override IReadOnlyList<KeyAction> Keys => [KeyAction.Enter("line", "This line whole", OpenLine)];

    public override bool CanFilter => true;

    public override void Shown()
    {
        if (content is null)
        {
            Shell.Work("Reading the item", ct => ItemContent.OpenAsync(bundlePath, itemPath, ct), Take);
        }
    }

    protected override void Filtered()
    {
        if (content is not { } open)
        {
            return;
        }

        if (!open.IsText)
        {
            Shell.Say("These are bytes, not lines: they are not searched here.", Tone.Warning);
            return;
        }

        // Away from the screen nobody may read rows meanwhile.
        rows.Rows = RowList.Empty;
        rows.WhenEmpty = "It is being searched.";
        Shell.Work(
            "Searching",
            ct =>
            {
                open.Select(Filter, ct);
                return Task.FromResult(open);
            },
            Take);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            isGone = true;
            content?.Dispose();
            content = null;
        }

        base.Dispose(disposing);
    }

    private void OpenLine()
    {
        if (rows.Selected >= 0)
        {
            RowCells row = rows.Rows[rows.Selected];
            Shell.Open(new TextScreen(Shell, $"{DisplayText.Escape(itemPath)}  {row.Cells[0]}", [new TextLine(row.Cells[1])]));
        }
    }

    private void Take(ItemContent read)
    {
        if (isGone)
        {
            read.Dispose();
            return;
        }

        content = read;
        rows.WhenEmpty = Filter.Length > 0 ? "No line holds this text." : "The item is empty.";
        rows.Rows = read;
        if (firstRow is { } row && read.IsText)
        {
            rows.Selected = (int)Math.Min(row - 1, int.MaxValue);
            firstRow = null;
        }

        if (read.Read.Problem is { } problem)
        {
            Shell.Say($"This is not what was sealed: {problem}", Tone.Bad);
        }
    }
}
