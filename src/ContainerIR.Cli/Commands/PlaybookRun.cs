using System.CommandLine;
using System.Security.Cryptography;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Playbooks;
using ContainerIR.Playbooks.Actions;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Rows;

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
            IReadOnlyList<IAction> actions = ActionsFor(surroundings, place, passphrases, parsed.GetValue(endpoint));
            PlaybookLibrary library = PlaybookCommand.Library(place, actions);
            Playbook playbook = library.Open(parsed.GetRequiredValue(name));
            RunRequest request = new()
            {
                CaseId = id,
                Container = parsed.GetValue(container) ?? "",
                Operator = OperatorOf(place, parsed.GetValue(examiner)),
                Inputs = Inputs(parsed.GetValue(variables) ?? []),
                IsExercise = parsed.GetValue(exercise),
                Override = parsed.GetValue(force),
                AllowedCommands = Allowed(parsed.GetValue(allow) ?? []),
            };
            Dictionary<string, string> values = PlaybookEngine.Inputs(playbook, request);
            if (parsed.GetValue(dry))
            {
                await PreviewAsync(surroundings, playbook, request, values, actions, ct);
                return ExitCode.Success;
            }

            if (!CaseStore.Exists(place, id))
            {
                using CaseStore made = CaseStore.Create(place, id, new CaseFacts(parsed.GetValue(examiner), null), surroundings.Clock);
                surroundings.Say($"Case {made.Id} is new: opened in {DisplayText.Escape(made.Folder)}");
            }

            SayMissingApprovers(surroundings, place, playbook);
            using RunFile file = RunFile.Create(CaseFolder(place, id), surroundings.Clock.GetUtcNow());
            surroundings.Out.WriteLine(file.RunId);
            return await RunAsync(surroundings, place, library, actions, playbook, request, file, parsed.GetValue(endpoint), ct);
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
            IReadOnlyList<IAction> actions = ActionsFor(surroundings, place, passphrases, parsed.GetValue(endpoint));
            using RunFile file = RunFile.Open(CaseFolder(place, id), parsed.GetRequiredValue(run));
            if (file.Lines.Any(line => line.Text("kind") == "end"))
            {
                throw new OperatorException($"The run {file.RunId} has ended.", $"See what it did: cir playbook export --format execution-status --run {file.RunId} --case {id}");
            }

            Opening opening = OpeningOf(file);
            RunRequest request = new()
            {
                CaseId = id,
                Container = opening.Container,
                Operator = OperatorOf(place, parsed.GetValue(examiner)),
                Inputs = opening.Inputs,
                IsExercise = opening.IsExercise,
                Override = opening.Override,
                AllowedCommands = Allowed(parsed.GetValue(allow) ?? []),
            };
            return await RunAsync(surroundings, place, PlaybookCommand.Library(place, actions), actions, file.Load(opening.Sha256, actions), request, file, parsed.GetValue(endpoint), ct);
        });
        return command;
    }

    /// <summary>Folder of a case that exists.</summary>
    public static string CaseFolder(CaseHome home, string caseId)
    {
        using CaseStore store = CaseStore.OpenReadOnly(home, caseId);
        return store.Folder;
    }

    /// <summary>How a run was begun.</summary>
    public static Opening OpeningOf(RunFile file) => file.Lines is [var open, ..] && open.Text("kind") == "open" && open.Text("playbook_sha256") is { } sha256
        ? new Opening(sha256, open.Text("container") ?? "", open.TextMembers("inputs"), open.Flag("exercise"), open.Text("override"))
        : throw new OperatorException($"The run {file.RunId} was never begun.", "Start it anew: cir playbook run");

    private static async Task<int> RunAsync(
        Surroundings surroundings, CaseHome home, PlaybookLibrary library, IReadOnlyList<IAction> actions, Playbook playbook, RunRequest request, RunFile file, string? endpoint, CancellationToken ct)
    {
        using PlaybookEngine engine = new(new EngineParts(actions, surroundings.OpenTimeline(home, request.CaseId), new PlaybookPeople(surroundings), PlaybookCommand.Roster(home), library.ById, surroundings.Clock)
        {
            RunForeign = ForeignShell.RunAsync,
            Undo = (id, token) => surroundings.UndoChange(new ActionParts(home, surroundings.Clock) { Endpoint = endpoint }, id, token),
        });
        FinishedRun run;
        try
        {
            run = await engine.RunAsync(playbook, request, file, ct);
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
        // What the run left in force may have been undone meanwhile, by hand or by somebody else.
        HashSet<string> ended = [.. DoCommand.PartsOf(surroundings, home.Path, endpoint).Journal.List(out _).Where(change => !ChangeJournal.IsOpen(change)).Select(change => change.Id)];
        foreach (string change in run.ChangesInForce.Where(change => !ended.Contains(change)))
        {
            surroundings.Say($"In force: {DisplayText.Escape(change)}   undo: cir undo {DisplayText.Escape(change)}");
        }

        return run.Outcome == RunOutcome.Completed ? ExitCode.Success : ExitCode.OperatorProblem;
    }

    private static async Task PreviewAsync(
        Surroundings surroundings, Playbook playbook, RunRequest request, Dictionary<string, string> values, IReadOnlyList<IAction> actions, CancellationToken ct)
    {
        Dictionary<PlaybookStep, IReadOnlyList<string>> previews = [];
        foreach (BuiltInStep step in playbook.Steps.Values.OfType<BuiltInStep>())
        {
            IAction action = actions.First(each => each.Name == step.Action);
            List<string> faults = [], lines = [];
            Dictionary<string, string> filled = step.With.ToDictionary(pair => pair.Key, pair => VariableUses.Fill(pair.Value, values.GetValueOrDefault));
            IReadOnlyDictionary<string, string> with = ParameterValue.Complete(action, filled, faults);
            if (faults.Count == 0)
            {
                try
                {
                    ActionPreview preview = await action.PreviewAsync(new ActionCall(values.GetValueOrDefault("container") ?? request.Container, with, request.CaseId, request.Operator.Name, request.Override), ct);
                    lines.AddRange(preview.Commands.Select(command => "$ " + string.Join(' ', command.Select(DisplayText.Escape))));
                    lines.Add("here it costs: " + DisplayText.Escape(preview.EvidenceCost));
                    faults.AddRange(preview.Faults);
                }
                catch (OperatorException problem)
                {
                    faults.Add($"{problem.Message} {problem.Remedy}");
                }
            }

            previews[step] = [.. lines, .. faults.Select(fault => "! " + DisplayText.Escape(fault))];
        }

        surroundings.Out.WriteLine($"{DisplayText.Escape(playbook.Name)}  {DisplayText.Escape(playbook.Version)}: dry run, nothing is changed");
        PlaybookText.WriteTree(surroundings.Out, PlaybookPlan.Of(playbook, actions), "", line => line.Step is { } step ? previews.GetValueOrDefault(step) ?? [] : []);
    }

    private static void SayMissingApprovers(Surroundings surroundings, CaseHome home, Playbook playbook)
    {
        IReadOnlyList<Approver> known = PlaybookCommand.Roster(home).List();
        foreach (ApprovalStep step in playbook.Steps.Values.OfType<ApprovalStep>())
        {
            int able = known.Count(approver => approver.Roles.Intersect(step.Approval.Roles).Any());
            if (able < step.Approval.Quorum)
            {
                surroundings.Say($"Note: {DisplayText.Escape(step.ApprovalOf)} needs {step.Approval.Quorum} of {string.Join(", ", step.Approval.Roles)}; {able} are registered. Add: cir playbook approvers --add FILE --role ROLE");
            }
        }
    }

    private static IReadOnlyList<IAction> ActionsFor(Surroundings surroundings, CaseHome home, Passphrases passphrases, string? endpoint) => surroundings.Actions(new OwnActionParts(
        home,
        passphrases.Read,
        surroundings.Clock,
        (request, parts, ct) => AcquireCommand.AcquireAsync(surroundings, request, parts, passphrases, new PlainProgress(surroundings.Say), ct),
        surroundings.Say)
    {
        Endpoint = endpoint,
        IsRoot = surroundings.IsRoot,
        Triage = surroundings.Triage,
    });

    private static Operator OperatorOf(CaseHome home, string? examiner)
    {
        HostFacts host = HostFacts.Read();
        LocalLogin login = host.Login;
        string? certificate = IdentityFolder.Exists(home.KeysFolder) ? Convert.ToHexStringLower(SHA256.HashData(IdentityFolder.ReadCertificates(home.KeysFolder)[0])) : null;
        string account = login.SudoUser ?? login.LoginName ?? login.Name ?? $"uid {login.Uid}";
        return new Operator(examiner ?? account, examiner is null ? "login" : $"login {account}", host.HostName, login.Terminal, login.SshConnection, certificate);
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

/// <summary>How a run was begun.</summary>
internal sealed record Opening(string Sha256, string Container, Dictionary<string, string> Inputs, bool IsExercise, string? Override);
