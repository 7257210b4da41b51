using System.CommandLine;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir status</c>.</summary>
internal static class StatusCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Option<bool> all = new("--all") { Description = "Also those that ended." };
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("status", "Show what is in force on this host, by which case and by whom: looked at now, not remembered.") { all, home, json };
        command.SetAction(async (parsed, ct) =>
        {
            ActionParts parts = DoCommand.PartsOf(surroundings, parsed.GetValue(home), null);
            parts.Journal.List(out IReadOnlyList<string> unreadable);
            IReadOnlyList<ChangeStatus> statuses = await new ChangeUndo(parts).StatusAsync(parsed.GetValue(all), ct);
            foreach (string problem in unreadable)
            {
                surroundings.Say($"In the change journal, not readable: {problem}");
            }

            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, statuses, CliJson.Default.IReadOnlyListChangeStatus);
                return ExitCode.Success;
            }

            if (statuses.Count == 0)
            {
                surroundings.Say("Nothing is in force on this host.");
                return ExitCode.Success;
            }

            Table table = new(new("ID"), new("ACTION"), new("CONTAINER", MinCells: 12), new("CASE", MinCells: 8), new("BY", MinCells: 8), new("SINCE"), new("NOW", MinCells: 24));
            foreach (ChangeStatus each in statuses)
            {
                table.Add(
                    each.Change.Id,
                    each.Change.Action,
                    $"{each.Change.ContainerId[..12]} {DisplayText.Shorten(each.Change.ContainerName, 40)}",
                    each.Change.CaseId,
                    DisplayText.Shorten(each.Change.Actor, 40),
                    Quantities.Instant(each.Change.IntendedAt),
                    each.Look.Words + (each.Change.Override is { } reason ? $"; without sealed evidence: {DisplayText.Shorten(reason, 100)}" : ""));
            }

            table.Write(surroundings.Out, surroundings.OutWidth());
            return ExitCode.Success;
        });
        return command;
    }
}
