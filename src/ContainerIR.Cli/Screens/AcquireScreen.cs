using ContainerIR.Acquisitions;
using ContainerIR.Cli.Commands;
using ContainerIR.Cli.Output;
using ContainerIR.Collectors;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;
using Terminal.Gui.Input;

namespace ContainerIR.Cli.Screens;

/// <summary>One acquisition: what is wanted, then how far it is, then what came of it. The same request as <c>cir acquire</c>.</summary>
internal sealed class AcquireScreen : Screen
{
    private const string ProfileField = "Profile";
    private const string ReasonField = "Reason";

    private readonly ContainerRef container;
    private readonly FormView form;
    private readonly LinesView below;
    private readonly List<TextLine> lines = [];
    private readonly Lock gate = new();
    private readonly CaseFields common;
    private AcquisitionProgress? latest;
    private long started;
    private CancellationTokenSource? running;
    private string? bundle;

    public AcquireScreen(Shell shell, ContainerRef container)
        : base(shell)
    {
        this.container = container;
        common = new CaseFields(shell.Facts);
        List<FormField> fields =
        [
            new(CaseFields.Case, shell.LastCase ?? CaseFields.Usual(shell.Facts)),
            new(ProfileField, "standard", false, "triage", "standard", "full"),
            new(CaseFields.Examiner, ""),
            new(ReasonField, ""),
            .. common.Key,
        ];
        form = new FormView(Colours, [.. fields]) { Completed = Start };
        below = new LinesView(Colours) { Y = fields.Count + 1, Lines = [.. Explanation()] };
        form.Changed = () => below.Lines = [.. Explanation()];
        Add(form, below);
    }

    public override string Heading => $"Acquire {DisplayText.Escape(container.Name)}  {(running is not null ? "running" : bundle is not null ? "sealed" : "")}";

    public override string Doing => running is null ? "" : $"acquiring {Cells.Fit(container.Name, 20)}";

    public override string WhenStopped => "Its bundle stays and can be recovered.";

    public override string? CaseId => running is not null || bundle is not null ? form[CaseFields.Case] : null;

    public override IReadOnlyList<KeyAction> Keys => (running, bundle) switch
    {
        ({ } run, _) => [KeyAction.Of('x', "cancel", "Stop; what is written can be recovered", () => Shell.Confirm("Stop this acquisition? Its bundle stays and can be recovered.", run.Cancel))],
        (_, { } path) => [KeyAction.Of('v', "verify", "Verify the bundle", () => Shell.Open(new VerifyScreen(Shell, path)))],
        _ => [new(Key.F2, "F2", "start", "Start the acquisition", Start)],
    };

    public override void Shown()
    {
        if (running is null && bundle is null)
        {
            form.Focus(CaseFields.Case);
        }
    }

    public override void Tick()
    {
        if (running is null)
        {
            return;
        }

        lock (gate)
        {
            List<TextLine> shown = [.. lines];
            if (latest is { } now)
            {
                TimeSpan elapsed = Shell.Facts.Surroundings.Clock.GetElapsedTime(started);
                string rate = elapsed.TotalSeconds > 0.5 ? Quantities.Bytes(now.RawBytes / elapsed.TotalSeconds) + "/s" : "";
                string left = now.Left is { } time ? $"{Quantities.Left(time)}  " : "";
                shown.Add(new TextLine($"> {now.Collector ?? now.Stage.ToString().ToLowerInvariant()}  {Quantities.Count(now.Items, "item")}  {Quantities.Bytes(now.RawBytes)}  {rate}  {Quantities.Elapsed(elapsed)}  {left}{now.Item}", Tone.Key));
            }

            below.Lines = shown;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            running?.Cancel();
        }

        base.Dispose(disposing);
    }

    private IEnumerable<TextLine> Explanation()
    {
        string profile = form is null ? "standard" : form[ProfileField];
        yield return new TextLine(profile switch
        {
            "triage" => "triage: volatile state and metadata, no file bytes. Seconds.",
            "full" => "full: plus the memory of all processes (the container is held still for it), 10 s of traffic, volumes, image. Minutes; as large as the memory.",
            _ => "standard: plus logs, the changed files with their bytes, executables of the processes. As large as what the container wrote.",
        });
        yield return new TextLine("Evidence effect: nothing is run inside the container, no file time changes. What is left of a footprint is written into custody.json.", Tone.Dim);
        foreach (TextLine line in common.Explanation)
        {
            yield return line;
        }

        yield return new TextLine("Arrow keys turn the profile. Enter goes on; Enter in the last field, or F2, starts. Esc leaves it running; R comes back.", Tone.Dim);
    }

