using System.CommandLine;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir undo [ID]</c>.</summary>
internal static class UndoCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string?> id = new("ID") { Description = "The change, as cir status names it; without it the only one in force.", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> reset = new("--reset-sockets") { Description = "End connections that outlived an isolation before it is lifted." };
        Option<bool> keep = new("--keep-sockets") { Description = "Let them go on." };
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("undo", "Put back exactly what a change on this host changed.") { id, reset, keep, home, json };
        command.SetAction(async (parsed, ct) =>
        {
            ActionParts parts = DoCommand.PartsOf(surroundings, parsed.GetValue(home), null);
            if (parsed.GetValue(reset) && parsed.GetValue(keep))
            {
                throw new OperatorException("--reset-sockets and --keep-sockets exclude each other.", "Give one of them.");
            }

            bool? choice = parsed.GetValue(reset) ? true : parsed.GetValue(keep) ? false : null;
            Change change = parts.Journal.Load(parsed.GetValue(id) ?? TheOnlyOne(parts));
            UndoResult result = await Deed.UndoAsync(surroundings, parts, change, new UndoChoices(choice), ct);

            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, result, CliJson.Default.UndoResult);
            }
            else
            {
                surroundings.Out.WriteLine(Cells.Safe(result.Summary));
            }

            return DoCommand.CodeOf(result.Undone, null);
        });
        return command;
    }

    private static string TheOnlyOne(ActionParts parts) => parts.Journal.List(out _).Where(ChangeJournal.IsOpen).ToList() switch
    {
        [var one] => one.Id,
        [] => throw new OperatorException("No change is in force on this host.", "See the past ones: cir status --all"),
        _ => throw new OperatorException("Several changes are in force on this host.", "Name one: cir status shows them."),
    };
}
