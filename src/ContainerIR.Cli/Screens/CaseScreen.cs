using ContainerIR.Cases;
using ContainerIR.Cli.Output;

namespace ContainerIR.Cli.Screens;

/// <summary>One case: its bundles.</summary>
internal sealed class CaseScreen : Screen
{
    private readonly string caseId;
    private readonly RowsView list;
    private CaseOverview? overview;

    public CaseScreen(Shell shell, string caseId)
        : base(shell)
    {
        this.caseId = caseId;
        list = new RowsView(
            Colours, new("ACQUIRED"), new("CONTAINER", MinCells: 10), new("HOST", MinCells: 6), new("ITEMS", Right: true), new("READ", Right: true), new("GAPS", Right: true), new("BUNDLE", MinCells: 12))
        {
            Chosen = OpenBundle,
        };
        Add(list);
    }

    public override string Heading => $"Case {caseId}  {(overview is null ? "" : Quantities.Count(overview.Bundles.Count, "bundle"))}  {overview?.Reason}";

    public override IReadOnlyList<KeyAction> Keys =>
    [
        KeyAction.Enter("open", "Look into this bundle", OpenBundle),
        KeyAction.Of('v', "verify", "Verify this bundle", () => WithSelected((bundle, path) => Shell.Open(new VerifyScreen(Shell, path)))),
    ];

    private CaseHome Home => Shell.Facts.Surroundings.Home(Shell.Facts.Home);

    public override void Shown() => Shell.Work(
        "Reading the case",
        _ =>
        {
            using CaseStore store = CaseStore.OpenReadOnly(Home, caseId);
            return Task.FromResult(CaseReader.ReadOverview(store));
        },
        read =>
        {
            overview = read;
            list.WhenEmpty = "No bundle yet.";
            list.Rows = new RowList([.. read.Bundles.Select(bundle => new RowCells(
                bundle.IncompleteItems > 0 ? Tone.Warning : Tone.Plain,
                bundle.OpenedAt is { } at ? Quantities.Instant(at) : "?",
                bundle.ContainerName ?? "?",
                bundle.Host ?? "?",
                Quantities.Number(bundle.Items),
                Quantities.Bytes(bundle.RawBytes),
                Quantities.Number(bundle.Gaps.Count),
                bundle.Folder))]);
            if (read.NotIndexed.Count > 0)
            {
                Shell.Say($"Not in the index: {string.Join(", ", read.NotIndexed.Take(3))} (interrupted, or put there by hand; cir case rebuild says why)", Tone.Warning);
            }
        });

    private void OpenBundle() => WithSelected((bundle, path) => Shell.Open(new BundleScreen(Shell, caseId, bundle, path)));

    private void WithSelected(Action<BundleOverview, string> run)
    {
        if (list.Selected < 0 || overview is null)
        {
            return;
        }

        BundleOverview selected = overview.Bundles[list.Selected];
        run(selected, Path.Combine(Home.FolderOf(caseId), "bundles", selected.Folder));
    }
}
