using System.CommandLine;
using ContainerIR.Acquisitions;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Exporters;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir export</c>: evidence in the forms laboratories and SOCs load.</summary>
internal static class ExportCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string> format = new("FORMAT") { Description = "One of: " + string.Join(", ", ExporterList.All.Select(each => each.Name)) };
        Argument<string> source = Handout.Source();
        Option<string> place = new("--out") { Description = "Where the derived bag is made.", HelpName = "DIR", Required = true };
        Option<string?> allow = Handout.Allow();
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("export", "Write evidence in a form other tools load, as a bag that names the bundles it was made of.") { format, source, place, allow, home, json };
        command.SetAction(async (parsed, ct) =>
        {
            IExporter exporter = ExportRun.Find(parsed.GetRequiredValue(format));
            HandoutSource opened = await HandoutSource.OpenAsync(surroundings.Home(parsed.GetValue(home)), parsed.GetRequiredValue(source), Handout.Allowed(parsed.GetValue(allow)), ct);
            if (Handout.Refuse(surroundings, opened) is { } code)
            {
                return code;
            }

            ExportResult result = await ExportRun.RunAsync(exporter, opened, parsed.GetRequiredValue(place), ToolFacts.Agent, surroundings.Clock, ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, result, CliJson.Default.ExportResult);
                return ExitCode.Success;
            }

            surroundings.Out.WriteLine($"Written  {DisplayText.Escape(result.Folder)}");
            surroundings.Out.WriteLine($"Root     sha256 {result.RootSha256} (a derived bag: not sealed, made of verified bundles)");
            surroundings.Out.WriteLine($"Files    {Quantities.Number(result.Files)}, {Quantities.Bytes(result.Bytes)}");
            foreach (string note in result.LeftOut)
            {
                surroundings.Out.WriteLine($"Left out {Cells.Safe(note)}");
            }

            return ExitCode.Success;
        });
        return command;
    }
}
