using System.CommandLine;
using ContainerIR.Analyzers;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Verification;
using ContainerIR.Exporters;

namespace ContainerIR.Cli.Commands;

/// <summary>What the commands that hand evidence over have in common.</summary>
internal static class Handout
{
    private const int MaxFailures = 5;

    public static Argument<string> Source() => new("CASE|BUNDLE") { Description = "A case id, or the folder of a sealed bundle (a path with a slash). It is verified first." };

    public static Option<string?> Allow() => new("--allow") { Description = "Reviewed file of findings that are expected: they are handed over marked as suppressed.", HelpName = "FILE" };

    public static AllowList Allowed(string? file) => file is null ? AllowList.None : AllowList.Read(file);

    /// <summary>Says which bundles are not as they were sealed and gives the exit code; null when all are.</summary>
    public static int? Refuse(Surroundings surroundings, HandoutSource source)
    {
        foreach (VerificationReport report in source.Refused)
        {
            surroundings.Say($"{DisplayText.Escape(report.Bundle)} is {report.Verdict.ToString().ToLowerInvariant()}: nothing is made of it.");
            foreach (VerificationFailure failure in report.Failures.Take(MaxFailures))
            {
                surroundings.Say($"  {failure.Check}: {Cells.Safe(failure.File)} {Cells.Safe(failure.Reason)}");
            }

            surroundings.Say($"What to do: see every failure: cir verify {DisplayText.Escape(report.Bundle)}");
        }

        foreach (string name in source.Unsealed)
        {
            surroundings.Say($"{DisplayText.Escape(name)} is not sealed and is left out. Seal what is provable of it: cir bundle recover");
        }

        return source.Refused.Count > 0 ? ExitCode.VerificationFailed : null;
    }
}
