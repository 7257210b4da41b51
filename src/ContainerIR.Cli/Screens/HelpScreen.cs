namespace ContainerIR.Cli.Screens;

/// <summary>What can be done on a screen, and everywhere.</summary>
internal sealed class HelpScreen : Screen
{
    public HelpScreen(Shell shell, Screen about)
        : base(shell)
    {
        Add(new LinesView(Colours)
        {
            Lines =
            [
                new TextLine("On this screen", Tone.Title),
                .. about.Keys.Select(Line),
                new TextLine(""),
                new TextLine("Everywhere", Tone.Title),
                .. shell.Everywhere.Select(Line),
                new TextLine(""),
                new TextLine("  Up Down PgUp PgDn Home End (or j k) move; Enter opens; the mouse selects, a double click opens, the wheel scrolls."),
                new TextLine("  F1 and Ctrl-P help and find a command as ? and : do, in a field too. Nothing here runs anything inside a container."),
            ],
        });
    }

    public override string Heading => "Help";

    public override IReadOnlyList<KeyAction> Keys => [];

    private static TextLine Line(KeyAction action) => new($"  {action.Shown,-7} {action.Meaning}");
}
