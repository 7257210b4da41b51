using ContainerIR.Analyzers;
using ContainerIR.Cli.Output;

namespace ContainerIR.Cli.Screens;

/// <summary>One finding with its proof.</summary>
internal sealed class FindingScreen : Screen
{
    private readonly Finding finding;
    private readonly string bundlePath;

    public FindingScreen(Shell shell, Finding finding, string bundlePath)
        : base(shell)
    {
        (this.finding, this.bundlePath) = (finding, bundlePath);
        Add(new LinesView(Colours) { Lines = [.. Lines()] });
    }

    public override string Heading => $"{finding.Rule.Id}  {finding.Rule.Title}";

    public override IReadOnlyList<KeyAction> Keys =>
        [KeyAction.Enter("evidence", "The row of the evidence it rests on", () => Shell.Open(new ItemScreen(Shell, bundlePath, finding.Where.Item, finding.Where.Row)))];

    private IEnumerable<TextLine> Lines()
    {
        yield return new TextLine($"{finding.Severity.ToString().ToUpperInvariant()}  {finding.Rule.Title}  [{string.Join(' ', finding.Rule.Techniques)}]", FindingsScreen.ToneOf(finding.Severity));
        if (finding.LoweredBy is { } why)
        {
            yield return new TextLine($"  lowered: {Cells.Safe(why)}", Tone.Dim);
        }

        yield return new TextLine("");
        yield return new TextLine("Seen", Tone.Title);
        foreach (SeenValue value in finding.Seen)
        {
            yield return new TextLine($"  {Cells.Safe(value.Name)}: {Cells.Safe(value.Text)}");
        }

        yield return new TextLine("");
        yield return new TextLine("Where", Tone.Title);
        yield return new TextLine($"  {Cells.Safe(finding.Where.Item)}{(finding.Where.Row is { } row ? $", row {row}" : "")}{(finding.Where.Offset is { } offset ? $", offset {offset}" : "")}");
        yield return new TextLine("");
        yield return new TextLine("Why it matters", Tone.Title);
        yield return new TextLine($"  {Cells.Safe(finding.Rule.Why)}");
        yield return new TextLine("What else it may be", Tone.Title);
        yield return new TextLine($"  {Cells.Safe(finding.Rule.FalsePositives)}");
        yield return new TextLine("Next", Tone.Title);
        yield return new TextLine($"  {Cells.Safe(finding.Rule.NextStep)}", Tone.Key);
    }
}
