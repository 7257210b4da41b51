using System.CommandLine;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir verify</c>: whether a bundle is as it was sealed, every check a line, every failure a line.</summary>
internal static class VerifyCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string> bundle = Shared.Bundle();
        Option<string?> ca = Shared.Ca();
        Option<string?> tsaCa = Shared.TsaCa();
        Option<bool> json = Shared.Json();
        Command command = new("verify", "Prove that a bundle is as it was sealed; report every failure.") { bundle, ca, tsaCa, json };
        command.SetAction(async (parsed, ct) =>
        {
            VerifyOptions options = new(parsed.GetValue(ca)) { TsaCaFile = parsed.GetValue(tsaCa) };
            VerificationReport report = await BundleVerifier.VerifyAsync(parsed.GetRequiredValue(bundle), options, ct);
            if (parsed.GetValue(json))
            {
                surroundings.Out.WriteLine(report.ToJson());
            }
            else
            {
                VerificationText.Write(surroundings.Out, report);
            }

            return report.Verdict == Verdict.Verified ? ExitCode.Success : ExitCode.VerificationFailed;
        });
        return command;
    }
}
