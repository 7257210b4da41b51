using ContainerIR.Cli.Output;
using Terminal.Gui.Input;
using Terminal.Gui.ViewBase;

namespace ContainerIR.Cli.Screens;

/// <summary>Rows of a list, read only as they come into view. Cells are in display form.</summary>
internal interface IRowSource
{
    /// <summary>Number of rows.</summary>
    int Count { get; }

    /// <summary>One row.</summary>
    RowCells this[int index] { get; }
}

/// <summary>The cells of a row and what the row means.</summary>
internal sealed record RowCells(Tone Tone, params string[] Cells);

/// <summary>Rows that are in memory.</summary>
internal sealed class RowList(IReadOnlyList<RowCells> rows) : IRowSource
{
    public static RowList Empty { get; } = new([]);

    public int Count => rows.Count;

    public RowCells this[int index] => rows[index];
}

/// <summary>
/// A list with one selected row. Draws only what is visible, so a million rows cost what one screen costs; every cell is fitted to its column, so no text
/// breaks the layout.
/// </summary>
internal sealed class RowsView : PaintedView
{
    private const string Between = "  ";

    private readonly Column[] columns;
    private IRowSource rows = RowList.Empty;
    private int top;
    private int selected;

    public RowsView(Func<Palette> palette, params Column[] columns)
        : base(palette)
    {
        this.columns = columns;
        CanFocus = true;
    }

    /// <summary>Said in place of rows when there are none.</summary>
    public string WhenEmpty { get; set; } = "Nothing here.";

    public IRowSource Rows
    {
        get => rows;
        set
        {
            rows = value;
            selected = Math.Clamp(selected, 0, Math.Max(0, rows.Count - 1));
            SetNeedsDraw();
        }
    }

    /// <summary>Index of the selected row; -1 when there is none.</summary>
    public int Selected
    {
        get => rows.Count == 0 ? -1 : selected;
        set
        {
            selected = Math.Clamp(value, 0, Math.Max(0, rows.Count - 1));
            SetNeedsDraw();
        }
    }

    /// <summary>Runs when a row is chosen by a double click.</summary>
    public Action? Chosen { get; set; }

    private int Room => Math.Max(1, Viewport.Height - 1);

    protected override bool OnKeyDown(Key key)
    {
        int? to = key.KeyCode switch
        {
            _ when key == Key.CursorUp || key == 'k' => selected - 1,
            _ when key == Key.CursorDown || key == 'j' => selected + 1,
            _ when key == Key.PageUp => selected - Room,
            _ when key == Key.PageDown => selected + Room,
            _ when key == Key.Home => 0,
            _ when key == Key.End => rows.Count - 1,
            _ => null,
        };
        if (to is not { } index)
        {
            return false;
        }

        Selected = index;
        return true;
    }

    protected override bool OnMouseEvent(Mouse mouse)
    {
        if (mouse.Flags.HasFlag(MouseFlags.WheeledUp) || mouse.Flags.HasFlag(MouseFlags.WheeledDown))
        {
            Selected += mouse.Flags.HasFlag(MouseFlags.WheeledUp) ? -3 : 3;
            return true;
        }

        if (mouse.Position is { } at && at.Y > 0 && top + at.Y - 1 < rows.Count && (mouse.IsPressed || mouse.IsSingleClicked || mouse.IsDoubleClicked))
        {
            Selected = top + at.Y - 1;
            if (mouse.IsDoubleClicked)
            {
                Chosen?.Invoke();
            }

            return true;
        }

        return false;
    }

    protected override bool OnDrawingContent(DrawContext? context)
    {
        (int width, int height) = (Viewport.Width, Viewport.Height);
        top = Math.Clamp(top, Math.Max(0, selected - Room + 1), selected);
        List<RowCells> visible = [.. Enumerable.Range(top, Math.Clamp(rows.Count - top, 0, Room)).Select(index => rows[index])];
        int[] widths = Widths(visible, width);
        Line(0, width, Tone.Title, [.. columns.Select(column => column.Title)], widths);
        for (int i = 0; i < height - 1; i++)
        {
            if (i < visible.Count)
            {
                Line(i + 1, width, top + i == selected ? Tone.Selected : visible[i].Tone, visible[i].Cells, widths);
            }
            else
            {
                Paint(0, i + 1, Tone.Dim, i == 0 && rows.Count == 0 ? WhenEmpty : "", width);
            }
        }

        return true;
    }

    private void Line(int y, int width, Tone tone, string[] cells, int[] widths) =>
        Paint(0, y, tone, string.Join(Between, cells.Take(widths.Length).Select((cell, i) => Cells.Pad(cell, widths[i], columns[i].Right))), width);

    // Of what is visible. What has no room even at its least is left out, from the right; then the widest column that may give way gives way first.
    private int[] Widths(List<RowCells> visible, int width)
    {
        int[] widths = [.. columns.Select((column, i) => visible.Select(row => Math.Min(Cells.Count(row.Cells[i]), width)).Append(Cells.Count(column.Title)).Max())];
        int[] least = [.. columns.Select((column, i) => Math.Min(widths[i], column.MinCells ?? Cells.Count(column.Title)))];
        int shown = columns.Length;
        while (shown > 1 && least.Take(shown).Sum() + (Between.Length * (shown - 1)) > width)
        {
            shown--;
        }

        int available = width - (Between.Length * (shown - 1));
        while (widths.Take(shown).Sum() > available)
        {
            int widest = -1;
            for (int i = 0; i < shown; i++)
            {
                if (widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]))
                {
                    widest = i;
                }
            }

            if (widest < 0)
            {
                break;
            }

            widths[widest]--;
        }

        return widths[..shown];
    }
}
