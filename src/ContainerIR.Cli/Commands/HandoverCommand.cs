using System.CommandLine;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Encryption;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Time;
using ContainerIR.Evidence.Transfers;
using ContainerIR.Evidence.Transport;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir handover</c>: who holds a bundle records and signs to whom it is given, and packs it for the way.</summary>
internal static class HandoverCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string> bundle = Shared.Bundle();
        Option<string> to = new("--to") { Description = "Who is to receive it.", HelpName = "NAME", Required = true };
        Option<string> purpose = new("--purpose") { Description = "What for: analysis, court, storage, return.", HelpName = "TEXT", Required = true };
        Option<string> method = new("--method") { Description = "How it travels: disk and its serial number, courier and seal number, network.", HelpName = "TEXT", Required = true };
        Option<string?> from = new("--from") { Description = "Who gives it. Default: the name in the certificate.", HelpName = "NAME" };
        Option<string?> certificate = new("--to-certificate") { Description = "SHA-256 of the receiver's certificate (cir keys show): then nobody else can countersign.", HelpName = "SHA256" };
        Option<string[]> recipients = Shared.Recipients();
        Option<string?> outDirectory = new("--out") { Description = "Pack the bundle into this directory. Default with --recipient: the bundle's name with .parts, here.", HelpName = "DIR" };
        Option<long> partSize = Shared.PartSize();
        Option<string?> ca = Shared.Ca();
        Option<string[]> tsa = Shared.Tsa();
        Option<bool> json = Shared.Json();
        SigningOptions signing = new(surroundings);
        Command command = new("handover", "Verify a bundle, record and sign its transfer to somebody, and pack it for them.")
        {
            bundle, to, purpose, method, from, certificate, recipients, outDirectory, partSize, ca, tsa,
        };
        signing.AddTo(command);
        command.Options.Add(json);
        command.SetAction(async (parsed, ct) =>
        {
            string path = parsed.GetRequiredValue(bundle);
            AgeRecipient[] encryptedTo = [.. (parsed.GetValue(recipients) ?? []).Select(AgeRecipient.Parse)];
            HandoverRequest request = new()
            {
                To = parsed.GetRequiredValue(to),
                ToCertificateSha256 = parsed.GetValue(certificate)?.ToLowerInvariant(),
                Purpose = parsed.GetRequiredValue(purpose),
                Method = parsed.GetRequiredValue(method),
                From = parsed.GetValue(from),
                EncryptedTo = encryptedTo,
            };
            using TimestampClient? authorities = Shared.Authorities(parsed.GetValue(tsa));
            ResponderIdentity giver = signing.Open(parsed);
            Shared.MendSeal(surroundings, path);
            TransferResult result = await Handover.WriteAsync(path, request, giver, authorities, new VerifyOptions(parsed.GetValue(ca)), surroundings.Clock, ct);
            if (result.Record is not { } record)
            {
                return VerificationText.Refuse(surroundings, result.Verification, parsed.GetValue(json), "Nothing was handed over.");
            }

            string? parts = parsed.GetValue(outDirectory) ?? (encryptedTo.Length > 0 ? BundlePack.DefaultOut(path) : null);
            PackedBundle? packed = parts is null ? null : await PackAsync(path, parts, encryptedTo, parsed.GetValue(partSize), ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(
                    surroundings.Out,
                    new HandoverJson(path, result.Verification.RootSha256!, record.Number, result.File!, result.RecordSha256!, record.From.Name, record.To.Name, record.HandedOverAt, packed is null ? null : PackedJson.From(packed)),
                    CliJson.Default.HandoverJson);
                return ExitCode.Success;
            }

            surroundings.Out.WriteLine($"Handover {record.Number}: {Shown(record.From.Name)} to {Shown(record.To.Name)}, {Quantities.Instant(record.HandedOverAt)}");
            surroundings.Out.WriteLine($"Record   {result.File}");
            surroundings.Out.WriteLine($"         sha256 {result.RecordSha256}");
            surroundings.Out.WriteLine($"Root     sha256 {result.Verification.RootSha256}");
            if (packed is not null)
            {
                BundlePack.Print(surroundings, packed);
            }

            surroundings.Say("Tell the receiver the root, and the fingerprint of your certificate, by another way than the bundle.");
            surroundings.Say(packed is null ? "The receiver countersigns with: cir receive BUNDLE" : "The receiver countersigns with: cir receive PARTS --identity FILE");
            return ExitCode.Success;
        });
        return command;
    }

    private static string Shown(string name) => Cells.Fit(DisplayText.Escape(name), 200);

    private static async Task<PackedBundle> PackAsync(string bundle, string outDirectory, AgeRecipient[] recipients, long partSize, CancellationToken ct)
    {
        try
        {
            return await BundlePacker.PackAsync(bundle, outDirectory, recipients, partSize, ct);
        }
        catch (OperatorException failure)
        {
            throw new OperatorException($"The handover is recorded and signed, but the bundle is not packed: {failure.Message}", $"{failure.Remedy} Then: cir bundle pack {DisplayText.Escape(bundle)} --recipient …", failure);
        }
    }
}

/// <summary>What <c>cir handover --json</c> prints.</summary>
internal sealed record HandoverJson(
    string Bundle, string RootSha256, int Number, string Record, string RecordSha256, string From, string To, DateTimeOffset HandedOverAt, PackedJson? Packed);
