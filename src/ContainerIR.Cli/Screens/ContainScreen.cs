using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Cli.Commands;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Screens;

/// <summary>What can be done to a container, what that costs in evidence, and whether it can be undone: the actions of <c>cir do</c>.</summary>
internal sealed class ContainScreen : Screen
{
    private readonly ContainerRef container;
    private readonly RowsView list;
    private readonly IReadOnlyList<IAction> all;
    private List<IAction> shown = [];

    public ContainScreen(Shell shell, ContainerRef container)
        : base(shell)
    {
        this.container = container;

        // What can be undone first; what destroys evidence last.
        all = [.. ActionList.Make(DoCommand.PartsOf(shell.Facts.Surroundings, shell.Facts.Home, shell.Facts.Endpoint))
            .Where(action => action.Effect != ActionEffect.Reads)
            .OrderBy(action => action.Name != "isolate").ThenBy(action => action.Effect == ActionEffect.Destroys).ThenBy(action => !action.CanBeUndone)];
        list = new RowsView(Colours, new("ACTION"), new("UNDO"), new("WHAT IT DOES", MinCells: 24), new("COSTS IN EVIDENCE", MinCells: 18)) { Chosen = Open };
        Add(list);
        Filtered();
    }

    public override string Heading => $"Contain {DisplayText.Escape(container.Name)}";

    public override IReadOnlyList<KeyAction> Keys => [KeyAction.Enter("choose", "What it would do here; nothing is done yet", Open)];

    public override bool CanFilter => true;

    protected override void Filtered()
    {
        shown = [.. all.Where(action => Matches(action.Name, action.Title))];
        list.WhenEmpty = "No action has these words.";
        list.Rows = new RowList([.. shown.Select(action => new RowCells(
            action.Effect == ActionEffect.Destroys ? Tone.Bad : Tone.Plain, action.Name, action.Effect == ActionEffect.Destroys ? "destroys" : action is IReversible { UndoLeaves: not null } ? "nearly" : action.CanBeUndone ? "exact" : "no", action.Title, action.EvidenceCost))]);
    }

    private void Open()
    {
        if (list.Selected >= 0 && list.Selected < shown.Count)
        {
            Shell.Open(new ActionScreen(Shell, container, shown[list.Selected]));
        }
    }
}
