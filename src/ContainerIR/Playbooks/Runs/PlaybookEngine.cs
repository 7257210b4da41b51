using System.Globalization;
using System.Text.RegularExpressions;
using ContainerIR.Actions;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Playbooks.Conditions;
using ContainerIR.Rows;

namespace ContainerIR.Playbooks.Runs;

/// <summary>What the engine works with. It knows nothing of what is in the list of actions.</summary>
/// <param name="Actions">What steps may do.</param>
/// <param name="Timeline">The case's timeline.</param>
/// <param name="People">Whoever answers and approves.</param>
/// <param name="Roster">Who may approve.</param>
/// <param name="Find">A playbook by its CACAO id, for steps that call one.</param>
/// <param name="Clock">Time.</param>
internal sealed record EngineParts(
    IReadOnlyList<IAction> Actions, IPlaybookTimeline Timeline, IPlaybookPeople People, ApproverRoster Roster, Func<string, Playbook?> Find, TimeProvider Clock)
{
    /// <summary>Undoes a change by its id, at the end of an exercise; null when nothing can.</summary>
    public Func<string, CancellationToken, Task<ActionOutcome>>? Undo { get; init; }

    /// <summary>Runs a foreign command where the operator allowed it for its playbook; null where none ever runs.</summary>
    public Func<string, CancellationToken, Task<ForeignResult>>? RunForeign { get; init; }
}

/// <summary>
/// Runs compiled playbooks. A step's end is on disk before the next step begins; a run that was cut goes on where it was and repeats nothing that was done.
/// No variable ever reaches a shell: actions get their parameters as a dictionary. Foreign commands are shown to a person; one without
/// variables is run where the operator allowed it for that very playbook.
/// </summary>
internal sealed partial class PlaybookEngine(EngineParts parts) : IDisposable
{
    private const int MaxCallDepth = 5;

    // One person, one question.
    private readonly SemaphoreSlim people = new(1, 1);

    public void Dispose() => people.Dispose();

    /// <summary>Starts a run.</summary>
    /// <param name="playbook">What to run.</param>
    /// <param name="request">For what.</param>
    /// <param name="file">The run's file, new or opened again: then the run goes on.</param>
    /// <param name="ct">Stops the run; it can be gone on with.</param>
    /// <exception cref="OperatorException">An input is missing or not what it should be, or the records cannot be written.</exception>
    public async Task<FinishedRun> RunAsync(Playbook playbook, RunRequest request, RunFile file, CancellationToken ct)
    {
        Dictionary<string, string> values = Inputs(playbook, request);
        RunRecord record = file.Lines.Count == 0
            ? RunRecord.Begin(file, parts.Timeline, request, playbook, parts.People.Tell)
            : RunRecord.Continue(file, parts.Timeline, request, playbook, parts.People.Tell);
        if (request.AllowedCommands.Count > 0)
        {
            record.Note("", "note", $"the operator allows the foreign commands of {string.Join(", ", request.AllowedCommands)} to be run");
        }

        Run run = new(record, request) { Loaded = sha256 => file.Load(sha256, parts.Actions) };
        Frame frame = new(playbook, "", "", values, 0);
        try
        {
            StepResult result = await RunWayAsync(run, frame, playbook.Start, ct);
            if (!result.Ok && playbook.Exception is { } handler)
            {
                record.Note("", "failed", result.Why!);
                StepResult handled = await RunWayAsync(run, frame, handler, ct);
                if (!handled.Ok)
                {
                    record.Note("", "failed", "the playbook's own handler of failures failed: " + handled.Why);
                }
            }

            if (request.IsExercise)
            {
                await UndoAsync(record, ct);
            }

            RunOutcome outcome = result.Ok ? RunOutcome.Completed : RunOutcome.Failed;
            record.Close(outcome, result.Why);
            return new FinishedRun(record.RunId, outcome, result.Why, record.Changes, AllValues(record, frame));
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            record.Note("", "note", $"interrupted; goes on with: cir playbook resume {record.RunId} --case {request.CaseId}");
            throw;
        }
    }

