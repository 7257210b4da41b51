using ContainerIR.Cli.Output;
using Terminal.Gui.ViewBase;

namespace ContainerIR.Cli.Screens;

/// <summary>A view that draws text by what it means. All text goes through here: it is in display form, fitted to its place, and ASCII where nothing else can be drawn.</summary>
internal abstract class PaintedView : View
{
    private readonly Func<Palette> palette;

    protected PaintedView(Func<Palette> palette)
    {
        this.palette = palette;
        Width = Dim.Fill();
        Height = Dim.Fill();
    }

    /// <summary>Fills so many cells with the text, cut or filled up with blanks; gives the cells the text itself took.</summary>
    protected int Paint(int x, int y, Tone tone, string text, int cells)
    {
        Palette colours = palette();
        string fitted = Cells.Fit(text, cells);
        int used = Cells.Count(fitted);
        SetAttribute(colours[tone]);
        AddStr(x, y, (colours.IsAscii ? Ascii(fitted) : fitted) + new string(' ', Math.Max(0, cells - used)));
        return used;
    }

    // As many cells as before: a wide letter becomes two marks.
    private static string Ascii(string text) => string.Concat(text.EnumerateRunes().Select(rune => rune.Value switch
    {
        < 0x7f => rune.ToString(),
        '\u2026' => "~",
        '\u2502' or '\u251c' => "|",
        '\u2514' => "`",
        '\u2500' => "-",
        _ => new string('?', Cells.Count(rune.ToString())),
    }));
}
