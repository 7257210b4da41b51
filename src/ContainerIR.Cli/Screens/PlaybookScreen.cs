using ContainerIR.Cli.Commands;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Playbooks;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Runtimes;
using Terminal.Gui.Input;

namespace ContainerIR.Cli.Screens;

/// <summary>One playbook before it runs: who, for which case, with what; its plan; what a dry run says. The same request as <c>cir playbook run</c>.</summary>
internal sealed class PlaybookScreen : Screen
{
    private const string Mode = "Mode";
    private const string ForReal = "for real";
    private const string Exercise = "exercise";

    private readonly ContainerRef container;
    private readonly Playbook playbook;
    private readonly CaseFields common;
    private readonly FormView form;
    private readonly LinesView plan;
    private readonly List<Variable> inputs;

    public PlaybookScreen(Shell shell, ContainerRef container, Playbook playbook)
        : base(shell)
    {
        (this.container, this.playbook) = (container, playbook);
        common = new CaseFields(shell.Facts);
        inputs = [.. playbook.Variables.Values.Where(variable => variable.IsExternal && variable.Name is not ("container" or "case_id"))];
        List<FormField> fields =
        [
            new(CaseFields.Case, shell.LastCase ?? CaseFields.Usual(shell.Facts)),
            new(CaseFields.Examiner, ""),
            new(Mode, ForReal, false, ForReal, Exercise),
            .. inputs.Select(variable => new FormField(variable.Name, variable.Value ?? "", false, [.. variable.Choices])),
            .. common.Key,
        ];
        form = new FormView(Colours, [.. fields]) { Completed = Start };
        plan = new LinesView(Colours) { Y = fields.Count + 1, Lines = [.. Plan(null)] };
        Add(form, plan);
    }

    public override string Heading => $"{DisplayText.Escape(playbook.Slug)} on {DisplayText.Escape(container.Name)}";

    public override IReadOnlyList<KeyAction> Keys =>
    [
        new(Key.F2, "F2", "start", "Start the playbook; what changes anything is asked before", Start),
        new(Key.F4, "F4", "dry run", "What every step would do here and what it costs; changes nothing", DryRun),
        new(Key.PageDown, "PgDn", "plan", "More of the plan", () => plan.NewKeyDownEvent(Key.PageDown)),
        new(Key.PageUp, "PgUp", "", "Back in the plan", () => plan.NewKeyDownEvent(Key.PageUp)),
    ];

    public override void Shown() => form.Focus(common.Key.Any() ? common.Key.First().Name : CaseFields.Case);

    private IEnumerable<TextLine> Plan(Dictionary<PlaybookStep, IReadOnlyList<string>>? previews)
    {
        yield return new TextLine($"{DisplayText.Escape(playbook.Name)}  {DisplayText.Escape(playbook.Version)}", Tone.Title);
        yield return new TextLine(DisplayText.Escape(playbook.Description));
        foreach (TextLine line in common.Explanation)
        {
            yield return line;
        }

        yield return new TextLine(previews is not null ? "Dry run: nothing was changed. What each step would do here:" : "F2 starts it, F4 says what each step would do here. The plan:", Tone.Key);
        using StringWriter text = new();
        PlaybookText.WriteTree(text, PlaybookPlan.Of(playbook, PlaybookCommand.Actions(Shell.Facts.Surroundings, CaseFields.HomeOf(Shell.Facts))), "", line => line.Step is { } step ? previews?.GetValueOrDefault(step) ?? [] : []);
        foreach (string line in text.ToString().TrimEnd().Split('\n'))
        {
            yield return new TextLine(
                line,
                line.Contains("  ! ", StringComparison.Ordinal) ? Tone.Bad : line.Contains("evidence: ", StringComparison.Ordinal) || line.Contains("approved by ", StringComparison.Ordinal) ? Tone.Warning : Tone.Plain);
        }
    }

    private RunRequest Request(PlaybookSession session) => new()
    {
        CaseId = Cases.CaseId.Check(form[CaseFields.Case]),
        Container = container.Id,
        Operator = session.OperatorOf(CaseFields.NotEmpty(form[CaseFields.Examiner])),
        Inputs = inputs.Where(variable => form[variable.Name].Length > 0).ToDictionary(variable => variable.Name, variable => form[variable.Name]),
        IsExercise = form[Mode] == Exercise,
    };

    private void DryRun()
    {
        try
        {
            PlaybookSession session = new(Shell.Facts.Surroundings, CaseFields.HomeOf(Shell.Facts), common.Read(form), Shell.Facts.Endpoint, new PlainProgress(static _ => { }));
            RunRequest request = Request(session);
            Shell.Work("Finding out what each step would do", ct => Task.Run(() => session.PreviewAsync(playbook, request, ct), ct), previews =>
            {
                plan.Lines = [.. Plan(previews)];
                plan.SetFocus();
            });
        }
        catch (OperatorException problem)
        {
            Shell.Say($"{problem.Message} {problem.Remedy}", Tone.Bad);
        }
    }

    private void Start()
    {
        try
        {
            RunScreen run = new(Shell, common.Read(form), Cells.Fit(container.Name, 20));
            RunRequest request = Request(run.Session);
            PlaybookEngine.Inputs(playbook, request);
            Shell.LastCase = request.CaseId;
            Shell.Replace(run);
            run.Begin(playbook, request);
        }
        catch (OperatorException problem)
        {
            Shell.Say($"{problem.Message} {problem.Remedy}", Tone.Bad);
        }
    }
}
