using ContainerIR.Cli.Commands;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Playbooks;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Rows;
using Terminal.Gui.ViewBase;

namespace ContainerIR.Cli.Screens;

/// <summary>A run of a playbook: its plan with how far it is, its record as it is written, and the questions it has. What <c>cir playbook run</c> does.</summary>
internal sealed class RunScreen : Screen, IPlaybookPeople
{
    private const int MaxLogLines = 5000;
    private const string Done = "Done";
    private const string Why = "Why not";
    private const string KeyFolder = "Key folder";
    private const string KeyPassphrase = "Passphrase";
    private const string Decision = "Decision";
    private const string Reason = "Reason";
    private const string Nobody = "nobody comes";
    private const string BreakGlass = "break glass";

    private readonly string about;
    private readonly RowsView plan;
    private readonly LinesView log;
    private readonly Lock gate = new();
    private readonly List<TextLine> lines = [];
    private readonly List<(string Tree, PlanLine Line)> rows = [];
    private readonly Dictionary<string, (string Word, Tone Tone)> states = [];
    private CancellationTokenSource? running;
    private Playbook? playbook;
    private RunRequest? request;
    private string runId = "";
    private string ended = "";
    private string current = "";
    private Pending? pending;
    private bool isNews;

    /// <param name="shell">The console.</param>
    /// <param name="passphrases">Opens the responder's key.</param>
    /// <param name="about">What it is run on, for the first line.</param>
    public RunScreen(Shell shell, Passphrases passphrases, string about)
        : base(shell)
    {
        this.about = about;
        Session = new PlaybookSession(shell.Facts.Surroundings with { Error = new LineWriter(line => Log(line, Tone.Plain)) }, CaseFields.HomeOf(shell.Facts), passphrases, shell.Facts.Endpoint, new PlainProgress(line => Log(line, Tone.Dim)));
        plan = new RowsView(Colours, new("STATE"), new("STEP", MinCells: 30), new("COSTS IN EVIDENCE", MinCells: 12)) { Height = Dim.Percent(50), Chosen = OpenStep };
        log = new LinesView(Colours) { Y = Pos.Bottom(plan), Height = Dim.Fill(), Follows = true };
        Add(plan, log);
    }

    /// <summary>What the run is made with.</summary>
    public PlaybookSession Session { get; }

    public override string Heading => $"{DisplayText.Escape(playbook?.Slug ?? "")} on {about}  {(pending is not null ? "waits for you" : running is not null ? current : ended)}";

    public override string Doing => running is null ? "" : pending is null ? $"{playbook?.Slug} runs" : $"{playbook?.Slug} waits for you";

    public override string WhenStopped => "It can be gone on with: K, its case, runs.";

    public override string? CaseId => request?.CaseId;

    public override IReadOnlyList<KeyAction> Keys =>
    [
        .. pending is null ? [KeyAction.Enter("step", "This step whole", OpenStep)] : new[] { KeyAction.Enter("answer", "Answer the question it waits for", OpenQuestion) },
        .. running is null ? Array.Empty<KeyAction>() : [KeyAction.Of('x', "stop", "Stop it; it can be gone on with", () => Shell.Confirm("Stop this run? It can be gone on with.", () => running?.Cancel()))],
        KeyAction.Of('l', "log", "What happened, whole", () => Shell.Open(new TextScreen(Shell, $"Log of {runId}", Snapshot()))),
    ];

    /// <summary>Starts it.</summary>
    public void Begin(Playbook chosen, RunRequest asked) => Run(chosen, asked, () => Session.Begin(asked.CaseId, null));

