using ContainerIR.Cli.Output;
using Terminal.Gui.Input;
using Terminal.Gui.ViewBase;

namespace ContainerIR.Cli.Screens;

/// <summary>A line of text and what it means. Text in display form.</summary>
internal sealed record TextLine(string Text, Tone Tone = Tone.Plain);

/// <summary>Text that scrolls. A line longer than the view is broken between words where it can be.</summary>
internal sealed class LinesView : PaintedView
{
    private IReadOnlyList<TextLine> lines = [];
    private List<TextLine> broken = [];
    private int brokenFor = -1;
    private int top;

    public LinesView(Func<Palette> palette)
        : base(palette) => CanFocus = true;

    /// <summary>Whether the last line stays in view as lines are added.</summary>
    public bool Follows { get; set; }

    public IReadOnlyList<TextLine> Lines
    {
        get => lines;
        set
        {
            lines = value;
            brokenFor = -1;
            SetNeedsDraw();
        }
    }

    /// <summary>How many lines of the view a text takes.</summary>
    public static int CountLines(string text, int width) => Break(new TextLine(text), Math.Max(10, width)).Count();

    protected override bool OnKeyDown(Key key)
    {
        int? to = key.KeyCode switch
        {
            _ when key == Key.CursorUp || key == 'k' => top - 1,
            _ when key == Key.CursorDown || key == 'j' => top + 1,
            _ when key == Key.PageUp => top - Viewport.Height,
            _ when key == Key.PageDown => top + Viewport.Height,
            _ when key == Key.Home => 0,
            _ when key == Key.End => int.MaxValue,
            _ => null,
        };
        return to is { } line && ScrollTo(line);
    }

    protected override bool OnMouseEvent(Mouse mouse) =>
        (mouse.Flags.HasFlag(MouseFlags.WheeledUp) || mouse.Flags.HasFlag(MouseFlags.WheeledDown)) && ScrollTo(top + (mouse.Flags.HasFlag(MouseFlags.WheeledUp) ? -3 : 3));

    protected override bool OnDrawingContent(DrawContext? context)
    {
        (int width, int height) = (Viewport.Width, Viewport.Height);
        if (brokenFor != width)
        {
            broken = [.. lines.SelectMany(line => Break(line, Math.Max(10, width)))];
            brokenFor = width;
        }

        int last = Math.Max(0, broken.Count - height);
        top = Follows ? last : Math.Clamp(top, 0, last);
        for (int i = 0; i < height; i++)
        {
            TextLine line = top + i < broken.Count ? broken[top + i] : new TextLine("");
            Paint(0, i, line.Tone, line.Text, width);
        }

        return true;
    }

    private bool ScrollTo(int line)
    {
        Follows = false;
        top = Math.Clamp(line, 0, Math.Max(0, broken.Count - Viewport.Height));
        SetNeedsDraw();
        return true;
    }

    private static IEnumerable<TextLine> Break(TextLine line, int width)
    {
        string rest = Cells.Safe(line.Text);
        string indent = new(' ', Math.Min(width / 3, rest.Length - rest.TrimStart().Length));
        while (Cells.Count(rest) > width)
        {
            int cut = 0, cells = 0, lastBlank = -1;
            foreach (System.Text.Rune rune in rest.EnumerateRunes())
            {
                int runeCells = Cells.Count(rune.ToString());
                if (cells + runeCells > width)
                {
                    break;
                }

                if (rune.Value == ' ' && cut > indent.Length)
                {
                    lastBlank = cut;
                }

                cells += runeCells;
                cut += rune.Utf16SequenceLength;
            }

            int end = lastBlank > width / 2 ? lastBlank : Math.Max(1, cut);
            yield return line with { Text = rest[..end] };
            rest = indent + rest[end..].TrimStart();
        }

        yield return line with { Text = rest };
    }
}
