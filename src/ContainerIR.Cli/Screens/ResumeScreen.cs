using ContainerIR.Evidence;
using Terminal.Gui.Input;

namespace ContainerIR.Cli.Screens;

/// <summary>A run that was cut, before it goes on: the key that seals is opened. The same request as <c>cir playbook resume</c>.</summary>
internal sealed class ResumeScreen : Screen
{
    private readonly string caseId;
    private readonly CaseRun run;
    private readonly CaseFields common;
    private readonly FormView form;

    public ResumeScreen(Shell shell, string caseId, CaseRun run)
        : base(shell)
    {
        (this.caseId, this.run) = (caseId, run);
        common = new CaseFields(shell.Facts);
        form = new FormView(Colours, [.. common.Key]) { Completed = Start };
        Add(form, new LinesView(Colours) { Y = common.Key.Count() + 1, Lines = [new TextLine("What was completed is not done again. Enter in the last field, or F2, goes on.", Tone.Dim), .. common.Explanation] });
    }

    public override string Heading => $"Go on with {run.Playbook}  {run.Id}";

    public override string? CaseId => caseId;

    public override IReadOnlyList<KeyAction> Keys => [new(Key.F2, "F2", "go on", "Go on with the run", Start)];

    /// <summary>Goes on with a run, in place of the screen in front where that is this one.</summary>
    public static void GoOn(Shell shell, string caseId, CaseRun run, Passphrases passphrases)
    {
        try
        {
            RunScreen screen = new(shell, passphrases, run.Container.Length > 12 ? run.Container[..12] : run.Container);
            screen.GoOn(caseId, run.Id);
            if (shell.Front is ResumeScreen)
            {
                shell.Replace(screen);
            }
            else
            {
                shell.Open(screen);
            }
        }
        catch (OperatorException problem)
        {
            shell.Say($"{problem.Message} {problem.Remedy}", Tone.Bad);
        }
    }

    public override void Shown() => form.Focus(common.Key.First().Name);

    private void Start()
    {
        try
        {
            GoOn(Shell, caseId, run, common.Read(form));
        }
        catch (OperatorException problem)
        {
            Shell.Say($"{problem.Message} {problem.Remedy}", Tone.Bad);
        }
    }
}
