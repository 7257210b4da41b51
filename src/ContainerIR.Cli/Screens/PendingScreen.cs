using Terminal.Gui.Input;
using Terminal.Gui.ViewBase;

namespace ContainerIR.Cli.Screens;

/// <summary>A question of a run, put to the person. Left without an answer, it waits.</summary>
internal sealed class PendingScreen : Screen
{
    private readonly Pending pending;
    private readonly FormView form;
    private readonly LinesView lines;
    private readonly string caseId;

    public PendingScreen(Shell shell, Pending pending, string caseId)
        : base(shell)
    {
        (this.pending, this.caseId) = (pending, caseId);
        form = new FormView(Colours, [.. pending.Fields]) { Y = Pos.AnchorEnd(pending.Fields.Count), Height = pending.Fields.Count, Completed = Answer };
        lines = new LinesView(Colours) { Height = Dim.Fill(pending.Fields.Count + 1), Lines = pending.Lines };
        Add(lines, form);
    }

    /// <summary>The question.</summary>
    public Pending Asks => pending;

    public override string Heading => pending.Heading;

    public override string? CaseId => caseId;

    public override IReadOnlyList<KeyAction> Keys =>
    [
        new(Key.F2, "F2", "answer", "Give this answer", Answer),
        new(Key.PageDown, "PgDn", "more", "More of the text", () => lines.NewKeyDownEvent(Key.PageDown)),
        new(Key.PageUp, "PgUp", "", "Back in the text", () => lines.NewKeyDownEvent(Key.PageUp)),
    ];

    public override void Shown() => form.Focus(pending.Fields[0].Name);

    private void Answer()
    {
        if (pending.Take(form) is { } fault)
        {
            Shell.Say(fault, Tone.Bad);
            return;
        }

        Shell.Back();
    }
}
