using ContainerIR.Analyzers;
using ContainerIR.Cli.Output;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Screens;

/// <summary>What triage found in a sealed bundle, worst first.</summary>
internal sealed class FindingsScreen : Screen
{
    private readonly TriageReport report;
    private readonly string bundlePath;
    private readonly ContainerRef? container;
    private readonly RowsView list;
    private List<Finding> shown = [];

    /// <param name="shell">The console.</param>
    /// <param name="report">What triage found.</param>
    /// <param name="bundlePath">In which bundle.</param>
    /// <param name="container">The living container; null where only the bundle is at hand.</param>
    public FindingsScreen(Shell shell, TriageReport report, string bundlePath, ContainerRef? container)
        : base(shell)
    {
        (this.report, this.bundlePath, this.container) = (report, bundlePath, container);
        list = new RowsView(Colours, new("SEVERITY"), new("RULE"), new("WHAT", MinCells: 20), new("SEEN", MinCells: 16), new("TECHNIQUE", MinCells: 5)) { Chosen = Open };
        Add(list);
        Filtered();
    }

    public override string Heading => $"{report.ContainerName}  Findings  score {report.Score} of 100{(Filter.Length > 0 ? $"  filter: {Filter}" : "")}";

    public override IReadOnlyList<KeyAction> Keys =>
    [
        KeyAction.Enter("proof", "What was seen, where it stands, what else it may be, what to do next", Open),
        .. container is null ? Array.Empty<KeyAction>() : [KeyAction.Of('p', "playbook", "The playbooks these findings call for", () => Shell.Open(new PlaybooksScreen(Shell, container, report)))],
        KeyAction.Of('x', "not examined", "What no finding says because it could not be read", () => Shell.Open(new TextScreen(Shell, $"{report.ContainerName}  not examined", [.. report.NotExamined.Select(what => new TextLine(Cells.Safe(what)))]))),
    ];

    public override bool CanFilter => true;

    public static Tone ToneOf(Severity severity) => severity switch
    {
        Severity.Critical or Severity.High => Tone.Bad,
        Severity.Medium => Tone.Warning,
        Severity.Info => Tone.Dim,
        _ => Tone.Plain,
    };

    public static string Seen(Finding finding) => Cells.Safe(string.Join(", ", finding.Seen.Select(value => value.Text)));

    protected override void Filtered()
    {
        shown = [.. report.Findings.Where(finding => Matches(finding.Rule.Id, finding.Rule.Title, finding.Severity.ToString(), Seen(finding), string.Join(' ', finding.Rule.Techniques)))];
        list.WhenEmpty = report.Findings.Count == 0 ? "No rule fired. x shows what could not be examined." : "No finding matches the filter.";
        list.Rows = new RowList([.. shown.Select(finding => new RowCells(
            ToneOf(finding.Severity), finding.Severity.ToString().ToUpperInvariant(), finding.Rule.Id, finding.Rule.Title, Seen(finding), string.Join(' ', finding.Rule.Techniques)))]);
    }

    private void Open()
    {
        if (list.Selected >= 0 && list.Selected < shown.Count)
        {
            Shell.Open(new FindingScreen(Shell, shown[list.Selected], bundlePath));
        }
    }
}
