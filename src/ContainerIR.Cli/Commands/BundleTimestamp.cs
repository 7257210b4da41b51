using System.CommandLine;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir bundle timestamp</c>: tokens for the signatures of a bundle that was sealed or signed offline.</summary>
internal static class BundleTimestamp
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string> bundle = Shared.Bundle();
        Option<string[]> tsa = Shared.Tsa();
        Option<bool> json = Shared.Json();
        Command command = new("timestamp", "Have the signatures of a sealed bundle stamped by a time-stamp authority.") { bundle, tsa, json };
        command.SetAction(async (parsed, ct) =>
        {
            using TimestampClient authorities = Shared.Authorities(parsed.GetValue(tsa))
                ?? throw new OperatorException("No time-stamp authority is named.", "Name one: --tsa URL; several are tried in order.");
            Shared.MendSeal(surroundings, parsed.GetRequiredValue(bundle));
            IReadOnlyList<StampedSignature> stamped = await SealTimestamp.AddAsync(parsed.GetRequiredValue(bundle), authorities, ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(
                    surroundings.Out,
                    new StampedJson(parsed.GetRequiredValue(bundle), [.. stamped.Select(each => new TokenJson(each.File, each.Token.GeneratedAt, each.Token.Authority, each.Token.SerialNumber))]),
                    CliJson.Default.StampedJson);
                return ExitCode.Success;
            }

            foreach (StampedSignature each in stamped)
            {
                surroundings.Out.WriteLine($"Stamped  {each.File}");
                surroundings.Out.WriteLine($"         {Cells.Safe(each.Token.ToString())}");
            }

            surroundings.Say($"Check it: cir verify {DisplayText.Escape(parsed.GetRequiredValue(bundle))} --tsa-ca FILE");
            return ExitCode.Success;
        });
        return command;
    }
}

/// <summary>What <c>cir bundle timestamp --json</c> prints.</summary>
internal sealed record StampedJson(string Bundle, IReadOnlyList<TokenJson> Tokens);

/// <summary>A token beside its signature.</summary>
internal sealed record TokenJson(string File, DateTimeOffset GeneratedAt, string Authority, string SerialNumber);
