using System.CommandLine;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Time;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir bundle sign</c>: a witness signs the root of a bundle that verifies.</summary>
internal static class BundleSign
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string> bundle = Shared.Bundle();
        Option<string?> ca = Shared.Ca();
        Option<string[]> tsa = Shared.Tsa();
        Option<bool> json = Shared.Json();
        SigningOptions signing = new(surroundings);
        Command command = new("sign", "Verify a bundle and sign its root as a witness.") { bundle, ca, tsa };
        signing.AddTo(command);
        command.Options.Add(json);
        command.SetAction(async (parsed, ct) =>
        {
            using TimestampClient? authorities = Shared.Authorities(parsed.GetValue(tsa));
            ResponderIdentity witness = signing.Open(parsed);
            Shared.MendSeal(surroundings, parsed.GetRequiredValue(bundle));
            WitnessResult result = await WitnessSignature.AddAsync(
                parsed.GetRequiredValue(bundle), witness, authorities, new VerifyOptions(parsed.GetValue(ca)), surroundings.Clock, ct);
            if (result.File is not { } file)
            {
                return VerificationText.Refuse(surroundings, result.Verification, parsed.GetValue(json), "Nothing was signed.");
            }

            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, new SignedJson(parsed.GetRequiredValue(bundle), result.Verification.RootSha256!, file, witness.Name, witness.CertificateSha256), CliJson.Default.SignedJson);
                return ExitCode.Success;
            }

            surroundings.Out.WriteLine($"Signed   {file}");
            surroundings.Out.WriteLine($"Root     sha256 {result.Verification.RootSha256}");
            surroundings.Out.WriteLine($"By       {Cells.Safe(Evidence.Text.DisplayText.Escape(witness.Name))}, certificate sha256 {witness.CertificateSha256}");
            return ExitCode.Success;
        });
        return command;
    }
}

/// <summary>What <c>cir bundle sign --json</c> prints.</summary>
internal sealed record SignedJson(string Bundle, string RootSha256, string File, string Name, string CertificateSha256);
