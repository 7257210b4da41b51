using System.CommandLine;
using System.Text;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Exporters;
using ContainerIR.Shippers;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir ship</c>: what a case says happened, sent to a SOC's receiver.</summary>
internal static class ShipCommand
{
    private const string TokenVariable = "CIR_SHIP_TOKEN";
    private const int MaxTokenBytes = 16 * 1024;

    public static Command Make(Surroundings surroundings)
    {
        Argument<string> target = new("TARGET")
        {
            Description = "gelf+udp|tcp|tls|http|https, splunk+http|https, elastic+http|https, syslog+tcp|tls or webhook+http|https, then ://HOST:PORT[/PATH]",
        };
        Argument<string> source = Handout.Source();
        Option<string?> tokenFile = new("--token-file") { Description = $"File that holds the receiver's token. Default: {TokenVariable}. Never an argument: others can read those.", HelpName = "FILE" };
        Option<string?> ca = new("--ca") { Description = "PEM file with the only authorities trusted for TLS. Default: the system's. There is no way to leave verification out.", HelpName = "FILE" };
        Option<bool> cef = new("--cef") { Description = "Syslog carries the Common Event Format." };
        Option<int> batch = new("--batch") { Description = "Events a batch.", HelpName = "N", DefaultValueFactory = _ => 500 };
        Option<int> giveUp = new("--give-up") { Description = "Seconds after which a receiver that takes nothing is given up.", HelpName = "S", DefaultValueFactory = _ => 300 };
        Option<string?> allow = Handout.Allow();
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("ship", "Send all dated facts to a receiver, each at least once under a stable id; run again, it goes on where it was.")
        {
            target, source, tokenFile, ca, cef, batch, giveUp, home, json,
        };
        command.SetAction(async (parsed, ct) =>
        {
            CaseHome place = surroundings.Home(parsed.GetValue(home));
            ShipTarget receiver = ShipTarget.Parse(parsed.GetRequiredValue(target), ReadToken(surroundings, parsed.GetValue(tokenFile)), parsed.GetValue(ca), parsed.GetValue(cef));
            HandoutSource opened = await HandoutSource.OpenAsync(place, parsed.GetRequiredValue(source), Handout.Allowed(parsed.GetValue(allow)), ct);
            if (Handout.Refuse(surroundings, opened) is { } code)
            {
                return code;
            }

            ShipCursor cursor = ShipCursor.Open(Path.Combine(opened.CaseFolder ?? place.Path, "shipped"), receiver);
            ShipOptions options = new(Math.Clamp(parsed.GetValue(batch), 1, 10_000), TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(giveUp), 1, 86_400)), said => surroundings.Say(Cells.Safe(said)));
            using IShipper shipper = receiver.Open(surroundings.Clock);
            ShipResult result = await ShipRun.RunAsync(opened, shipper, cursor, options, surroundings.Clock, ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, result, CliJson.Default.ShipResult);
                return ExitCode.Success;
            }

            surroundings.Out.WriteLine($"Sent     {Quantities.Count(result.Sent, "event")} to {DisplayText.Escape(receiver.Shown)}");
            if (result.ArrivedBefore > 0)
            {
                surroundings.Out.WriteLine($"Before   {Quantities.Count(result.ArrivedBefore, "event")} had arrived in earlier runs");
            }

            if (receiver.Address.Scheme == "udp")
            {
                surroundings.Out.WriteLine("Note     nobody acknowledges UDP: what was dropped on the way is not known");
            }

            foreach (string refused in result.Refused)
            {
                surroundings.Out.WriteLine($"Refused  {Cells.Safe(refused)}");
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static string? ReadToken(Surroundings surroundings, string? file)
    {
        if (file is null)
        {
            return surroundings.Environment(TokenVariable) is { Length: > 0 } set ? set.Trim() : null;
        }

        try
        {
            FileInfo token = new(file);
            string text = token.Length <= MaxTokenBytes ? File.ReadAllText(file, Encoding.UTF8).Trim() : throw new IOException($"longer than {MaxTokenBytes} bytes");
            return text.Length > 0 && !text.Any(char.IsControl) ? text : throw new IOException("it is empty or more than one line");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The token file {DisplayText.Escape(file)} cannot be read: {failure.Message}", "Name a readable file with the token and nothing else: --token-file FILE", failure);
        }
    }
}