    private void Start()
    {
        if (running is not null || bundle is not null)
        {
            return;
        }

        ConsoleFacts facts = Shell.Facts;
        Passphrases passphrases;
        AcquisitionRequest request;
        try
        {
            passphrases = common.Read(form);
            request = new AcquisitionRequest
            {
                Container = container.Id,
                CaseId = Cases.CaseId.Check(form[CaseFields.Case]),
                Profile = Enum.Parse<Profile>(form[ProfileField], ignoreCase: true),
                Examiner = CaseFields.NotEmpty(form[CaseFields.Examiner]),
                Reason = CaseFields.NotEmpty(form[ReasonField]),
                Endpoint = facts.Endpoint,
            };
        }
        catch (OperatorException problem)
        {
            Shell.Say($"{problem.Message} {problem.Remedy}", Tone.Bad);
            return;
        }

        Shell.LastCase = request.CaseId;
        running = CancellationTokenSource.CreateLinkedTokenSource(Shell.Closing);
        started = facts.Surroundings.Clock.GetTimestamp();
        form.Enabled = false;
        below.SetFocus();
        below.Follows = true;
        PlainProgress words = new(Line);
        AcquisitionParts parts = new(CaseFields.HomeOf(facts), passphrases.Read, facts.Surroundings.Clock);
        CancellationToken ct = running.Token;
        Shell.Work(
            "Acquiring",
            async _ =>
            {
                using StringWriter notices = new();
                Surroundings quiet = facts.Surroundings with { Error = notices };
                return await AcquireCommand.AcquireAsync(quiet, request, parts, passphrases, new Latest(this, words), ct);
            },
            Ended,
            _ => Stopped());
    }

    private void Ended(AcquisitionResult result)
    {
        End();
        bundle = result.BundlePath;
        lock (gate)
        {
            lines.Add(new TextLine(""));
            lines.Add(new TextLine($"Sealed   {DisplayText.Escape(result.BundlePath)}", Tone.Good));
            lines.Add(new TextLine($"Root     sha256 {result.RootSha256}"));
            lines.Add(new TextLine($"Items    {result.Items.Count}, {Quantities.Bytes(result.Items.Sum(item => item.RawBytes))} read, in {Quantities.Elapsed(result.Duration)}"));
            lines.Add(new TextLine($"Gaps     {(result.Gaps.Count == 0 ? "none" : result.Gaps.Count)}", result.Gaps.Count == 0 ? Tone.Good : Tone.Warning));
            if (result.IndexProblem is { } problem)
            {
                lines.Add(new TextLine($"Index    not filled: {Cells.Safe(problem)}", Tone.Warning));
            }

            lines.Add(new TextLine("Write the root digest down where this host cannot change it."));
            below.Lines = [.. lines];
        }

        Shell.Say(Shell.Front == this ? "Sealed. v verifies it." : $"{DisplayText.Escape(container.Name)} is acquired and sealed: R shows it.", Tone.Good);
    }

    private void Stopped()
    {
        End();
        lock (gate)
        {
            string path = latest?.BundlePath ?? "";
            lines.Add(new TextLine(path.Length == 0 ? "No bundle was begun." : $"The unsealed bundle stays in {DisplayText.Escape(path)}: cir bundle recover seals what is provable of it.", Tone.Warning));
            below.Lines = [.. lines];
        }

        form.Enabled = true;
    }

    private void End()
    {
        running?.Dispose();
        running = null;
    }

    private void Line(string text)
    {
        lock (gate)
        {
            lines.Add(new TextLine(text, text.StartsWith("  gap:", StringComparison.Ordinal) ? Tone.Warning : Tone.Plain));
        }
    }

    private sealed class Latest(AcquireScreen screen, PlainProgress words) : IProgress<AcquisitionProgress>
    {
        public void Report(AcquisitionProgress value)
        {
            words.Report(value);
            lock (screen.gate)
            {
                screen.latest = value;
            }
        }
    }
}
