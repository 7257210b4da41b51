using System.Security.Cryptography;
using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Playbooks;
using ContainerIR.Playbooks.Actions;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Rows;

namespace ContainerIR.Cli.Commands;

/// <summary>What runs of playbooks are made with: the same for <c>cir playbook run</c> and for the console.</summary>
internal sealed class PlaybookSession
{
    private readonly Surroundings surroundings;
    private readonly string? endpoint;

    /// <param name="surroundings">The process; <see cref="Surroundings.Say"/> hears what the actions have to say.</param>
    /// <param name="home">Cases, keys, playbooks, approvers.</param>
    /// <param name="passphrases">Opens the responder's key where a step seals.</param>
    /// <param name="endpoint">The engine; null to look at the usual places.</param>
    /// <param name="progress">Hears how far an acquisition is.</param>
    public PlaybookSession(Surroundings surroundings, CaseHome home, Passphrases passphrases, string? endpoint, IProgress<AcquisitionProgress> progress)
    {
        (this.surroundings, Home, this.endpoint) = (surroundings, home, endpoint);
        Actions = surroundings.Actions(new OwnActionParts(
            home,
            passphrases.Read,
            surroundings.Clock,
            (request, parts, ct) => AcquireCommand.AcquireAsync(surroundings, request, parts, passphrases, progress, ct),
            surroundings.Say)
        {
            Endpoint = endpoint,
            ChangesFolder = surroundings.ChangesFolder,
            IsRoot = surroundings.IsRoot,
            Triage = surroundings.Triage,
        });
        Library = PlaybookCommand.Library(home, Actions);
    }

    /// <summary>Where cases are.</summary>
    public CaseHome Home { get; }

    /// <summary>What steps may do.</summary>
    public IReadOnlyList<IAction> Actions { get; }

    /// <summary>The playbooks.</summary>
    public PlaybookLibrary Library { get; }

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

    /// <summary>Begins a run; its case is opened when it does not exist.</summary>
    public RunFile Begin(string caseId, string? examiner)
    {
        (CaseStore opened, bool isNew) = CaseStore.OpenOrCreate(Home, caseId, new CaseFacts(examiner, null), surroundings.Clock);
        using (opened)
        {
            if (isNew)
            {
                surroundings.Say($"Case {opened.Id} is new: opened in {DisplayText.Escape(opened.Folder)}");
            }

            return RunFile.Create(opened.Folder, surroundings.Clock.GetUtcNow());
        }
    }

    /// <summary>What a run that was cut goes on with: what it was begun with, and who goes on.</summary>
    /// <exception cref="OperatorException">It has ended, or was never begun.</exception>
    public (Playbook Playbook, RunRequest Request) GoOn(RunFile file, string caseId, string? examiner, IReadOnlyList<string> allowed)
    {
        if (file.Lines.Any(line => line.Text("kind") == "end"))
        {
            throw new OperatorException($"The run {file.RunId} has ended.", $"See what it did: cir playbook export --format execution-status --run {file.RunId} --case {caseId}");
        }

        Opening opening = OpeningOf(file);
        RunRequest request = new()
        {
            CaseId = caseId,
            Container = opening.Container,
            Operator = OperatorOf(examiner),
            Inputs = opening.Inputs,
            IsExercise = opening.IsExercise,
            Override = opening.Override,
            AllowedCommands = allowed,
        };
        return (file.Load(opening.Sha256, Actions), request);
    }

    /// <summary>Runs it, or goes on with it, until it ends or is stopped.</summary>
    public async Task<FinishedRun> RunAsync(Playbook playbook, RunRequest request, RunFile file, IPlaybookPeople people, CancellationToken ct)
    {
        using PlaybookEngine engine = new(new EngineParts(Actions, surroundings.OpenTimeline(Home, request.CaseId), people, PlaybookCommand.Roster(Home), Library.ById, surroundings.Clock)
        {
            RunForeign = ForeignShell.RunAsync,
            Undo = (id, token) => surroundings.UndoChange(new ActionParts(Home, surroundings.Clock) { Endpoint = endpoint, ChangesFolder = surroundings.ChangesFolder }, id, token),
        });
        return await engine.RunAsync(playbook, request, file, ct);
    }

    /// <summary>Changes a run left in force that nobody undid meanwhile.</summary>
    public IEnumerable<string> InForce(FinishedRun run)
    {
        HashSet<string> ended = [.. DoCommand.PartsOf(surroundings, Home.Path, endpoint).Journal.List(out _).Where(change => !ChangeJournal.IsOpen(change)).Select(change => change.Id)];
        return run.ChangesInForce.Where(change => !ended.Contains(change));
    }

    /// <summary>What each step would do here, in words; changes nothing.</summary>
    public async Task<Dictionary<PlaybookStep, IReadOnlyList<string>>> PreviewAsync(Playbook playbook, RunRequest request, CancellationToken ct)
    {
        Dictionary<string, string> values = PlaybookEngine.Inputs(playbook, request);
        Dictionary<PlaybookStep, IReadOnlyList<string>> previews = [];
        foreach (BuiltInStep step in playbook.Steps.Values.OfType<BuiltInStep>())
        {
            IAction action = Actions.First(each => each.Name == step.Action);
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

        return previews;
    }

    /// <summary>Approvals of a playbook that cannot be given by those who are registered, in words.</summary>
    public IEnumerable<string> MissingApprovers(Playbook playbook)
    {
        IReadOnlyList<Approver> known = PlaybookCommand.Roster(Home).List();
        foreach (ApprovalStep step in playbook.Steps.Values.OfType<ApprovalStep>())
        {
            int able = known.Count(approver => approver.Roles.Intersect(step.Approval.Roles).Any());
            if (able < step.Approval.Quorum)
            {
                yield return $"{DisplayText.Escape(step.ApprovalOf)} needs {step.Approval.Quorum} of {string.Join(", ", step.Approval.Roles)}; {able} are registered. Add: cir playbook approvers --add FILE --role ROLE";
            }
        }
    }

    /// <summary>Who sits at the keyboard.</summary>
    public Operator OperatorOf(string? examiner)
    {
        HostFacts host = HostFacts.Read();
        LocalLogin login = host.Login;
        string? certificate = IdentityFolder.Exists(Home.KeysFolder) ? Convert.ToHexStringLower(SHA256.HashData(IdentityFolder.ReadCertificates(Home.KeysFolder)[0])) : null;
        string account = login.SudoUser ?? login.LoginName ?? login.Name ?? $"uid {login.Uid}";
        return new Operator(examiner ?? account, examiner is null ? "login" : $"login {account}", host.HostName, login.Terminal, login.SshConnection, certificate);
    }
}

/// <summary>How a run was begun.</summary>
internal sealed record Opening(string Sha256, string Container, Dictionary<string, string> Inputs, bool IsExercise, string? Override);
