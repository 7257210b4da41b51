using System.CommandLine;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Time;
using ContainerIR.Evidence.Transfers;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir receive</c>: the receiver unpacks, verifies, countersigns, and gets a receipt.</summary>
internal static class ReceiveCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string> source = new("BUNDLE|PARTS") { Description = "The folder of the bundle; or the folder of its parts, or their NAME.parts.sha256." };
        Option<string[]> identities = Shared.Identities();
        Option<string?> outDirectory = new("--out") { Description = "Where parts are unpacked to. Default: here.", HelpName = "DIR" };
        Option<string?> ca = Shared.Ca();
        Option<string?> tsaCa = Shared.TsaCa();
        Option<string[]> tsa = Shared.Tsa();
        Option<bool> json = Shared.Json();
        SigningOptions signing = new(surroundings);
        Command command = new("receive", "Verify a bundle that was handed over to you, countersign its transfer, print a receipt.") { source, identities, outDirectory, ca, tsaCa, tsa };
        signing.AddTo(command);
        command.Options.Add(json);
        command.SetAction(async (parsed, ct) =>
        {
            // Keys before the work: a wrong passphrase must not cost an hour of hashing.
            ResponderIdentity receiver = signing.Open(parsed);
            using TimestampClient? authorities = Shared.Authorities(parsed.GetValue(tsa));
            string path = parsed.GetRequiredValue(source);
            bool isPacked = IsPacked(path);
            string bundle = isPacked
                ? await BundleUnpack.UnpackAsync(path, parsed.GetValue(outDirectory) ?? ".", parsed.GetValue(identities) ?? [], signing.Home(parsed), ct)
                : path;
            if (isPacked)
            {
                surroundings.Say($"Unpacked {DisplayText.Escape(bundle)}");
            }

            Shared.MendSeal(surroundings, bundle);
            VerifyOptions options = new(parsed.GetValue(ca)) { TsaCaFile = parsed.GetValue(tsaCa) };
            TransferResult result = await Reception.CountersignAsync(bundle, receiver, authorities, options, surroundings.Clock, ct);
            if (result.Record is null)
            {
                return VerificationText.Refuse(surroundings, result.Verification, parsed.GetValue(json), "Nothing was countersigned: keep the bundle as it is, and tell the giver.");
            }

            ReceiptJson receipt = ReceiptJson.Of(bundle, result, receiver);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, receipt, CliJson.Default.ReceiptJson);
            }
            else
            {
                Print(surroundings.Out, receipt);
                surroundings.Say("Send this receipt to the giver. It is in the bundle as well: cir custody BUNDLE");
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static bool IsPacked(string path) => File.Exists(path) || (Directory.Exists(path) && !File.Exists(Path.Combine(path, "bagit.txt")) && Directory.EnumerateFiles(path, "*.parts.sha256").Any());

    private static void Print(TextWriter writer, ReceiptJson receipt)
    {
        writer.WriteLine("RECEIPT FOR EVIDENCE");
        writer.WriteLine($"Bundle    {DisplayText.Escape(receipt.BundleName)}");
        writer.WriteLine($"          id {receipt.BundleId}");
        writer.WriteLine($"Root      sha256 {receipt.RootSha256}");
        writer.WriteLine($"Verified  {Quantities.Count(receipt.PayloadFiles, "file")}, {Quantities.Bytes(receipt.PayloadBytes)}, {Quantities.Count(receipt.JournalLines, "journal line")}: as they were sealed");
        writer.WriteLine($"Transfer  {receipt.Number}, record sha256 {receipt.RecordSha256}");
        writer.WriteLine($"Given     {Quantities.Instant(receipt.HandedOverAt)} by {Shown(receipt.From)}, certificate sha256 {receipt.FromCertificateSha256}");
        writer.WriteLine($"Received  {Quantities.Instant(receipt.ReceivedAt)} by {Shown(receipt.ReceivedBy)}, certificate sha256 {receipt.ReceiverCertificateSha256}");
        writer.WriteLine($"          meant for {Shown(receipt.To)}");
        writer.WriteLine($"Purpose   {Shown(receipt.Purpose)}");
        writer.WriteLine($"Method    {Shown(receipt.Method)}");
        writer.WriteLine($"Signature sha256 {receipt.SignatureSha256}");
    }

    private static string Shown(string text) => Cells.Safe(DisplayText.Escape(text));
}

/// <summary>What <c>cir receive --json</c> prints.</summary>
internal sealed record ReceiptJson(
    string Bundle,
    string BundleName,
    string BundleId,
    string RootSha256,
    int PayloadFiles,
    long PayloadBytes,
    long JournalLines,
    int Number,
    string Record,
    string RecordSha256,
    string From,
    string FromCertificateSha256,
    string To,
    string ReceivedBy,
    string ReceiverCertificateSha256,
    DateTimeOffset HandedOverAt,
    DateTimeOffset ReceivedAt,
    string Purpose,
    string Method,
    string SignatureSha256)
{
    public static ReceiptJson Of(string bundle, TransferResult result, ResponderIdentity receiver)
    {
        TransferRecord record = result.Record!;
        VerificationReport report = result.Verification;
        return new ReceiptJson(
            bundle, record.BundleName, record.BundleId.ToString("D"), report.RootSha256!, report.PayloadFiles, report.PayloadBytes, report.JournalLines, record.Number, result.File!,
            result.RecordSha256!, record.From.Name, record.From.CertificateSha256!, record.To.Name, receiver.Name, receiver.CertificateSha256, record.HandedOverAt, result.ReceivedAt!.Value,
            record.Purpose, record.Method, result.SignatureSha256!);
    }
}
