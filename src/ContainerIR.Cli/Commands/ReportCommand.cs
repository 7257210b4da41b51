using System.CommandLine;
using ContainerIR.Acquisitions;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Exporters;
using ContainerIR.Reports;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir report</c>: one file a reader who knows no containers can read.</summary>
internal static class ReportCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string> source = Handout.Source();
        Option<string> file = new("--out") { Description = "The file; its end chooses the form: .html, .md or .json", HelpName = "FILE", Required = true };
        Option<string?> allow = Handout.Allow();
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("report", "Write a report for people: summary, what was taken and not, files, programs, connections, custody, how to check.") { source, file, allow, home, json };
        command.SetAction(async (parsed, ct) =>
        {
            string path = parsed.GetRequiredValue(file);
            ReportRun.CheckName(path);
            HandoutSource opened = await HandoutSource.OpenAsync(surroundings.Home(parsed.GetValue(home)), parsed.GetRequiredValue(source), Handout.Allowed(parsed.GetValue(allow)), ct);
            if (Handout.Refuse(surroundings, opened) is { } code)
            {
                return code;
            }

            WrittenReport report = await ReportRun.RunAsync(opened, path, ToolFacts.Agent, surroundings.Clock, ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, report, CliJson.Default.WrittenReport);
                return ExitCode.Success;
            }

            surroundings.Out.WriteLine($"Written  {DisplayText.Escape(report.File)} ({Quantities.Bytes(report.Bytes)})");
            surroundings.Out.WriteLine($"Digest   sha256 {report.Sha256}");
            return ExitCode.Success;
        });
        return command;
    }
}
