using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Cli.Commands;

/// <summary>A verification report as a person reads it.</summary>
internal static class VerificationText
{
    private const int MaxFailuresShown = 200;

    /// <summary>A command that needs a verified bundle did not get one: says why. Exit code 3.</summary>
    public static int Refuse(Surroundings surroundings, VerificationReport report, bool json, string notDone)
    {
        if (json)
        {
            surroundings.Out.WriteLine(report.ToJson());
        }
        else
        {
            Write(surroundings.Out, report);
        }

        surroundings.Say(notDone);
        return ExitCode.VerificationFailed;
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

        foreach (VerificationToken token in report.Tokens)
        {
            writer.WriteLine($"Stamped     before {Quantities.Instant(token.GeneratedAt)} by {Cells.Safe(token.Authority)}{(token.IsAnchored ? " (trusted)" : "")}: {token.File}");
        }

        foreach (VerificationTransfer transfer in report.Transfers)
        {
            string received = transfer.Receiver is { } receiver ? $"received {Quantities.Instant(receiver.SignedAt)}" : "not countersigned";
            writer.WriteLine($"Transfer    {transfer.Number}: {Cells.Fit(transfer.From, 80)} to {Cells.Fit(transfer.To, 80)}, {Quantities.Instant(transfer.HandedOverAt)}, {received}");
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
        writer.WriteLine(Verdict(report));
    }

    public static string Verdict(VerificationReport report) => report.Verdict switch
    {
        Evidence.Verification.Verdict.Verified => $"VERIFIED: {Quantities.Count(report.PayloadFiles, "file")}, {Quantities.Bytes(report.PayloadBytes)}, {Quantities.Count(report.JournalLines, "journal line")} are as they were sealed.",
        Evidence.Verification.Verdict.Unsealed => "UNSEALED: there is no signed root. The acquisition did not end, or the root was taken away; nothing in it is proven.",
        Evidence.Verification.Verdict.Untrusted => "UNTRUSTED: every byte is as it was sealed, but the signer is not one you trust.",
        _ => $"TAMPERED: {Quantities.Count(report.Failures.Count, "failure")}. This is not what was sealed.",
    };
}
