using System.CommandLine;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir verify</c>: whether a bundle is as it was sealed, every check a line, every failure a line.</summary>
internal static class VerifyCommand
{
    private const int MaxFailuresShown = 200;

    public static Command Make(Surroundings surroundings)
    {
        Argument<string> bundle = new("BUNDLE") { Description = "The folder of the bundle." };
        Option<string?> ca = new("--ca")
        {
            Description = "PEM file with the certificates you trust: an authority, or the responder's own. Without it integrity is proven, not who sealed.",
            HelpName = "FILE",
        };
        Option<bool> json = Shared.Json();
        Command command = new("verify", "Prove that a bundle is as it was sealed; report every failure.") { bundle, ca, json };
        command.SetAction(async (parsed, ct) =>
        {
            VerificationReport report = await BundleVerifier.VerifyAsync(parsed.GetRequiredValue(bundle), new VerifyOptions(parsed.GetValue(ca)), ct);
            if (parsed.GetValue(json))
            {
                surroundings.Out.WriteLine(report.ToJson());
            }
            else
            {
                Write(surroundings.Out, report);
            }

            return report.Verdict == Verdict.Verified ? ExitCode.Success : ExitCode.VerificationFailed;
        });
        return command;
    }

    public static void Write(TextWriter writer, VerificationReport report)
    {
        writer.WriteLine($"Bundle      {DisplayText.Escape(report.Bundle)}");
        writer.WriteLine($"Root        {(report.RootSha256 is { } root ? "sha256 " + root : "none")}");
        foreach (VerificationSigner signer in report.Signers)
        {
            writer.WriteLine($"Signed by   {Cells.Safe(signer.Subject)}, {Quantities.Instant(signer.SignedAt)}");
            writer.WriteLine($"            certificate sha256 {signer.CertificateSha256}");
            writer.WriteLine($"            judged at {Quantities.Instant(signer.JudgedAt)}, {Cells.Safe(signer.TimeUsed)}");
            writer.WriteLine($"            {Cells.Safe(signer.Trust)}");
        }

        writer.WriteLine();
        foreach (VerificationCheck check in report.Checks)
        {
            writer.WriteLine($"{(check.Ok ? "ok  " : "FAIL")}  {check.Name,-11} {Cells.Safe(check.Detail)}".TrimEnd());
        }

        foreach (VerificationFailure failure in report.Failures.Take(MaxFailuresShown))
        {
            string file = failure.File.Length == 0 ? "" : $"{Cells.Safe(failure.File)}: ";
            writer.WriteLine($"FAIL  {failure.Check,-11} {file}{Cells.Safe(failure.Reason)}");
        }

        if (report.Failures.Count > MaxFailuresShown)
        {
            writer.WriteLine($"…     {report.Failures.Count - MaxFailuresShown} more failures: --json has all");
        }

        writer.WriteLine();
        writer.WriteLine(report.Verdict switch
        {
            Verdict.Verified => $"VERIFIED: {Quantities.Count(report.PayloadFiles, "file")}, {Quantities.Bytes(report.PayloadBytes)}, {Quantities.Count(report.JournalLines, "journal line")} are as they were sealed.",
            Verdict.Unsealed => "UNSEALED: there is no signed root. The acquisition did not end, or the root was taken away; nothing in it is proven.",
            Verdict.Untrusted => "UNTRUSTED: every byte is as it was sealed, but the signer is not one you trust.",
            _ => $"TAMPERED: {Quantities.Count(report.Failures.Count, "failure")}. This is not what was sealed.",
        });
    }
}
