using ContainerIR.Cli.Output;

namespace ContainerIR.Cli.Screens;

/// <summary>One row of a table, whole: what a column had no room for.</summary>
internal sealed class RowScreen : Screen
{
    private readonly string title;
    private readonly (string Bundle, string Item, long Row)? place;

    /// <param name="shell">The console.</param>
    /// <param name="title">Name of the table.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="row">The row.</param>
    /// <param name="place">Where the row stands in the evidence; null when in no item.</param>
    public RowScreen(Shell shell, string title, IReadOnlyList<Column> columns, RowCells row, (string Bundle, string Item, long Row)? place)
        : base(shell)
    {
        (this.title, this.place) = (title, place);
        int width = columns.Max(column => column.Title.Length);
        Add(new LinesView(Colours) { Lines = [.. columns.Select((column, i) => new TextLine($"{column.Title.PadRight(width)}  {row.Cells[i]}", i == 0 ? row.Tone : Tone.Plain))] });
    }

    public override string Heading => $"{title}  one row";

    public override IReadOnlyList<KeyAction> Keys => place is { } at
        ? [KeyAction.Enter("evidence", "The line of the evidence it was read from", () => Shell.Open(new ItemScreen(Shell, at.Bundle, at.Item, at.Row)))]
        : [];
}