    /// <summary>Goes on with a run that was cut.</summary>
    /// <exception cref="OperatorException">It cannot.</exception>
    public void GoOn(string caseId, string run)
    {
        RunFile file = RunFile.Open(PlaybookSession.CaseFolder(Session.Home, caseId), run);
        try
        {
            (Playbook chosen, RunRequest asked) = Session.GoOn(file, caseId, null, []);
            Run(chosen, asked, () => file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public override void Shown() => Refresh();

    public override void Tick()
    {
        if (isNews)
        {
            Refresh();
        }
    }

    Task<ManualAnswer> IPlaybookPeople.AskAsync(ManualTask task, CancellationToken ct) => PutAsync<ManualAnswer>(
        answer => new Pending(
            $"To do: {DisplayText.Escape(task.Title)}",
            [
                new TextLine($"{DisplayText.Escape(task.Title)}{(task.Owner is { } owner ? $"  [{DisplayText.Escape(owner)}]" : "")}", Tone.Title),
                .. task.Text.Split('\n').Select(line => new TextLine(DisplayText.Escape(line))),
                .. task.Questions.Where(question => question.Description is not null).Select(question => new TextLine($"{question.Name}: {DisplayText.Escape(question.Description!)}", Tone.Dim)),
                new TextLine("Arrow keys choose, Enter goes on; Enter in the last field, or F2, answers. Esc leaves it waiting.", Tone.Dim),
            ],
            [
                .. task.Questions.Select(question => new FormField(
                    question.Name, question.Current is { Length: > 0 } now ? now : question.Choices is [var first, ..] ? first : question.Type == "bool" ? "false" : "", false,
                    question.Choices.Count > 0 ? [.. question.Choices] : question.Type == "bool" ? ["false", "true"] : [])),
                new FormField(Done, "yes", false, "yes", "no"),
                new FormField(Why, ""),
            ],
            form =>
            {
                bool isDone = form[Done] == "yes";
                if (!isDone && form[Why].Trim().Length == 0)
                {
                    return "Say why it is not done.";
                }

                answer.TrySetResult(new ManualAnswer(isDone, task.Questions.ToDictionary(question => question.Name, question => form[question.Name].Trim()), CaseFields.NotEmpty(form[Why])));
                return null;
            }),
        ct);

    Task<Vote?> IPlaybookPeople.VoteAsync(ApprovalQuestion question, CancellationToken ct) => PutAsync<Vote?>(
        answer => new Pending(
            $"Approval: {DisplayText.Escape(question.Title)}",
            [
                new TextLine($"Approval: {DisplayText.Escape(question.Title)}", Tone.Title),
                new TextLine($"does      {string.Join(' ', question.Command.Select(DisplayText.Escape))}"),
                new TextLine($"costs     {DisplayText.Escape(question.EvidenceCost)}", Tone.Warning),
                new TextLine($"needs     {question.Terms.Quorum} of {string.Join(", ", question.Terms.Roles)}{(question.Terms.ExcludeOperator ? ", not the operator" : "")}; approved by {(question.Approved.Count == 0 ? "nobody yet" : string.Join(", ", question.Approved))}"),
                new TextLine($"until     {Quantities.Instant(question.ExpiresAt)}"),
                new TextLine(""),
                new TextLine("The approver names the folder of the own key, types its passphrase and decides.", Tone.Dim),
                .. question.Terms.BreakGlass ? [new TextLine($"'{BreakGlass}' goes on alone: the reason stands first in the report.", Tone.Dim)] : Array.Empty<TextLine>(),
            ],
            [
                new FormField(KeyFolder, ""),
                new FormField(KeyPassphrase, "", IsSecret: true),
                new FormField(Decision, "approve", false, [.. ((string[])["approve", "refuse", Nobody]).Concat(question.Terms.BreakGlass ? [BreakGlass] : [])]),
                new FormField(Reason, ""),
            ],
            form =>
            {
                (Vote? vote, string? fault) = Decided(form, question);
                if (fault is null)
                {
                    answer.TrySetResult(vote);
                }

                return fault;
            }),
        ct);

    Task<InterruptedChoice> IPlaybookPeople.InterruptedAsync(string step, string title, CancellationToken ct) => PutAsync<InterruptedChoice>(
        answer => new Pending(
            $"Interrupted: {DisplayText.Escape(title)}",
            [
                new TextLine($"The step {DisplayText.Escape(step)} ({DisplayText.Escape(title)}) was running when the program ended: it may be done, half done or not begun.", Tone.Warning),
                new TextLine("Look first: I shows what is in force on this host (Esc, then I; R comes back)."),
            ],
            [new FormField(Decision, "run it again", false, "run it again", "it is done", "it failed")],
            form =>
            {
                answer.TrySetResult(form[Decision] switch { "it is done" => InterruptedChoice.CountAsDone, "it failed" => InterruptedChoice.CountAsFailed, _ => InterruptedChoice.RunAgain });
                return null;
            }),
        ct);

    void IPlaybookPeople.Tell(PlaybookEvent row)
    {
        lock (gate)
        {
            string step = StepOf(row.Step);
            (string Word, Tone Tone)? state = row.Event switch
            {
                "started" => ("runs", Tone.Key),
                "asked" => ("asks", Tone.Warning),
                "approved" => ("approved", Tone.Key),
                "refused" => ("refused", Tone.Warning),
                "executed" or "verified" => ("done", Tone.Good),
                "failed" => ("FAILED", Tone.Bad),
                "rolled_back" => ("undone", Tone.Dim),
                "break_glass" => ("OVERRIDE", Tone.Bad),
                _ => null,
            };
            if (step.Length > 0 && state is { } known)
            {
                states[step] = known;
                current = step;
            }
        }

        if (row.Event is not ("note" or "asked"))
        {
            Log(
                $"{row.Event,-11} {DisplayText.Shorten(row.Step.Length > 0 ? row.Step : row.Playbook, 60)}  {DisplayText.Shorten(row.Result, 300)}",
                row.Event switch { "failed" or "break_glass" => Tone.Bad, "refused" => Tone.Warning, "executed" or "verified" => Tone.Good, _ => Tone.Plain });
        }
    }

    void IPlaybookPeople.Say(string words) => Log(DisplayText.Escape(words), Tone.Warning);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            running?.Cancel();
        }

        base.Dispose(disposing);
    }

    private static (Vote? Vote, string? Fault) Decided(FormView form, ApprovalQuestion question)
    {
        string reason = form[Reason].Trim();
        if (form[Decision] == Nobody)
        {
            return (null, null);
        }

        if (form[Decision] == BreakGlass)
        {
            return (new BreakGlassVote(reason), reason.Length == 0 ? "Breaking the glass needs a reason." : null);
        }

        try
        {
            bool approves = form[Decision] == "approve";
            ResponderIdentity identity = IdentityFolder.Load(form[KeyFolder].Trim(), form[KeyPassphrase]);
            using IDisposable? key = identity.Signer as IDisposable;
            return (new SignedVote(identity.Signer.Certificates[0], identity.Signer.Sign(SignedVote.ToSign(question.Challenge, approves)), approves, reason.Length > 0 ? reason : null), null);
        }
        catch (OperatorException problem)
        {
            return (null, $"{problem.Message} {problem.Remedy}");
        }
    }

    private void Run(Playbook chosen, RunRequest asked, Func<RunFile> open)
    {
        (playbook, request) = (chosen, asked);
        Flatten(PlaybookPlan.Of(chosen, Session.Actions), "");
        foreach (string missing in Session.MissingApprovers(chosen))
        {
            Log("Note: " + missing, Tone.Warning);
        }

        running = CancellationTokenSource.CreateLinkedTokenSource(Shell.Closing);
        CancellationToken ct = running.Token;
        Shell.Work(
            $"{chosen.Slug}",
            async _ =>
            {
                using RunFile file = open();
                runId = file.RunId;
                Log($"Run {file.RunId} of case {asked.CaseId}", Tone.Dim);
                FinishedRun run = await Session.RunAsync(chosen, asked, file, this, ct);
                return (run, InForce: Session.InForce(run).ToList());
            },
            result =>
            {
                bool good = result.run.Outcome == RunOutcome.Completed;
                Log(good ? "The playbook ran to its end." : $"The playbook ended early: {DisplayText.Shorten(result.run.Why ?? "", 500)}", good ? Tone.Good : Tone.Bad);
                foreach (string change in result.InForce)
                {
                    Log($"In force: {DisplayText.Escape(change)}. I shows it, and undoes it.", Tone.Warning);
                }

                End(good ? "ran to its end" : "ended early");
                Shell.Say(Shell.Front == this ? $"{chosen.Slug}: {ended}." : $"{chosen.Slug}: {ended}. R shows it.", good ? Tone.Good : Tone.Bad);
            },
            _ =>
            {
                Log($"Stopped. Go on: K, case {asked.CaseId}, runs; or cir playbook resume {runId} --case {asked.CaseId}", Tone.Warning);
                End("stopped");
            });
    }

    private void End(string how)
    {
        running?.Dispose();
        (running, pending, ended) = (null, null, how);
        Refresh();
    }

    // Puts something to the person. It is shown where the run is in front; else the first line says that it waits.
    private async Task<T> PutAsync<T>(Func<TaskCompletionSource<T>, Pending> make, CancellationToken ct)
    {
        TaskCompletionSource<T> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration stopped = ct.Register(() => answer.TrySetCanceled(ct));
        await using CancellationTokenRegistration lost = Shell.TerminalLost.Register(() => answer.TrySetException(new OperatorException("There is nobody to answer: the terminal is gone.", "What was done is kept. Go on: cir playbook resume")));
        pending = make(answer);
        Shell.App?.Invoke(() =>
        {
            Refresh();
            if (Shell.Front == this)
            {
                OpenQuestion();
            }
        });
        try
        {
            return await answer.Task;
        }
        finally
        {
            Pending? over = pending;
            (pending, isNews) = (null, true);

            // Not answered but over: the time ran out, or the run was stopped.
            Shell.App?.Invoke(() =>
            {
                if (Shell.Front is PendingScreen front && front.Asks == over)
                {
                    Shell.Back();
                }
            });
        }
    }

    private void OpenQuestion()
    {
        if (pending is { } question)
        {
            Shell.Open(new PendingScreen(Shell, question, request!.CaseId));
        }
    }

    private void OpenStep()
    {
        if (plan.Selected >= 0 && plan.Selected < rows.Count && rows[plan.Selected].Line is var line)
        {
            using StringWriter text = new();
            PlaybookText.WriteTree(text, [line], "");
            Shell.Open(new TextScreen(Shell, "Step", [.. text.ToString().TrimEnd().Split('\n').Select(each => new TextLine(each))]));
        }
    }

    private void Flatten(IReadOnlyList<PlanLine> tree, string indent)
    {
        for (int i = 0; i < tree.Count; i++)
        {
            bool last = i == tree.Count - 1;
            rows.Add(($"{indent}{(last ? "└─ " : "├─ ")}{DisplayText.Escape(tree[i].Text)}", tree[i]));
            Flatten(tree[i].Below, indent + (last ? "   " : "│  "));
        }
    }

    // A step of a playbook that is called counts as the step that calls it; a pass of a loop as the loop's step.
    private string StepOf(string instance)
    {
        string[] parts = [.. instance.Split('/').Select(part => part.Split('#')[0])];
        return rows.Any(row => row.Line.Step?.SourceId == parts[^1]) ? parts[^1] : parts[0];
    }

    private void Log(string line, Tone tone)
    {
        lock (gate)
        {
            if (lines.Count == MaxLogLines)
            {
                lines.RemoveRange(0, MaxLogLines / 5);
            }

            lines.Add(new TextLine(Cells.Safe(line), tone));
            isNews = true;
        }
    }

    private TextLine[] Snapshot()
    {
        lock (gate)
        {
            return [.. lines];
        }
    }

    private void Refresh()
    {
        lock (gate)
        {
            isNews = false;
            log.Lines = [.. lines];
            (string Word, Tone Tone) StateOf(PlanLine line) => line.Step is { } step && states.TryGetValue(step.SourceId, out (string Word, Tone Tone) state) ? state : ("", Tone.Plain);
            plan.Rows = new RowList([.. rows.Select(row => new RowCells(StateOf(row.Line).Tone, StateOf(row.Line).Word, row.Tree, DisplayText.Escape(row.Line.EvidenceCost ?? "")))]);
            if (running is not null && rows.FindIndex(row => row.Line.Step?.SourceId == current) is >= 0 and int at)
            {
                plan.Selected = at;
            }
        }
    }
}
