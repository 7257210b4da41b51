using ContainerIR.Acquisitions;
using ContainerIR.Cases;
using ContainerIR.Cli.Commands;
using ContainerIR.Cli.Output;
using ContainerIR.Collectors;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;
using Terminal.Gui.Input;

namespace ContainerIR.Cli.Screens;

/// <summary>One acquisition: what is wanted, then how far it is, then what came of it. The same request as <c>cir acquire</c>.</summary>
internal sealed class AcquireScreen : Screen
{
    private const string CaseField = "Case";
    private const string ProfileField = "Profile";
    private const string ExaminerField = "Examiner";
    private const string ReasonField = "Reason";
    private const string PassphraseField = "Passphrase";
    private const string AgainField = "Again";

    private readonly ContainerRef container;
    private readonly FormView form;
    private readonly LinesView below;
    private readonly List<TextLine> lines = [];
    private readonly Lock gate = new();
    private readonly bool isNewKey;
    private readonly bool asksPassphrase;
    private AcquisitionProgress? latest;
    private long started;
    private CancellationTokenSource? running;
    private string? bundle;

    public AcquireScreen(Shell shell, ContainerRef container)
        : base(shell)
    {
        this.container = container;
        ConsoleFacts facts = shell.Facts;
        isNewKey = !IdentityFolder.Exists(HomeOf(facts).KeysFolder);
        asksPassphrase = facts.PassphraseFile is null && facts.Surroundings.Environment(Passphrases.Variable) is null;
        List<FormField> fields =
        [
            new(CaseField, CaseStore.List(HomeOf(facts)).OrderByDescending(each => each.CreatedAt).FirstOrDefault()?.Id ?? $"IR-{facts.Surroundings.Clock.GetUtcNow():yyyyMMdd}"),
            new(ProfileField, "standard", false, "triage", "standard", "full"),
            new(ExaminerField, ""),
            new(ReasonField, ""),
        ];
        if (asksPassphrase)
        {
            fields.Add(new(PassphraseField, "", IsSecret: true));
            if (isNewKey)
            {
                fields.Add(new(AgainField, "", IsSecret: true));
            }
        }

        form = new FormView(Colours, [.. fields]) { Completed = Start };
        below = new LinesView(Colours) { Y = fields.Count + 1, Lines = [.. Explanation()] };
        form.Changed = () => below.Lines = [.. Explanation()];
        Add(form, below);
    }

    public override string Heading => $"Acquire {DisplayText.Escape(container.Name)}  {(running is not null ? "running" : bundle is not null ? "sealed" : "")}";

    public override bool CanBeLost => running is null;

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
            form.Focus(CaseField);
        }
    }

    public override bool MayLeave()
    {
        if (running is not null)
        {
            Shell.Say("It runs: x cancels it.", Tone.Warning);
            return false;
        }

        return true;
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
                shown.Add(new TextLine($"> {now.Collector ?? now.Stage.ToString().ToLowerInvariant()}  {Quantities.Count(now.Items, "item")}  {Quantities.Bytes(now.RawBytes)}  {rate}  {Quantities.Elapsed(elapsed)}  {now.Item}", Tone.Key));
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

    private static CaseHome HomeOf(ConsoleFacts facts) => facts.Surroundings.Home(facts.Home);

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
        if (asksPassphrase)
        {
            yield return new TextLine(isNewKey ? "There is no responder key yet: one is made, protected by this passphrase. Twice the same." : "The passphrase opens the responder key.", Tone.Dim);
        }

        yield return new TextLine("Arrow keys turn the profile. Enter goes on; Enter in the last field, or F2, starts.", Tone.Dim);
    }

    private void Start()
    {
        if (running is not null || bundle is not null)
        {
            return;
        }

        if (asksPassphrase && isNewKey && form[PassphraseField] != form[AgainField])
        {
            Shell.Say("The two passphrases differ.", Tone.Bad);
            return;
        }

        ConsoleFacts facts = Shell.Facts;
        // The one place that reads passphrases; where it would ask a person, the person has typed it here.
        string typed = asksPassphrase ? form[PassphraseField] : "";
        Passphrases passphrases = new(facts.Surroundings with { AskSecret = _ => typed }, facts.PassphraseFile);
        AcquisitionRequest request;
        try
        {
            request = new AcquisitionRequest
            {
                Container = container.Id,
                CaseId = CaseId.Check(form[CaseField]),
                Profile = Enum.Parse<Profile>(form[ProfileField], ignoreCase: true),
                Examiner = NotEmpty(form[ExaminerField]),
                Reason = NotEmpty(form[ReasonField]),
                Endpoint = facts.Endpoint,
            };
        }
        catch (OperatorException problem)
        {
            Shell.Say($"{problem.Message} {problem.Remedy}", Tone.Bad);
            return;
        }

        running = CancellationTokenSource.CreateLinkedTokenSource(Shell.Closing);
        started = facts.Surroundings.Clock.GetTimestamp();
        form.Enabled = false;
        below.SetFocus();
        below.Follows = true;
        PlainProgress words = new(Line);
        AcquisitionParts parts = new(HomeOf(facts), passphrases.Read, facts.Surroundings.Clock);
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

        Shell.Say("Sealed. v verifies it.", Tone.Good);
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

    private static string? NotEmpty(string text) => text.Trim() is { Length: > 0 } kept ? kept : null;

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
