using Terminal.Gui.Drawing;
using Attribute = Terminal.Gui.Drawing.Attribute;

namespace ContainerIR.Cli.Screens;

/// <summary>What a piece of text means. Never shown by colour alone: the words say it too.</summary>
internal enum Tone
{
    Plain,
    Dim,
    Title,
    Key,
    Good,
    Warning,
    Bad,
    Selected,
}

/// <summary>The colours of a theme: the sixteen every terminal has.</summary>
internal sealed class Palette
{
    private readonly Attribute[] attributes;

    private Palette(string name, params Attribute[] attributes) => (Name, this.attributes) = (name, attributes);

    private Palette(Palette other, bool isAscii) => (Name, attributes, IsAscii) = (other.Name, other.attributes, isAscii);

    private static IReadOnlyList<Palette> All { get; } =
    [
        new(
            "dark",
            Of(ColorName16.Gray, ColorName16.Black), Of(ColorName16.DarkGray, ColorName16.Black), Of(ColorName16.Black, ColorName16.Gray),
            Of(ColorName16.BrightCyan, ColorName16.Black), Of(ColorName16.BrightGreen, ColorName16.Black), Of(ColorName16.BrightYellow, ColorName16.Black),
            Of(ColorName16.BrightRed, ColorName16.Black), Of(ColorName16.White, ColorName16.Blue)),
        new(
            "light",
            Of(ColorName16.Black, ColorName16.White), Of(ColorName16.DarkGray, ColorName16.White), Of(ColorName16.White, ColorName16.DarkGray),
            Of(ColorName16.Blue, ColorName16.White), Of(ColorName16.Green, ColorName16.White), Of(ColorName16.Magenta, ColorName16.White),
            Of(ColorName16.Red, ColorName16.White), Of(ColorName16.White, ColorName16.Blue)),
        new(
            "contrast",
            Of(ColorName16.White, ColorName16.Black), Of(ColorName16.White, ColorName16.Black), Of(ColorName16.Black, ColorName16.White),
            Of(ColorName16.BrightYellow, ColorName16.Black), Of(ColorName16.White, ColorName16.Black), Of(ColorName16.BrightYellow, ColorName16.Black),
            Of(ColorName16.BrightYellow, ColorName16.Black), Of(ColorName16.Black, ColorName16.BrightYellow)),
    ];

    /// <summary>For NO_COLOR: the terminal's own colours, bold and reverse only.</summary>
    private static Palette Colourless { get; } = new(
        "none",
        Of(TextStyle.None), Of(TextStyle.None), Of(TextStyle.Reverse), Of(TextStyle.Bold), Of(TextStyle.None), Of(TextStyle.Bold), Of(TextStyle.Bold), Of(TextStyle.Reverse));

    public string Name { get; }

    /// <summary>Whether only ASCII may be drawn.</summary>
    public bool IsAscii { get; }

    public Attribute this[Tone tone] => attributes[(int)tone];

    /// <summary>The palettes of a terminal.</summary>
    public static IReadOnlyList<Palette> For(bool isColourless, bool isAscii) => [.. (isColourless ? [Colourless] : All).Select(each => new Palette(each, isAscii))];

    private static Attribute Of(ColorName16 foreground, ColorName16 background) => new(foreground, background);

    private static Attribute Of(TextStyle style) => new(Color.None, Color.None, style);
}
