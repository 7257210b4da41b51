using ContainerIR.Cli.Output;

namespace ContainerIR.Cli.Screens;

/// <summary>One row of a table, whole: what a column had no room for.</summary>
internal sealed class RowScreen : Screen
{
    private readonly string title;

    public RowScreen(Shell shell, string title, IReadOnlyList<Column> columns, RowCells row)
        : base(shell)
    {
        this.title = title;
        int width = columns.Max(column => column.Title.Length);
        Add(new LinesView(Colours) { Lines = [.. columns.Select((column, i) => new TextLine($"{column.Title.PadRight(width)}  {row.Cells[i]}", i == 0 ? row.Tone : Tone.Plain))] });
    }

    public override string Heading => $"{title}  one row";

    public override IReadOnlyList<KeyAction> Keys => [];
}
