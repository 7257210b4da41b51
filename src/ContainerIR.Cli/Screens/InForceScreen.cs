using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Cli.Commands;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Screens;

/// <summary>What is contained on this host, by whom and for which case, looked at now; and its undoing. The same as <c>cir status</c> and <c>cir undo</c>.</summary>
internal sealed class InForceScreen : Screen
{
    private readonly RowsView list;
    private IReadOnlyList<ChangeStatus> all = [];
    private List<ChangeStatus> shown = [];
    private bool withEnded;

    public InForceScreen(Shell shell)
        : base(shell)
    {
        list = new RowsView(Colours, new("ID"), new("ACTION"), new("CONTAINER", MinCells: 10), new("CASE", MinCells: 6), new("BY", MinCells: 6), new("SINCE"), new("NOW", MinCells: 20)) { WhenEmpty = "It is looked at …", Chosen = OpenChange };
        Add(list);
    }

    public override string Heading => $"In force on this host  {all.Count(each => ChangeJournal.IsOpen(each.Change))}{(withEnded ? "  with those that ended" : "")}";

    public override string? CaseId => Selected?.Change.CaseId;

    public override IReadOnlyList<KeyAction> Keys =>
    [
        KeyAction.Enter("whole", "The change whole: commands, old values, what was proven", OpenChange),
        KeyAction.Of('u', "undo", "Put it back exactly; connections that outlived an isolation are reset first", () => Undo(resetSockets: true)),
        KeyAction.Of('k', "undo, keep sockets", "Put it back and let such connections go on", () => Undo(resetSockets: false)),
        KeyAction.Of('a', withEnded ? "only in force" : "all", "Also those that ended, or only those in force", () =>
        {
            withEnded = !withEnded;
            Shown();
        }),
        KeyAction.Of('r', "again", "Look again", Shown),
    ];

    public override bool CanFilter => true;

    private ActionParts Parts => DoCommand.PartsOf(Shell.Facts.Surroundings, Shell.Facts.Home, Shell.Facts.Endpoint);

    private ChangeStatus? Selected => list.Selected < 0 || list.Selected >= shown.Count ? null : shown[list.Selected];

    public override void Shown() => Shell.Quietly(ct => new ChangeUndo(Parts).StatusAsync(withEnded, ct), read =>
    {
        all = read;
        Filtered();
    }, problem => Shell.Say(problem, Tone.Bad));

    protected override void Filtered()
    {
        shown = [.. all.Where(each => Matches(each.Change.Action, each.Change.ContainerName, each.Change.ContainerId, each.Change.CaseId, each.Change.Actor))];
        list.WhenEmpty = all.Count == 0 ? "Nothing is in force on this host." : "No change matches the filter.";
        list.Rows = new RowList([.. shown.Select(each => new RowCells(
            each.Look.Condition switch
            {
                _ when each.Change.State == ChangeState.Failed => Tone.Dim,
                ChangeCondition.InForce => Tone.Good,
                ChangeCondition.Gone => Tone.Dim,
                _ => Tone.Bad,
            },
            each.Change.Id,
            each.Change.Action,
            DisplayText.Escape(each.Change.ContainerName),
            DisplayText.Escape(each.Change.CaseId),
            DisplayText.Escape(each.Change.Actor),
            Quantities.Instant(each.Change.IntendedAt),
            Cells.Safe(each.Look.Words + (each.Change.Override is { } reason ? $"; without sealed evidence: {reason}" : ""))))]);
    }

    private void OpenChange()
    {
        if (Selected is not { } status)
        {
            return;
        }

        Change change = status.Change;
        Shell.Open(new TextScreen(Shell, $"Change {change.Id}",
        [
            new TextLine($"{change.Action}  {DisplayText.Escape(change.ContainerName)}  {DisplayText.Escape(change.ContainerId)}", Tone.Key),
            new TextLine($"Case      {DisplayText.Escape(change.CaseId)}, by {DisplayText.Escape(change.Actor)}, {Quantities.Instant(change.IntendedAt)}"),
            new TextLine($"State     {change.State.ToString().ToLowerInvariant()}{(change.Verified switch { true => ", proven by probing", false => ", NOT PROVEN", null => "" })}"),
            new TextLine($"Now       {Cells.Safe(status.Look.Words)}"),
            .. change.Override is { } reason ? [new TextLine($"Override  {Cells.Safe(reason)}", Tone.Bad)] : Array.Empty<TextLine>(),
            .. change.Note is { } note ? [new TextLine($"Note      {Cells.Safe(note)}")] : Array.Empty<TextLine>(),
            new TextLine(""),
            new TextLine("Commands", Tone.Title),
            .. change.Commands.SelectMany(command => ("$ " + string.Join(' ', command)).TrimEnd().Split('\n')).Select(line => new TextLine("  " + Cells.Safe(line))),
            new TextLine("Old values", Tone.Title),
            .. change.Facts.SelectMany(fact => $"{fact.Key}: {fact.Value}".TrimEnd().Split('\n')).Select(line => new TextLine("  " + Cells.Safe(line))),
        ]));
    }

    private void Undo(bool resetSockets)
    {
        if (Selected is not { } status)
        {
            return;
        }

        Change change = status.Change;
        Shell.Confirm($"Undo {change.Action} of {Cells.Fit(change.ContainerName, 30)}?", () => Shell.Work(
            $"Undoing {change.Id}",
            async ct =>
            {
                using StringWriter notices = new();
                UndoResult result = await Deed.UndoAsync(Shell.Facts.Surroundings with { Error = notices }, Parts, change, new UndoChoices(resetSockets), ct);
                return (result, Notices: notices.ToString().Trim());
            },
            done =>
            {
                Shown();
                Shell.Say(Cells.Safe($"{done.result.Summary} {done.Notices}"), done.result.Undone ? Tone.Good : Tone.Bad);
            }));
    }
}
