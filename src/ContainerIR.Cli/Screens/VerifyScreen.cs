using ContainerIR.Cli.Commands;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Cli.Screens;

/// <summary>A bundle from anywhere: the verdict, each check, every failure.</summary>
internal sealed class VerifyScreen : Screen
{
    private const long Unknown = -1;

    private readonly FormView form;
    private readonly LinesView report;
    private readonly bool isGiven;
    private string verdict = "";
    private CancellationTokenSource? running;
    private long started;
    private long hashed;
    private long whole = Unknown;

    public VerifyScreen(Shell shell, string? bundle)
        : base(shell)
    {
        isGiven = bundle is not null;
        form = new FormView(Colours, new FormField("Bundle", bundle ?? ""), new FormField("Trusted certificates", "")) { Completed = Run };
        report = new LinesView(Colours) { Y = 3, Lines = [new TextLine("The folder of a bundle; a PEM file of the authority or responder you trust, or nothing. Enter in the last field verifies.", Tone.Dim)] };
        Add(form, report);
    }

    public override string Heading => $"Verify  {verdict}";

    public override IReadOnlyList<KeyAction> Keys => running is { } run ? [KeyAction.Of('x', "cancel", "Stop verifying", run.Cancel)] : [KeyAction.Enter("verify", "Verify the bundle", Run)];

    public override string Doing => running is null ? "" : "verifying a bundle";

    public override string WhenStopped => "Nothing is changed by it.";

    public override void Tick()
    {
        if (running is null)
        {
            return;
        }

        TimeSpan taken = Shell.Facts.Surroundings.Clock.GetElapsedTime(started);
        long done = Interlocked.Read(ref hashed);
        double rate = done / Math.Max(taken.TotalSeconds, 0.001);
        long all = Interlocked.Read(ref whole);
        string left = rate > 0 && all >= done ? $" of {Quantities.Bytes(all)}  {Quantities.Left(TimeSpan.FromSeconds((all - done) / rate))}" : "";
        Shell.Say($"Verifying: {Quantities.Bytes(done)}{left}  {Quantities.Bytes(rate)}/s  {Quantities.Elapsed(taken)}", Tone.Dim);
    }

    public override void Shown()
    {
        if (isGiven && verdict.Length == 0)
        {
            Run();
        }
        else
        {
            form.Focus("Bundle");
        }
    }

    private void Run()
    {
        string bundle = form["Bundle"];
        string ca = form["Trusted certificates"];
        if (running is not null)
        {
            return;
        }

        running = CancellationTokenSource.CreateLinkedTokenSource(Shell.Closing);
        (started, hashed, whole) = (Shell.Facts.Surroundings.Clock.GetTimestamp(), 0, Unknown);
        CancellationToken token = running.Token;
        report.SetFocus();
        Shell.Work(
            $"Verifying {DisplayText.Escape(bundle)}",
            _ =>
            {
                Interlocked.Exchange(ref whole, SizeOf(bundle));
                return BundleVerifier.VerifyAsync(bundle, new VerifyOptions(ca.Length > 0 ? ca : null, new Hashed(this)), token);
            },
            read =>
            {
                End();
                verdict = read.Verdict.ToString().ToUpperInvariant();
                using StringWriter text = new();
                VerificationText.Write(text, read);
                report.Lines = [.. text.ToString().Split('\n').Select(line => new TextLine(line, ToneOf(line)))];
                report.SetFocus();
                Shell.Say(verdict, read.Verdict == Verdict.Verified ? Tone.Good : Tone.Bad);
            },
            _ => End());
    }

    private void End()
    {
        running?.Dispose();
        running = null;
    }

    // For the time left only: what cannot be listed is left to the verification, which says why.
    private static long SizeOf(string bundle)
    {
        try
        {
            EnumerationOptions options = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
            return new DirectoryInfo(Path.Combine(bundle, "data")).EnumerateFiles("*", options).Sum(static file => file.Length);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Unknown;
        }
    }

    private sealed class Hashed(VerifyScreen screen) : IProgress<long>
    {
        public void Report(long value) => Interlocked.Exchange(ref screen.hashed, value);
    }

    private static Tone ToneOf(string line) => line switch
    {
        _ when line.StartsWith("ok ", StringComparison.Ordinal) || line.StartsWith("VERIFIED", StringComparison.Ordinal) => Tone.Good,
        _ when line.StartsWith("FAIL", StringComparison.Ordinal) || line.StartsWith("TAMPERED", StringComparison.Ordinal) || line.StartsWith("UN", StringComparison.Ordinal) => Tone.Bad,
        _ => Tone.Plain,
    };
}
