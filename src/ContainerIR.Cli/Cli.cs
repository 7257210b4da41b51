using System.CommandLine;
using System.CommandLine.Help;
using ContainerIR.Acquisitions;
using ContainerIR.Cli.Commands;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli;

/// <summary>The list of commands, and what becomes of their exceptions. A new command is one file in Commands and one line here.</summary>
internal static class Cli
{
    private const int HelpWidth = 100;

    public static RootCommand Commands(Surroundings surroundings)
    {
        RootCommand root = new("Captures forensic evidence of containers: copies it most volatile first, hashes it, seals it so that anybody can verify it.") { HelpName = "cir" };
        root.Add(ContainersCommand.Make(surroundings));
        root.Add(AcquireCommand.Make(surroundings));
        root.Add(TriageCommand.Make(surroundings));
        root.Add(WhoisCommand.Make(surroundings));
        root.Add(VerifyCommand.Make(surroundings));
        root.Add(CaseCommand.Make(surroundings));
        root.Add(TimelineCommand.Make(surroundings));
        root.Add(SearchCommand.Make(surroundings));
        root.Add(BundleCommand.Make(surroundings));
        root.Add(HandoverCommand.Make(surroundings));
        root.Add(ReceiveCommand.Make(surroundings));
        root.Add(CustodyCommand.Make(surroundings));
        root.Add(ExportCommand.Make(surroundings));
        root.Add(ReportCommand.Make(surroundings));
        root.Add(ShipCommand.Make(surroundings));
        root.Add(DoCommand.Make(surroundings));
        root.Add(UndoCommand.Make(surroundings));
        root.Add(StatusCommand.Make(surroundings));
        root.Add(WatchCommand.Make(surroundings));
        root.Add(PlaybookCommand.Make(surroundings));
        root.Add(KeysCommand.Make(surroundings));
        root.Add(DoctorCommand.Make(surroundings));
        root.Add(ConsoleCommand.Make(surroundings));
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction standard } help)
            {
                help.Action = new HelpWithExitCodes(standard, surroundings);
            }
        }

        return root;
    }

    public static async Task<int> RunAsync(string[] args, Surroundings surroundings, CancellationToken ct)
    {
        RootCommand root = Commands(surroundings);
        ParseResult parsed = root.Parse(args.Length == 0 ? [surroundings is { AskSecret: not null } && surroundings.OutWidth() is not null ? "console" : "--help"] : args);
        if (parsed.Errors.Count > 0)
        {
            // Text that was typed may have been pasted from a hostile place.
            foreach (string message in parsed.Errors.Select(error => error.Message).Distinct())
            {
                surroundings.Say(DisplayText.Escape(message));
            }

            surroundings.Say($"What to do: see {NameOf(parsed.CommandResult.Command)} --help");
            return ExitCode.OperatorProblem;
        }

        try
        {
            InvocationConfiguration invocation = new()
            {
                Output = surroundings.Out,
                Error = surroundings.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            };
            return await parsed.InvokeAsync(invocation, ct);
        }
        catch (OperatorException problem)
        {
            surroundings.Say(problem.Message);
            surroundings.Say($"What to do: {problem.Remedy}");
            return ExitCode.OperatorProblem;
        }
        catch (BundleWriteException failure)
        {
            surroundings.Say($"The bundle could not be written: {failure.Message}");
            surroundings.Say("What to do: free space or repair the target, then acquire again. What was written stays where it is.");
            return ExitCode.BundleWriteFailed;
        }
        catch (OperationCanceledException)
        {
            surroundings.Say("Interrupted.");
            return ExitCode.Interrupted;
        }
        catch (Exception defect)
        {
            surroundings.Say($"A defect in cir {ToolFacts.Version}. Please report it with these lines:");
            surroundings.Say(defect.ToString());
            return ExitCode.Defect;
        }
    }

    private static string NameOf(Command command)
    {
        List<string> names = [];
        for (Command? each = command; each is not null; each = each.Parents.OfType<Command>().FirstOrDefault())
        {
            names.Insert(0, each is RootCommand ? "cir" : each.Name);
        }

        return string.Join(' ', names);
    }

    private sealed class HelpWithExitCodes(HelpAction standard, Surroundings surroundings) : System.CommandLine.Invocation.SynchronousCommandLineAction
    {
        // Help about a command must not ask for its arguments.
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            standard.MaxWidth = surroundings.OutWidth() ?? HelpWidth;
            int code = standard.Invoke(parseResult);
            surroundings.Out.WriteLine(ExitCode.Help);
            return code;
        }
    }
}
