using System.CommandLine;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Playbooks;
using ContainerIR.Playbooks.Runs;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir playbook run</c> and <c>cir playbook resume</c>.</summary>
internal static class PlaybookRun
{
    public static Command MakeRun(Surroundings surroundings)
    {
        Argument<string> name = PlaybookCommand.PlaybookName();
        Argument<string?> container = new("CONTAINER") { Description = "Id, unique prefix of an id, or name.", Arity = ArgumentArity.ZeroOrOne };
        Option<string> caseId = new("--case") { Description = "Case the run belongs to; opened when it does not exist.", HelpName = "ID", Required = true };
        Option<string[]> variables = new("--var") { Description = "Value of a variable the playbook takes; may be given several times.", HelpName = "NAME=VALUE" };
        Option<bool> dry = new("--dry-run") { Description = "Print every command and its evidence cost; change nothing." };
        Option<bool> exercise = new("--exercise") { Description = "Mark the run as an exercise; changes that can be undone are undone at its end." };
        Option<string?> force = new("--override") { Description = "Written reason to destroy evidence that is not sealed; it is printed first in the report.", HelpName = "REASON" };
        Option<string[]> allow = AllowCommands();
        Option<string?> examiner = Shared.Examiner();
        Option<string?> endpoint = Shared.Endpoint();
        Option<string?> home = Shared.Home();
        Option<string?> passphraseFile = Shared.PassphraseFile();
        Command command = new("run", "Run a playbook on a container: asks, has approved, does, proves, records.") { name, container, caseId, variables, dry, exercise, force, allow, examiner, endpoint, home, passphraseFile };
        command.SetAction(async (parsed, ct) =>
        {
            CaseHome place = surroundings.Home(parsed.GetValue(home));
            string id = CaseId.Check(parsed.GetRequiredValue(caseId));
            Passphrases passphrases = new(surroundings, parsed.GetValue(passphraseFile));
            PlaybookSession session = new(surroundings, place, passphrases, parsed.GetValue(endpoint), new PlainProgress(surroundings.Say));
            Playbook playbook = session.Library.Open(parsed.GetRequiredValue(name));
            RunRequest request = new()
            {
                CaseId = id,
                Container = parsed.GetValue(container) ?? "",
                Operator = session.OperatorOf(parsed.GetValue(examiner)),
                Inputs = Inputs(parsed.GetValue(variables) ?? []),
                IsExercise = parsed.GetValue(exercise),
                Override = parsed.GetValue(force),
                AllowedCommands = Allowed(parsed.GetValue(allow) ?? []),
            };
            if (parsed.GetValue(dry))
            {
                Dictionary<PlaybookStep, IReadOnlyList<string>> previews = await session.PreviewAsync(playbook, request, ct);
                surroundings.Out.WriteLine($"{DisplayText.Escape(playbook.Name)}  {DisplayText.Escape(playbook.Version)}: dry run, nothing is changed");
                PlaybookText.WriteTree(surroundings.Out, PlaybookPlan.Of(playbook, session.Actions), "", line => line.Step is { } step ? previews.GetValueOrDefault(step) ?? [] : []);
                return ExitCode.Success;
            }

            PlaybookEngine.Inputs(playbook, request);
            foreach (string missing in session.MissingApprovers(playbook))
            {
                surroundings.Say("Note: " + missing);
            }

            using RunFile file = session.Begin(id, parsed.GetValue(examiner));
            surroundings.Out.WriteLine(file.RunId);
            return await RunAsync(surroundings, session, playbook, request, file, ct);
        });
        return command;
    }

    public static Command MakeResume(Surroundings surroundings)
    {
        Argument<string> run = new("RUN") { Description = "Id of the run, as cir playbook run printed it." };
        Option<string> caseId = new("--case") { Description = "Case of the run.", HelpName = "ID", Required = true };
        Option<string[]> allow = AllowCommands();
        Option<string?> examiner = Shared.Examiner();
        Option<string?> endpoint = Shared.Endpoint();
        Option<string?> home = Shared.Home();
        Option<string?> passphraseFile = Shared.PassphraseFile();
        Command command = new("resume", "Go on with a run that was cut; nothing that was completed is done again.") { run, caseId, allow, examiner, endpoint, home, passphraseFile };
        command.SetAction(async (parsed, ct) =>
        {
            CaseHome place = surroundings.Home(parsed.GetValue(home));
            string id = CaseId.Check(parsed.GetRequiredValue(caseId));
            Passphrases passphrases = new(surroundings, parsed.GetValue(passphraseFile));
            PlaybookSession session = new(surroundings, place, passphrases, parsed.GetValue(endpoint), new PlainProgress(surroundings.Say));
            using RunFile file = RunFile.Open(PlaybookSession.CaseFolder(place, id), parsed.GetRequiredValue(run));
            (Playbook playbook, RunRequest request) = session.GoOn(file, id, parsed.GetValue(examiner), Allowed(parsed.GetValue(allow) ?? []));
            return await RunAsync(surroundings, session, playbook, request, file, ct);
        });
        return command;
    }

    private static async Task<int> RunAsync(Surroundings surroundings, PlaybookSession session, Playbook playbook, RunRequest request, RunFile file, CancellationToken ct)
    {
        FinishedRun run;
        try
        {
            run = await session.RunAsync(playbook, request, file, new PlaybookPeople(surroundings), ct);
        }
        catch (OperationCanceledException)
        {
            surroundings.Say($"Interrupted. Go on: cir playbook resume {file.RunId} --case {request.CaseId}");
            return ExitCode.Interrupted;
        }
        catch (OperatorException problem)
        {
            surroundings.Say(problem.Message);
            surroundings.Say($"What to do: {problem.Remedy}");
            surroundings.Say($"            Go on: cir playbook resume {file.RunId} --case {request.CaseId}");
            return ExitCode.OperatorProblem;
        }

        surroundings.Say("");
        surroundings.Say(run.Outcome == RunOutcome.Completed ? $"{DisplayText.Escape(playbook.Name)}: ran to its end." : $"{DisplayText.Escape(playbook.Name)}: ended early: {DisplayText.Shorten(run.Why ?? "", 500)}");
        foreach (string change in session.InForce(run))
        {
            surroundings.Say($"In force: {DisplayText.Escape(change)}   undo: cir undo {DisplayText.Escape(change)}");
        }

        return run.Outcome == RunOutcome.Completed ? ExitCode.Success : ExitCode.OperatorProblem;
    }

    private static Option<string[]> AllowCommands() => new("--allow-commands")
    {
        Description = "Run the bash commands of this foreign playbook as this host's user, instead of showing them to be done by hand. Commands that use variables stay by hand.",
        HelpName = "SHA256",
    };

    private static string[] Allowed(string[] given) =>
        Array.Find(given, each => each.Length != 64 || !each.All(char.IsAsciiHexDigitLower)) is { } wrong
            ? throw new OperatorException($"'{DisplayText.Shorten(wrong, 80)}' is no SHA-256 of a playbook.", "Read the playbook first; its whole digest stands above its steps: cir playbook show PLAYBOOK")
            : given;

    private static Dictionary<string, string> Inputs(string[] given)
    {
        Dictionary<string, string> inputs = [];
        foreach (string each in given)
        {
            int at = each.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0 || !inputs.TryAdd(each[..at], each[(at + 1)..]))
            {
                throw new OperatorException($"'{DisplayText.Shorten(each, 60)}' gives no variable a value.", "Write --var name=value, each name once.");
            }
        }

        return inputs;
    }
}
