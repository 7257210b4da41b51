using ContainerIR.Cli.Commands;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Cli.Screens;

/// <summary>A bundle from anywhere: the verdict, each check, every failure.</summary>
internal sealed class VerifyScreen : Screen
{
    private readonly FormView form;
    private readonly LinesView report;
    private readonly bool isGiven;
    private string verdict = "";

    public VerifyScreen(Shell shell, string? bundle)
        : base(shell)
    {
        isGiven = bundle is not null;
        form = new FormView(Colours, new FormField("Bundle", bundle ?? ""), new FormField("Trusted certificates", "")) { Completed = Run };
        report = new LinesView(Colours) { Y = 3, Lines = [new TextLine("The folder of a bundle; a PEM file of the authority or responder you trust, or nothing. Enter in the last field verifies.", Tone.Dim)] };
        Add(form, report);
    }

    public override string Heading => $"Verify  {verdict}";

    public override IReadOnlyList<KeyAction> Keys => [KeyAction.Enter("verify", "Verify the bundle", Run)];

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
        Shell.Work(
            $"Verifying {DisplayText.Escape(bundle)}",
            ct => BundleVerifier.VerifyAsync(bundle, new VerifyOptions(ca.Length > 0 ? ca : null), ct),
            read =>
            {
                verdict = read.Verdict.ToString().ToUpperInvariant();
                using StringWriter text = new();
                VerificationText.Write(text, read);
                report.Lines = [.. text.ToString().Split('\n').Select(line => new TextLine(line, ToneOf(line)))];
                report.SetFocus();
                Shell.Say(verdict, read.Verdict == Verdict.Verified ? Tone.Good : Tone.Bad);
            });
    }

    private static Tone ToneOf(string line) => line switch
    {
        _ when line.StartsWith("ok ", StringComparison.Ordinal) || line.StartsWith("VERIFIED", StringComparison.Ordinal) => Tone.Good,
        _ when line.StartsWith("FAIL", StringComparison.Ordinal) || line.StartsWith("TAMPERED", StringComparison.Ordinal) || line.StartsWith("UN", StringComparison.Ordinal) => Tone.Bad,
        _ => Tone.Plain,
    };
}
