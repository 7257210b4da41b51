namespace ContainerIR.Cli.Screens;

/// <summary>Text to read.</summary>
internal sealed class TextScreen : Screen
{
    private readonly string heading;

    public TextScreen(Shell shell, string heading, IReadOnlyList<TextLine> lines)
        : base(shell)
    {
        this.heading = heading;
        Add(new LinesView(Colours) { Lines = lines.Count > 0 ? lines : [new TextLine("Nothing.")] });
    }

    public override string Heading => heading;

    public override IReadOnlyList<KeyAction> Keys => [];
}
