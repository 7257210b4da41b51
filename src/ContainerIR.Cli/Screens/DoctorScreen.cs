using ContainerIR.Cli.Commands;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Screens;

/// <summary>What works on this host, what does not, and the remedy.</summary>
internal sealed class DoctorScreen : Screen
{
    private readonly LinesView lines;

    public DoctorScreen(Shell shell)
        : base(shell)
    {
        lines = new LinesView(Colours);
        Add(lines);
    }

    public override string Heading => "Doctor";

    public override IReadOnlyList<KeyAction> Keys => [KeyAction.Of('r', "again", "Check again", Shown)];

    public override void Shown() => Shell.Work(
        "Checking this host",
        ct => HostReadiness.CheckAsync(Shell.Facts.Endpoint, Shell.Facts.Surroundings.Home(Shell.Facts.Home).Path, ct),
        checks =>
        {
            using StringWriter text = new();
            DoctorCommand.Write(text, checks, 2000);
            lines.Lines = [.. text.ToString().Split('\n').Select(line => new TextLine(line.TrimEnd(), line.StartsWith("ok", StringComparison.Ordinal) ? Tone.Plain : line.StartsWith("FAIL", StringComparison.Ordinal) ? Tone.Bad : line.StartsWith("warn", StringComparison.Ordinal) ? Tone.Warning : Tone.Dim))];
        });
}
