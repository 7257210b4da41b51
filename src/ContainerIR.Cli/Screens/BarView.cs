using ContainerIR.Cli.Output;
using Terminal.Gui.ViewBase;

namespace ContainerIR.Cli.Screens;

/// <summary>One line made of pieces; what does not fit is cut.</summary>
internal sealed class BarView : PaintedView
{
    private readonly Func<IEnumerable<(Tone Tone, string Text)>> pieces;
    private readonly Tone ground;

    public BarView(Func<IEnumerable<(Tone Tone, string Text)>> pieces, Func<Palette> palette, Tone ground)
        : base(palette)
    {
        (this.pieces, this.ground) = (pieces, ground);
        Height = 1;
    }

    protected override bool OnDrawingContent(DrawContext? context)
    {
        Paint(0, 0, ground, "", Viewport.Width);
        int x = 0;
        foreach ((Tone tone, string text) in pieces())
        {
            int room = Viewport.Width - x;
            if (room <= 0)
            {
                break;
            }

            x += Paint(x, 0, tone, text, Math.Min(room, Cells.Count(Cells.Safe(text))));
        }

        return true;
    }
}
