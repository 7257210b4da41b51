using System.CommandLine;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Transfers;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir custody</c>: who held a bundle when, from the seal on.</summary>
internal static class CustodyCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string> bundle = Shared.Bundle();
        Option<bool> certify = new("--certify") { Description = "Print a certification for a court with the digests filled in (FRE 902(13), 902(14)), to be completed and signed on paper." };
        Option<string?> ca = Shared.Ca();
        Option<string?> tsaCa = Shared.TsaCa();
        Option<bool> json = Shared.Json();
        Command command = new("custody", "Show who held a bundle when. Verifies the whole bundle first.") { bundle, certify, ca, tsaCa, json };
        command.SetAction(async (parsed, ct) =>
        {
            string path = parsed.GetRequiredValue(bundle);
            VerificationReport report = await BundleVerifier.VerifyAsync(path, new VerifyOptions(parsed.GetValue(ca)) { TsaCaFile = parsed.GetValue(tsaCa) }, ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, CustodyChainJson.From(report, parsed.GetValue(certify) && report.Verdict == Verdict.Verified ? Certification.OfBundle(path, report, surroundings.Clock.GetUtcNow()) : null), CliJson.Default.CustodyChainJson);
            }
            else if (report.Verdict != Verdict.Verified)
            {
                return VerificationText.Refuse(surroundings, report, json: false, "What follows from such a bundle about custody is nothing.");
            }
            else if (parsed.GetValue(certify))
            {
                surroundings.Out.Write(Certification.OfBundle(path, report, surroundings.Clock.GetUtcNow()));
            }
            else
            {
                Print(surroundings.Out, report, surroundings.OutWidth());
            }

            return report.Verdict == Verdict.Verified ? ExitCode.Success : ExitCode.VerificationFailed;
        });
        return command;
    }

    /// <summary>Prints the chain, from the seal on.</summary>
    public static void Print(TextWriter writer, VerificationReport report, int? width)
    {
        writer.WriteLine($"Bundle  {report.BundleName}");
        writer.WriteLine($"Root    sha256 {report.RootSha256}");
        writer.WriteLine();
        Table table = new(
            new("#", Right: true), new("WHEN"), new("WHAT"), new("FROM", MinCells: 8), new("TO", MinCells: 8), new("PURPOSE", MinCells: 8), new("METHOD", MinCells: 8), new("CERTIFICATE"));
        foreach (VerificationSigner signer in report.Signers)
        {
            string what = signer.File.Contains("-responder.", StringComparison.Ordinal) ? "sealed" : "witnessed";
            table.Add("", Quantities.Instant(signer.SignedAt), what, signer.Subject, "", "", "", signer.CertificateSha256[..12]);
        }

        foreach (VerificationTransfer transfer in report.Transfers)
        {
            string number = Quantities.Number(transfer.Number);
            table.Add(
                number, Quantities.Instant(transfer.HandedOverAt), "given", transfer.From, transfer.To, transfer.Purpose, transfer.Method, transfer.Giver!.CertificateSha256[..12]);
            if (transfer.Receiver is { } receiver)
            {
                table.Add(number, Quantities.Instant(receiver.SignedAt), "received", "", receiver.Subject, "", "", receiver.CertificateSha256[..12]);
            }
            else
            {
                table.Add(number, "", "not received", "", "", "", "", "");
            }
        }

        table.Write(writer, width);
        writer.WriteLine();
        writer.WriteLine(VerificationText.Verdict(report));
    }
}

/// <summary>What <c>cir custody --json</c> prints.</summary>
internal sealed record CustodyChainJson(
    string Bundle, string? BundleName, string? BundleId, string Verdict, string? RootSha256, IReadOnlyList<SignerJson> Signers, IReadOnlyList<TransferEntryJson> Transfers, string? Certification)
{
    public static CustodyChainJson From(VerificationReport report, string? certification) => new(
        report.Bundle,
        report.BundleName,
        report.BundleId,
        report.Verdict.ToString().ToLowerInvariant(),
        report.RootSha256,
        [.. report.Signers.Select(SignerJson.From)],
        [.. report.Transfers.Select(transfer => new TransferEntryJson(
            transfer.Number, transfer.File, transfer.RecordSha256, transfer.From, transfer.To, transfer.Purpose, transfer.Method, transfer.HandedOverAt, transfer.Recipients,
            transfer.Giver is null ? null : SignerJson.From(transfer.Giver), transfer.Receiver is null ? null : SignerJson.From(transfer.Receiver)))],
        certification);
}

/// <summary>A signer.</summary>
internal sealed record SignerJson(string File, string Subject, string CertificateSha256, DateTimeOffset SignedAt, bool IsAnchored)
{
    public static SignerJson From(VerificationSigner signer) => new(signer.File, signer.Subject, signer.CertificateSha256, signer.SignedAt, signer.IsAnchored);
}

/// <summary>A transfer; <c>receiver</c> is absent while nobody countersigned it.</summary>
internal sealed record TransferEntryJson(
    int Number, string File, string RecordSha256, string From, string To, string Purpose, string Method, DateTimeOffset HandedOverAt, int Recipients, SignerJson? Giver, SignerJson? Receiver);
