using ContainerIR.Analyzers;
using ContainerIR.Cli.Commands;
using ContainerIR.Evidence.Text;
using ContainerIR.Playbooks;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Screens;

/// <summary>The playbooks for a container: those its findings call for first.</summary>
internal sealed class PlaybooksScreen : Screen
{
    private const string FindsOut = "triage-unknown";

    private readonly ContainerRef container;
    private readonly ILookup<string, Finding> calls;
    private readonly RowsView list;
    private IReadOnlyList<ListedPlaybook> all = [];
    private List<ListedPlaybook> shown = [];

    /// <param name="shell">The console.</param>
    /// <param name="container">What to run them on.</param>
    /// <param name="report">What is known to be wrong with it; null when nobody looked yet.</param>
    public PlaybooksScreen(Shell shell, ContainerRef container, TriageReport? report)
        : base(shell)
    {
        this.container = container;
        calls = (report?.Counted ?? []).Where(finding => finding.Severity >= Severity.Medium).ToLookup(finding => finding.Playbook);
        list = new RowsView(Colours, new("PLAYBOOK", MinCells: 14), new("CALLED FOR BY", MinCells: 10), new("NAME", MinCells: 20)) { WhenEmpty = "The playbooks are being read …", Chosen = Open };
        Add(list);
    }

    public override string Heading => $"Playbooks for {DisplayText.Escape(container.Name)}";

    public override IReadOnlyList<KeyAction> Keys => [KeyAction.Enter("plan", "Its steps, what each costs in evidence, and its start", Open)];

    public override bool CanFilter => true;

    public override void Shown() => Shell.Quietly(
        _ => Task.FromResult(PlaybookCommand.Library(CaseFields.HomeOf(Shell.Facts), PlaybookCommand.Actions(Shell.Facts.Surroundings, CaseFields.HomeOf(Shell.Facts))).List()),
        read =>
        {
            // The worst finding decides. Where nothing calls for one, the one that finds out comes first; beside another it comes last.
            all = [.. read.OrderByDescending(each => calls[each.Slug].Select(finding => (int)finding.Severity + 1).DefaultIfEmpty(0).Max()).ThenBy(each => (each.Slug != FindsOut) == (calls.Count == 0))];
            Filtered();
        },
        problem => Shell.Say(problem, Tone.Bad));

    protected override void Filtered()
    {
        shown = [.. all.Where(each => Matches(each.Slug, each.Playbook?.Name, each.Playbook?.Description))];
        list.WhenEmpty = "No playbook matches the filter.";
        list.Rows = new RowList([.. shown.Select(each => new RowCells(
            each.Playbook is null ? Tone.Dim : CalledForBy(each).Count > 0 ? Tone.Warning : Tone.Plain,
            DisplayText.Escape(each.Slug),
            string.Join(' ', CalledForBy(each)),
            each.Playbook is { } playbook ? DisplayText.Escape(playbook.Name) : $"has {each.Faults.Count} faults: cir playbook check {DisplayText.Escape(each.Slug)}"))]);
    }

    private List<string> CalledForBy(ListedPlaybook each) => [.. calls[each.Slug].Select(finding => finding.Rule.Id).Distinct()];

    private void Open()
    {
        if (list.Selected >= 0 && list.Selected < shown.Count && shown[list.Selected].Playbook is { } playbook)
        {
            Shell.Open(new PlaybookScreen(Shell, container, playbook));
        }
    }
}