    /// <summary>What is wrong with the inputs of a run, before anything is written; the values the run begins with.</summary>
    /// <exception cref="OperatorException">Something is.</exception>
    public static Dictionary<string, string> Inputs(Playbook playbook, RunRequest request)
    {
        Dictionary<string, string> given = request.Inputs.ToDictionary();
        given["case_id"] = request.CaseId;
        if (request.Container.Length > 0)
        {
            given["container"] = request.Container;
        }

        Dictionary<string, string> values = [];
        foreach (Variable variable in playbook.Variables.Values)
        {
            if (variable.IsExternal && given.TryGetValue(variable.Name, out string? value))
            {
                if (TypeFault(variable, value) is { } fault)
                {
                    throw new OperatorException($"The variable '{variable.Name}' {fault}.", "Give it rightly: --var name=value, or the container's id or name.");
                }

                values[variable.Name] = value;
            }
            else if (variable.Value is { } standard)
            {
                values[variable.Name] = standard;
            }
            else if (variable.IsExternal)
            {
                throw new OperatorException(
                    $"The playbook {DisplayText.Escape(playbook.Slug)} needs '{variable.Name}'{(variable.Description is { } meaning ? $": {DisplayText.Shorten(meaning, 200)}" : "")}.",
                    variable.Name == "container" ? "Name the container: cir playbook run PLAYBOOK CONTAINER --case ID" : $"Give it: --var {variable.Name}=VALUE");
            }
        }

        if (request.Inputs.Keys.FirstOrDefault(name => playbook.Variables.GetValueOrDefault(name) is not { IsExternal: true }) is { } unknown)
        {
            throw new OperatorException($"The playbook takes no '{DisplayText.Shorten(unknown, 60)}'.", "It takes: " + string.Join(", ", playbook.Variables.Values.Where(variable => variable.IsExternal).Select(variable => variable.Name)));
        }

        return values;
    }

