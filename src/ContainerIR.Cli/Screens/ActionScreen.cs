using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Cli.Commands;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Screens;

/// <summary>One action on one container: what it would do, the name typed to confirm it, what came of it. The same request as <c>cir do</c>.</summary>
internal sealed class ActionScreen : Screen
{
    private const int MaxTypedName = 20;
    private const string Reason = "Override";

    private readonly ContainerRef container;
    private readonly IAction action;
    private readonly FormView form;
    private readonly LinesView below;
    private readonly string confirmField;
    private readonly string toType;
    private bool isRunning;
    private bool isDone;

    public ActionScreen(Shell shell, ContainerRef container, IAction action)
        : base(shell)
    {
        (this.container, this.action) = (container, action);
        toType = container.Name.Length is > 0 and <= MaxTypedName && DisplayText.Escape(container.Name) == container.Name ? container.Name : container.ShortId;
        confirmField = $"Type {toType}";
        List<FormField> fields = [new(confirmField, ""), new(CaseFields.Case, shell.LastCase ?? CaseFields.Usual(shell.Facts)), new(CaseFields.Examiner, "")];
        fields.AddRange(action.Parameters.Select(parameter => new FormField(
            Named(parameter), parameter.Default ?? parameter.Choices?[0] ?? "", false,
            parameter.Choices is { } choices ? [.. choices] : parameter.Kind == ParameterKind.Switch ? ["false", "true"] : [])));
        if (action.Effect == ActionEffect.Destroys)
        {
            fields.Add(new(Reason, ""));
        }

        form = new FormView(Colours, [.. fields]) { Completed = Run, Changed = Preview };
        below = new LinesView(Colours) { Y = fields.Count + 1, Lines = [new TextLine("It is being found out what it would do here …", Tone.Dim)] };
        Add(form, below);
    }

    public override string Heading => $"{action.Name} {DisplayText.Escape(container.Name)}";

    public override string Doing => isRunning ? $"{action.Name} {Cells.Fit(container.Name, 20)}" : "";

    public override string WhenStopped => "What it changed so far is in the journal: I shows it.";

    public override string? CaseId => isDone ? form[CaseFields.Case] : null;

    public override IReadOnlyList<KeyAction> Keys => isDone || isRunning
        ? []
        : [new(Terminal.Gui.Input.Key.F2, "F2", "do it", $"{action.Title}, once the name is typed", Run), new(Terminal.Gui.Input.Key.F5, "F5", "look again", "What it would do, with the parameters as they are now", Preview)];

    public override void Shown()
    {
        if (!isDone && !isRunning)
        {
            form.Focus(confirmField);
            Preview();
        }
    }

    private static string Named(ActionParameter parameter) => parameter.Name.Replace('_', '-');

    private ActionCall Call()
    {
        Dictionary<string, string> with = [];
        foreach (ActionParameter parameter in action.Parameters)
        {
            if (form[Named(parameter)] is { Length: > 0 } value)
            {
                with[parameter.Name] = value;
            }
        }

        return new ActionCall(
            container.Id, with, form[CaseFields.Case], CaseFields.NotEmpty(form[CaseFields.Examiner]) ?? Responder.SubjectOf(null).Name, action.Effect == ActionEffect.Destroys ? CaseFields.NotEmpty(form[Reason]) : null);
    }

    private void Preview()
    {
        ActionCall call = Call();
        Shell.Quietly(
            ct => Task.Run(() => action.PreviewAsync(call, ct), ct),
            preview =>
            {
                if (isRunning || isDone)
                {
                    return;
                }

                below.Lines =
                [
                    new TextLine($"{action.Title}. {DoCommand.EffectWords(action)}", action.Effect == ActionEffect.Destroys ? Tone.Bad : Tone.Plain),
                    new TextLine($"Here it costs: {Cells.Safe(preview.EvidenceCost)}"),
                    .. preview.Commands.SelectMany(command => ("$ " + string.Join(' ', command)).TrimEnd().Split('\n')).Select(line => new TextLine(Cells.Safe(line), Tone.Dim)),
                    .. preview.Faults.Select(fault => new TextLine("Hindrance: " + Cells.Safe(fault), Tone.Bad)),
                    new TextLine($"Nothing is done yet. {confirmField} and press F2.", Tone.Key),
                    .. action.Effect == ActionEffect.Destroys ? [new TextLine("Override: a reason to go on without sealed evidence; it stands first in the report.", Tone.Dim)] : Array.Empty<TextLine>(),
                ];
            },
            problem => below.Lines = [new TextLine(problem, Tone.Bad)]);
    }

    private void Run()
    {
        if (isRunning || isDone)
        {
            return;
        }

        if (form[confirmField].Trim() != toType)
        {
            Shell.Say($"Nothing is done: type {toType} in the first field to confirm.", Tone.Warning);
            form.Focus(confirmField);
            return;
        }

        ActionCall call = Call();
        isRunning = true;
        form.Enabled = false;
        Shell.LastCase = call.CaseId;
        Shell.Work(
            action.Name,
            async ct =>
            {
                Cases.CaseId.Check(call.CaseId);
                using StringWriter words = new();
                Surroundings spoken = Shell.Facts.Surroundings with { Out = words, Error = words };
                ActionOutcome outcome = await Deed.DoAsync(spoken, DoCommand.PartsOf(Shell.Facts.Surroundings, Shell.Facts.Home, Shell.Facts.Endpoint), action, call, ct);
                DoCommand.Write(spoken, outcome);
                return (outcome, Words: words.ToString());
            },
            done =>
            {
                (isRunning, isDone) = (false, true);
                bool good = done.outcome.Done && done.outcome.Verified != false;
                below.Lines =
                [
                    .. done.Words.TrimEnd().Split('\n').Select((line, i) => new TextLine(line, i == 0 ? good ? Tone.Good : Tone.Bad : line.StartsWith("NOT", StringComparison.Ordinal) ? Tone.Bad : Tone.Plain)),
                    .. done.outcome.ChangeId is null ? Array.Empty<TextLine>() : [new TextLine("I shows what is in force on this host, and undoes it.", Tone.Key)],
                ];
                below.SetFocus();
                Shell.Say(good ? $"{action.Name}: done." : $"{action.Name}: not as asked, see above.", good ? Tone.Good : Tone.Bad);
            },
            _ =>
            {
                isRunning = false;
                form.Enabled = true;
                form.Focus(confirmField);
            });
    }
}
