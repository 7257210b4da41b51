using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Screens;

/// <summary>The cases of this machine.</summary>
internal sealed class CasesScreen : Screen
{
    private readonly RowsView list;
    private IReadOnlyList<CaseSummary> all = [];
    private List<CaseSummary> shown = [];

    public CasesScreen(Shell shell)
        : base(shell)
    {
        list = new RowsView(Colours, new("CASE", MinCells: 10), new("OPENED"), new("BUNDLES", Right: true), new("EXAMINER", MinCells: 8), new("PROBLEM", MinCells: 8)) { Chosen = OpenCase };
        Add(list);
    }

    public override string Heading => $"Cases  {all.Count} in {DisplayText.Escape(Home.Path)}";

    public override IReadOnlyList<KeyAction> Keys => [KeyAction.Enter("open", "Open this case", OpenCase)];

    public override bool CanFilter => true;

    private CaseHome Home => Shell.Facts.Surroundings.Home(Shell.Facts.Home);

    public override void Shown() => Shell.Work("Reading the cases", _ => Task.FromResult(CaseStore.List(Home)), read =>
    {
        all = read;
        Filtered();
    });

    protected override void Filtered()
    {
        shown = [.. all.Where(each => Matches(each.Id, each.Examiner))];
        list.WhenEmpty = all.Count == 0 ? "No case yet: the first acquisition opens one." : "No case matches the filter.";
        list.Rows = new RowList([.. shown.Select(each => new RowCells(
            each.Problem is null ? Tone.Plain : Tone.Warning,
            each.Id,
            each.CreatedAt is { } at ? Quantities.Instant(at) : "?",
            Quantities.Number(each.Bundles),
            DisplayText.Escape(each.Examiner ?? ""),
            DisplayText.Escape(each.Problem ?? "")))]);
    }

    private void OpenCase()
    {
        if (list.Selected >= 0)
        {
            Shell.Open(new CaseScreen(Shell, shown[list.Selected].Id));
        }
    }
}
