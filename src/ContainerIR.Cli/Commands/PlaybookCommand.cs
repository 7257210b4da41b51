using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContainerIR.Actions;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Playbooks;
using ContainerIR.Playbooks.Actions;
using ContainerIR.Playbooks.Runs;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir playbook list|show|check|run|resume|export|import|approvers</c>.</summary>
internal static class PlaybookCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Make(Surroundings surroundings)
    {
        Command command = new("playbook", "Playbooks: what to do in which order, approved, recorded, undone exactly.");
        command.Add(MakeList(surroundings));
        command.Add(MakeShow(surroundings));
        command.Add(MakeCheck(surroundings));
        command.Add(PlaybookRun.MakeRun(surroundings));
        command.Add(PlaybookRun.MakeResume(surroundings));
        command.Add(MakeExport(surroundings));
        command.Add(MakeImport(surroundings));
        command.Add(MakeApprovers(surroundings));
        return command;
    }

    public static Argument<string> PlaybookName() => new("PLAYBOOK") { Description = "Name of a playbook (cir playbook list), or a file: .yaml, or CACAO 2.0 .json" };

    public static PlaybookLibrary Library(CaseHome home, IReadOnlyList<IAction> actions) => new(Path.Combine(home.Path, "playbooks"), actions);

    public static ApproverRoster Roster(CaseHome home) => new(Path.Combine(home.Path, "approvers"));

    /// <summary>The actions, for looking only.</summary>
    public static IReadOnlyList<IAction> Actions(Surroundings surroundings, CaseHome home) => surroundings.Actions(
        new OwnActionParts(home, _ => throw new InvalidOperationException("nothing is sealed while looking"), surroundings.Clock, (_, _, _) => throw new InvalidOperationException("nothing is acquired while looking"), surroundings.Say));

    private static Command MakeList(Surroundings surroundings)
    {
        Option<string?> home = Shared.Home();
        Command command = new("list", "List the playbooks: those that come with cir and those of this machine.") { home };
        command.SetAction(parsed =>
        {
            CaseHome place = surroundings.Home(parsed.GetValue(home));
            Table table = new(new("PLAYBOOK"), new("VERSION"), new("FOR"), new("NAME", MinCells: 12));
            foreach (ListedPlaybook listed in Library(place, Actions(surroundings, place)).List())
            {
                table.Add(
                    DisplayText.Shorten(listed.Slug, 64),
                    listed.Playbook is { } playbook ? DisplayText.Shorten(playbook.Version, 24) : "",
                    listed.Playbook is { } named ? string.Join(",", named.TriggerRules) : "",
                    listed.Playbook is { } good ? DisplayText.Shorten(good.Name, 100) : $"! {Quantities.Count(listed.Faults.Count, "fault")}: cir playbook check {DisplayText.Shorten(listed.Slug, 64)}");
            }

            table.Write(surroundings.Out, surroundings.OutWidth());
            return ExitCode.Success;
        });
        return command;
    }

    private static Command MakeShow(Surroundings surroundings)
    {
        Argument<string> name = PlaybookName();
        Option<string?> home = Shared.Home();
        Command command = new("show", "Draw a playbook as a tree: steps, who approves, what evidence each costs.") { name, home };
        command.SetAction(parsed =>
        {
            CaseHome place = surroundings.Home(parsed.GetValue(home));
            IReadOnlyList<IAction> actions = Actions(surroundings, place);
            Playbook playbook = Library(place, actions).Open(parsed.GetRequiredValue(name));
            surroundings.Out.WriteLine($"{DisplayText.Escape(playbook.Name)}  {DisplayText.Escape(playbook.Version)}{(playbook.Tlp is { } level ? "  " + DisplayText.Escape(level) : "")}");
            surroundings.Out.WriteLine(DisplayText.Escape(playbook.Description));
            surroundings.Out.WriteLine($"sha256 {playbook.Sha256}");
            surroundings.Out.WriteLine();
            PlaybookText.WriteTree(surroundings.Out, PlaybookPlan.Of(playbook, actions), "");
            return ExitCode.Success;
        });
        return command;
    }

    private static Command MakeCheck(Surroundings surroundings)
    {
        Argument<string[]> names = new("PLAYBOOK") { Description = "Names or files; all that are listed when none is given.", Arity = ArgumentArity.ZeroOrMore };
        Option<string?> home = Shared.Home();
        Command command = new("check", "Name every fault of playbooks, with line and column.") { names, home };
        command.SetAction(parsed =>
        {
            CaseHome place = surroundings.Home(parsed.GetValue(home));
            PlaybookLibrary library = Library(place, Actions(surroundings, place));
            string[] wanted = parsed.GetValue(names) is { Length: > 0 } given ? given : [.. library.List().Select(listed => listed.Origin == "shipped" ? listed.Slug : listed.Origin)];
            int faulty = 0;
            foreach (string each in wanted)
            {
                (string origin, Playbook? playbook, IReadOnlyList<PlaybookFault> faults) = library.Check(each);
                string file = DisplayText.Escape(origin);
                faulty += playbook is null ? 1 : 0;
                surroundings.Out.WriteLine(playbook is null ? $"{file}: {Quantities.Count(faults.Count, "fault")}" : $"{file}: good  sha256 {playbook.Sha256}");
                foreach (PlaybookFault fault in faults)
                {
                    surroundings.Out.WriteLine(fault.At(file));
                }
            }

            return faulty == 0 ? ExitCode.Success : ExitCode.OperatorProblem;
        });
        return command;
    }

    private static Command MakeExport(Surroundings surroundings)
    {
        Argument<string?> name = new("PLAYBOOK") { Description = "Name or file of a playbook; not with --run.", Arity = ArgumentArity.ZeroOrOne };
        Option<string> format = new("--format") { Description = "cacao: the playbook as CACAO 2.0 JSON. execution-status: what a run did.", HelpName = "cacao|execution-status", DefaultValueFactory = _ => "cacao" };
        format.AcceptOnlyFromAmong("cacao", "execution-status");
        Option<string?> run = new("--run") { Description = "The run.", HelpName = "RUN" };
        Option<string?> caseId = new("--case") { Description = "The case of the run.", HelpName = "ID" };
        Option<string?> home = Shared.Home();
        Command command = new("export", "Print a playbook as CACAO 2.0 JSON (RFC 8785), or what a run did.") { name, format, run, caseId, home };
        command.SetAction(parsed =>
        {
            CaseHome place = surroundings.Home(parsed.GetValue(home));
            IReadOnlyList<IAction> actions = Actions(surroundings, place);
            if (parsed.GetValue(format) == "cacao")
            {
                Playbook playbook = Library(place, actions).Open(parsed.GetValue(name) ?? throw new OperatorException("No playbook is named.", "cir playbook export PLAYBOOK"));
                surroundings.Out.Write(System.Text.Encoding.UTF8.GetString(playbook.Canonical));
                surroundings.Out.Write('\n');
                return ExitCode.Success;
            }

            if (parsed.GetValue(run) is not { } runId || parsed.GetValue(caseId) is not { } id)
            {
                throw new OperatorException("A run and its case are needed.", "cir playbook export --format execution-status --run RUN --case ID");
            }

            (JsonObject status, _) = Status(place, id, runId, actions);
            surroundings.Out.WriteLine(status.ToJsonString(Indented));
            return ExitCode.Success;
        });
        return command;
    }

    private static (JsonObject Status, Playbook Playbook) Status(CaseHome home, string caseId, string runId, IReadOnlyList<IAction> actions)
    {
        string folder = PlaybookSession.CaseFolder(home, caseId);
        using RunFile file = RunFile.Open(folder, runId);
        Playbook playbook = file.Load(PlaybookSession.OpeningOf(file).Sha256, actions);
        return (ExecutionStatus.Of(file.Lines, playbook), playbook);
    }

    private static Command MakeImport(Surroundings surroundings)
    {
        Argument<string> source = new("FILE") { Description = "A playbook: CACAO 2.0 JSON, or YAML." };
        Option<string?> home = Shared.Home();
        Command command = new("import", "Take over a playbook from elsewhere. Its foreign commands are shown as manual steps; none runs unless a run allows it.") { source, home };
        command.SetAction(parsed =>
        {
            CaseHome place = surroundings.Home(parsed.GetValue(home));
            IReadOnlyList<IAction> actions = Actions(surroundings, place);
            string path = parsed.GetRequiredValue(source);
            Playbook playbook = Library(place, actions).Open(path.Contains('/', StringComparison.Ordinal) ? path : "./" + path);
            string folder = Path.Combine(place.Path, "playbooks");
            string file = Path.Combine(folder, (playbook.Slug.StartsWith("playbook--", StringComparison.Ordinal) ? playbook.Slug["playbook--".Length..] : playbook.Slug) + ".json");
            try
            {
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                File.WriteAllBytes(file, playbook.Canonical);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                throw new OperatorException($"{DisplayText.Escape(file)} cannot be written: {failure.Message}", "Run as the owner of the home.", failure);
            }

            surroundings.Out.WriteLine(DisplayText.Escape(Path.GetFileNameWithoutExtension(file)));
            foreach (ForeignStep step in playbook.Steps.Values.OfType<ForeignStep>())
            {
                surroundings.Say($"By hand: {DisplayText.Shorten(step.Name, 100)}");
                foreach (ForeignCommand each in step.Commands)
                {
                    surroundings.Say($"  [{DisplayText.Escape(each.Type)}] {DisplayText.Shorten(each.Text, 500)}");
                }
            }

            surroundings.Say($"Imported. Look at it before it is run: cir playbook show {DisplayText.Escape(Path.GetFileNameWithoutExtension(file))}");
            return ExitCode.Success;
        });
        return command;
    }

    private static Command MakeApprovers(Surroundings surroundings)
    {
        Option<string?> add = new("--add") { Description = "Certificate of the approver's own key (PEM): that person may approve from now on.", HelpName = "FILE" };
        Option<string?> role = new("--role") { Description = "Role in which, for example lead.", HelpName = "ROLE" };
        Option<string?> home = Shared.Home();
        Command command = new("approvers", "List who may approve steps, or add somebody.") { add, role, home };
        command.SetAction(parsed =>
        {
            ApproverRoster roster = Roster(surroundings.Home(parsed.GetValue(home)));
            if (parsed.GetValue(add) is { } path)
            {
                string pem;
                try
                {
                    pem = File.ReadAllText(path);
                }
                catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
                {
                    throw new OperatorException($"{DisplayText.Escape(path)} cannot be read: {failure.Message}", "Name the approver's responder-cert.pem.", failure);
                }

                roster.Add(parsed.GetValue(role) ?? throw new OperatorException("No role is named.", "cir playbook approvers --add FILE --role lead"), pem);
            }

            Table table = new(new("NAME", MinCells: 8), new("ROLES"), new("CERTIFICATE SHA-256"));
            foreach (Approver approver in roster.List())
            {
                table.Add(approver.Name, string.Join(",", approver.Roles), approver.Sha256);
            }

            table.Write(surroundings.Out, surroundings.OutWidth());
            return ExitCode.Success;
        });
        return command;
    }
}