    /// <summary>Why a value is not of a variable's type; null when it is.</summary>
    public static string? TypeFault(Variable variable, string value) => variable switch
    {
        _ when value.Length > 4000 || value.Any(char.IsControl) => "must be one line of at most 4000 characters",
        { Name: "container" } when !ContainerForm().IsMatch(value) => "must be a container's id or name",
        { Choices.Count: > 0 } when !variable.Choices.Contains(value) => "must be one of " + string.Join(", ", variable.Choices),
        { Type: "integer" or "long" } when !long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) => "must be a whole number",
        { Type: "float" } when !double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _) => "must be a number",
        { Type: "bool" } when value is not ("true" or "false") => "must be true or false",
        _ => null,
    };

    private async Task<StepResult> RunWayAsync(Run run, Frame frame, string first, CancellationToken ct)
    {
        string at = first;
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            PlaybookStep step = frame.Playbook.Steps[at];
            if (step is EndStep)
            {
                return StepResult.Done;
            }

            StepResult result = step is StartStep ? StepResult.Done : await RunTimedAsync(run, frame, step, ct);
            if ((result.Ok ? step.Next : step.OnCompletion ?? step.OnFailure) is not { } next)
            {
                return result.Ok ? StepResult.Done : result;
            }

            at = next;
        }
    }

    private async Task<StepResult> RunTimedAsync(Run run, Frame frame, PlaybookStep step, CancellationToken ct)
    {
        string instance = frame.Scope + step.SourceId;
        if (run.Record.ResultOf(instance) is { } before)
        {
            return before;
        }

        if (step.Delay is { } delay && delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, parts.Clock, ct);
        }

        if (step.Timeout is not { } timeout || timeout <= TimeSpan.Zero)
        {
            return await RunStepAsync(run, frame, step, instance, ct);
        }

        using CancellationTokenSource limit = new(timeout, parts.Clock);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return await RunStepAsync(run, frame, step, instance, both.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            string why = $"ACTION_TIMEOUT: {instance} took longer than {Spans.Format(timeout)}";
            return run.Record.EndStep(instance, StepResult.Failed(why), new RowFacts(instance, "failed", why) { Tags = step.Tags, Actor = "cir", ActorAuth = "engine" });
        }
    }

    private Task<StepResult> RunStepAsync(Run run, Frame frame, PlaybookStep step, string instance, CancellationToken ct) => step switch
    {
        BuiltInStep action => RunActionAsync(run, frame, action, instance, ct),
        ManualStep manual => AskAsync(run, frame, manual, instance, manual.Text, manual.Agent, ct),
        ForeignStep foreign => RunForeignAsync(run, frame, foreign, instance, ct),
        ApprovalStep approval => ApproveAsync(run, frame, approval, instance, ct),
        IfStep branch => IfAsync(run, frame, branch, instance, ct),
        SwitchStep many => SwitchAsync(run, frame, many, instance, ct),
        WhileStep loop => WhileAsync(run, frame, loop, instance, ct),
        ParallelStep parallel => ParallelAsync(run, frame, parallel, instance, ct),
        CallStep call => CallAsync(run, frame, call, instance, ct),
        _ => Task.FromResult(StepResult.Done),
    };

    private async Task<StepResult> RunActionAsync(Run run, Frame frame, BuiltInStep step, string instance, CancellationToken ct)
    {
        IAction action = parts.Actions.First(each => each.Name == step.Action);
        List<string> faults = [];
        IReadOnlyDictionary<string, string> with = ParameterValue.Complete(action, Filled(run, frame, step.With), faults);
        if (faults.Count > 0)
        {
            return Fail(run, step, instance, string.Join("; ", faults), []);
        }

        IReadOnlyList<string> command = ActionCall.Command(action, ContainerOf(run, frame), with);
        if (run.Record.WasInterrupted(instance) && action.Effect != ActionEffect.Reads)
        {
            InterruptedChoice choice = await AloneAsync(() => parts.People.InterruptedAsync(instance, step.Name, ct), ct);
            if (choice != InterruptedChoice.RunAgain)
            {
                bool ok = choice == InterruptedChoice.CountAsDone;
                string said = ok ? "was interrupted; counted as done by the operator" : "was interrupted; counted as failed by the operator";
                return run.Record.EndStep(instance, ok ? StepResult.Done : StepResult.Failed(said), new RowFacts(instance, ok ? "note" : "failed", said) { Command = command, Tags = step.Tags });
            }
        }

        run.Record.BeginStep(instance, new RowFacts(instance, "started", step.Name) { Command = command, Tags = step.Tags });
        if (action.Effect == ActionEffect.Destroys && run.Request.Override is { } reason)
        {
            run.Record.Note(new RowFacts(instance, "break_glass", reason) { Command = command, Tags = step.Tags });
        }

        ActionOutcome outcome;
        try
        {
            outcome = await action.RunAsync(new ActionCall(ContainerOf(run, frame), with, run.Request.CaseId, run.Request.Operator.Name, run.Request.Override), ct);
        }
        catch (OperatorException problem)
        {
            return Fail(run, step, instance, $"{problem.Message} What to do: {problem.Remedy}", command);
        }

        foreach (IReadOnlyList<string> done in outcome.Commands.Take(100))
        {
            run.Record.Note(new RowFacts(instance, "note", $"run by {action.Name}") { Command = done, Tags = step.Tags, Actor = "cir", ActorAuth = "engine" });
        }

        string[] refs = [.. outcome.EvidenceRefs, .. outcome.ChangeId is { } id ? ["change:" + id] : Array.Empty<string>()];
        if (!outcome.Done || outcome.Verified == false)
        {
            string why = outcome.Done ? $"done, but not proven in force: {outcome.Summary}" : outcome.Summary;
            return run.Record.EndStep(
                instance, StepResult.Failed(why), new RowFacts(instance, "failed", why) { Command = command, Refs = refs, Tags = step.Tags, Actor = "cir", ActorAuth = "engine" }, change: Undoable(step, outcome));
        }

        Dictionary<string, string> outputs = [];
        foreach (string name in step.Out)
        {
            if (outcome.Outputs.TryGetValue(name, out string? value) && frame.Playbook.Variables.TryGetValue(name, out Variable? variable))
            {
                if (TypeFault(variable, value) is { } fault)
                {
                    return Fail(run, step, instance, $"the action gave a '{name}' that {fault}", command);
                }

                outputs[name] = value;
            }
        }

        if (outcome.Verified == true)
        {
            run.Record.Note(new RowFacts(instance, "verified", "proven in force by probing") { Refs = refs, Tags = step.Tags, Actor = "cir", ActorAuth = "engine" });
        }

        return run.Record.EndStep(
            instance,
            StepResult.Done,
            new RowFacts(instance, "executed", outcome.Summary) { Command = command, Refs = refs, Tags = step.Tags, Actor = "cir", ActorAuth = "engine" },
            frame.Id,
            outputs,
            action.Name == "triage" ? FindingsOf(outcome) : null,
            Undoable(step, outcome));
    }

    private async Task<StepResult> AskAsync(Run run, Frame frame, PlaybookStep step, string instance, string text, string? owner, CancellationToken ct)
    {
        string filled = VariableUses.Fill(text, name => ValueOf(run, frame, name));
        Question[] questions = [.. step.Out.Select(name => frame.Playbook.Variables[name]).Select(variable => new Question(variable.Name, variable.Type, variable.Description, ValueOf(run, frame, variable.Name), variable.Choices))];
        run.Record.BeginStep(instance, new RowFacts(instance, "asked", filled) { Tags = step.Tags, Actor = "cir", ActorAuth = "engine" });
        ManualAnswer answer;
        while (true)
        {
            answer = await AloneAsync(() => parts.People.AskAsync(new ManualTask(instance, step.Name, filled, step.Owner ?? owner, questions), ct), ct);
            string? fault = answer.Done ? step.Out.Select(name => AnswerFault(frame, name, answer)).FirstOrDefault(each => each is not null) : null;
            if (fault is null)
            {
                break;
            }

            parts.People.Say(fault);
            ct.ThrowIfCancellationRequested();
        }

        string said = string.Join("; ", answer.Answers.Where(pair => step.Out.Contains(pair.Key)).Select(pair => $"{pair.Key} = {pair.Value}").Concat(answer.Note is { Length: > 0 } note ? [note] : Array.Empty<string>()));
        return answer.Done
            ? run.Record.EndStep(instance, StepResult.Done, new RowFacts(instance, "executed", said.Length > 0 ? said : "done by a person") { Tags = step.Tags }, frame.Id, answer.Answers.Where(pair => step.Out.Contains(pair.Key)).ToDictionary())
            : run.Record.EndStep(instance, StepResult.Failed(said.Length > 0 ? said : "not done"), new RowFacts(instance, "failed", said.Length > 0 ? said : "not done by a person") { Tags = step.Tags });
    }

    private async Task<StepResult> IfAsync(Run run, Frame frame, IfStep step, string instance, CancellationToken ct)
    {
        bool holds = await HoldsAsync(run, frame, step, step.Condition, instance, ct);
        StepResult result = holds ? await RunWayAsync(run, frame, step.OnTrue, ct)
            : step.OnFalse is { } otherwise ? await RunWayAsync(run, frame, otherwise, ct) : StepResult.Done;
        return Close(run, step, instance, result, holds ? $"condition holds: {step.Condition}" : $"condition does not hold: {step.Condition}");
    }

    private async Task<StepResult> SwitchAsync(Run run, Frame frame, SwitchStep step, string instance, CancellationToken ct)
    {
        string value = run.Record.Choose(instance, () => VariableUses.Fill(step.Switch, name => ValueOf(run, frame, name)));
        string? branch = step.Cases.TryGetValue(value, out string? found) ? found : step.Cases.GetValueOrDefault("default");
        StepResult result = branch is null ? StepResult.Done : await RunWayAsync(run, frame, branch, ct);
        return Close(run, step, instance, result, $"{step.Switch} is {value}");
    }

    private async Task<StepResult> WhileAsync(Run run, Frame frame, WhileStep step, string instance, CancellationToken ct)
    {
        for (int pass = 1; ; pass++)
        {
            string name = instance + "#" + pass.ToString(CultureInfo.InvariantCulture);
            if (!await HoldsAsync(run, frame, step, step.Condition, name, ct))
            {
                return Close(run, step, instance, StepResult.Done, $"ended after {pass - 1} passes");
            }

            if (pass > step.Max)
            {
                return Close(run, step, instance, StepResult.Done, $"its bound of {step.Max} passes ended it; the condition still holds");
            }

            StepResult result = await RunWayAsync(run, frame with { Scope = name + "/" }, step.OnTrue, ct);
            if (!result.Ok)
            {
                return Close(run, step, instance, result, "");
            }
        }
    }

    private async Task<StepResult> ParallelAsync(Run run, Frame frame, ParallelStep step, string instance, CancellationToken ct)
    {
        StepResult[] results = await Task.WhenAll(step.Branches.Select(branch => RunWayAsync(run, frame, branch.First, ct)));
        string[] failed = [.. results.Zip(step.Branches).Where(pair => !pair.First.Ok).Select(pair => $"{pair.Second.Name}: {pair.First.Why}")];
        return Close(run, step, instance, failed.Length == 0 ? StepResult.Done : StepResult.Failed(string.Join("; ", failed)), $"{results.Length} branches ended");
    }

    private async Task<StepResult> CallAsync(Run run, Frame frame, CallStep step, string instance, CancellationToken ct)
    {
        Playbook? called = run.Record.CalledBefore(instance) is { } sha256 ? run.Loaded(sha256) ?? parts.Find(step.PlaybookId) : parts.Find(step.PlaybookId);
        if (called is null)
        {
            return Fail(run, step, instance, $"there is no playbook {step.Slug ?? step.PlaybookId} here", []);
        }

        if (frame.Depth == MaxCallDepth)
        {
            return Fail(run, step, instance, $"playbooks call each other deeper than {MaxCallDepth}", []);
        }

        if (run.Record.CalledBefore(instance) is { } before && before != called.Sha256)
        {
            return Fail(run, step, instance, $"{called.Slug} is not the version that was begun ({before[..12]})", []);
        }

        Dictionary<string, string> with = Filled(run, frame, step.With);
        Dictionary<string, string> values;
        try
        {
            values = Inputs(called, run.Request with { Container = with.Remove("container", out string? container) ? container : ContainerOf(run, frame), Inputs = with });
        }
        catch (OperatorException problem)
        {
            return Fail(run, step, instance, problem.Message, []);
        }

        run.Record.Called(instance, called);
        Frame inner = new(called, instance + "/", instance + "/", values, frame.Depth + 1);
        StepResult result = await RunWayAsync(run, inner, called.Start, ct);
        if (!result.Ok && called.Exception is { } handler)
        {
            await RunWayAsync(run, inner, handler, ct);
        }

        Dictionary<string, string> outputs = [];
        foreach (string name in step.Out)
        {
            if (ValueOf(run, inner, name) is { } value)
            {
                outputs[name] = value;
            }
        }

        return run.Record.EndStep(
            instance, result, new RowFacts(instance, result.Ok ? "executed" : "failed", result.Why ?? $"{called.Name} ran to its end") { Tags = step.Tags, Actor = "cir", ActorAuth = "engine" }, frame.Id, outputs);
    }

    private async Task<bool> HoldsAsync(Run run, Frame frame, PlaybookStep step, string text, string instance, CancellationToken ct)
    {
        if (run.Record.ChoiceOf(instance) is { } before)
        {
            return before == "true";
        }

        ConditionScope scope = new(name => ValueOf(run, frame, name), run.Record.Findings);
        bool holds;
        if (ConditionParser.TryParse(text, out _) is { } condition)
        {
            try
            {
                holds = condition.Holds(scope);
            }
            catch (RegexMatchTimeoutException)
            {
                holds = false;
            }
        }
        else
        {
            // Foreign words: a person judges them.
            Question question = new("holds", "bool", "true or false", null, ["true", "false"]);
            ManualAnswer answer = await AloneAsync(() => parts.People.AskAsync(new ManualTask(instance, step.Name, $"Does this hold? {text}", null, [question]), ct), ct);
            holds = answer.Done && answer.Answers.GetValueOrDefault("holds") == "true";
        }

        return run.Record.Choose(instance, () => holds ? "true" : "false") == "true";
    }

    private async Task UndoAsync(RunRecord record, CancellationToken ct)
    {
        foreach (string change in record.Changes.Reverse())
        {
            if (parts.Undo is null)
            {
                record.Note("", "note", $"the exercise left {change} in force: cir undo {change}");
                continue;
            }

            try
            {
                ActionOutcome outcome = await parts.Undo(change, ct);
                RowFacts row = new("", outcome.Done ? "rolled_back" : "failed", outcome.Summary) { Refs = ["change:" + change], Actor = "cir", ActorAuth = "engine" };
                if (outcome.Done)
                {
                    record.Undone(change, row);
                }
                else
                {
                    record.Note(row);
                }
            }
            catch (OperatorException problem)
            {
                record.Note("", "failed", $"{change} is still in force: {problem.Message}");
            }
        }
    }

    private static StepResult Fail(Run run, PlaybookStep step, string instance, string why, IReadOnlyList<string> command) =>
        run.Record.EndStep(instance, StepResult.Failed($"{instance}: {why}"), new RowFacts(instance, "failed", why) { Command = command, Tags = step.Tags, Actor = "cir", ActorAuth = "engine" });

    // The end of a step that only leads to others: on record for resuming, and in the timeline as a note.
    private static StepResult Close(Run run, PlaybookStep step, string instance, StepResult result, string words) =>
        run.Record.EndStep(instance, result, new RowFacts(instance, result.Ok ? "note" : "failed", result.Why ?? words) { Tags = step.Tags, Actor = "cir", ActorAuth = "engine" });

    private async Task<T> AloneAsync<T>(Func<Task<T>> ask, CancellationToken ct)
    {
        await people.WaitAsync(ct);
        try
        {
            return await ask();
        }
        finally
        {
            people.Release();
        }
    }

    private static string? AnswerFault(Frame frame, string name, ManualAnswer answer) =>
        answer.Answers.TryGetValue(name, out string? value)
            ? TypeFault(frame.Playbook.Variables[name], value) is { } fault ? $"{name} {fault}" : null
            : $"{name} is not answered";

    private static string? Undoable(BuiltInStep step, ActionOutcome outcome) => step.Rollback == "automatic" ? outcome.ChangeId : null;

    private static Dictionary<string, IReadOnlyList<string>> FindingsOf(ActionOutcome outcome)
    {
        return new() { ["rule"] = Split("rules"), ["severity"] = Split("severities"), ["score"] = Split("score") };

        IReadOnlyList<string> Split(string name) => outcome.Outputs.TryGetValue(name, out string? list) ? list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [];
    }

    private static string ForeignText(ForeignStep step) =>
        "This step comes from elsewhere. cir does not run it: read it, judge it, and do it by hand if it is right.\n" + string.Join('\n', step.Commands.Select(command => $"[{command.Type}] {command.Text}"));

    private static Dictionary<string, string> Filled(Run run, Frame frame, IReadOnlyDictionary<string, string> with) =>
        with.ToDictionary(pair => pair.Key, pair => VariableUses.Fill(pair.Value, name => ValueOf(run, frame, name)));

    private static string ContainerOf(Run run, Frame frame) => ValueOf(run, frame, "container") ?? run.Request.Container;

    private static string? ValueOf(Run run, Frame frame, string name) => run.Record.ValueOf(frame.Id, name) ?? frame.Initial.GetValueOrDefault(name);

    private static Dictionary<string, string> AllValues(RunRecord record, Frame frame)
    {
        Dictionary<string, string> values = frame.Initial.ToDictionary();
        foreach ((string name, string value) in record.ValuesOf(frame.Id))
        {
            values[name] = value;
        }

        return values;
    }

    // Names of containers: daemon/names/names.go of moby.
    [GeneratedRegex("^/?[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}\\z", RegexOptions.NonBacktracking)]
    private static partial Regex ContainerForm();

    private sealed record Frame(Playbook Playbook, string Id, string Scope, IReadOnlyDictionary<string, string> Initial, int Depth);

    private sealed record Run(RunRecord Record, RunRequest Request)
    {
        public Func<string, Playbook?> Loaded { get; init; } = _ => null;
    }
}
