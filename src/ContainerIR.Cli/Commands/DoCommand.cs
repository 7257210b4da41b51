using System.CommandLine;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Acquisitions;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Playbooks;
using ContainerIR.Playbooks.Actions;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir do ACTION [CONTAINER] --case ID</c>: one subcommand an action, its options made of the action's parameters. The same actions as the steps of playbooks.</summary>
internal static class DoCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Command command = new("do", "Do one step by hand: look, copy, judge; cut a container off, freeze it, end it. Journaled before, proven after; see also: cir status, cir undo.");

        // Only to describe them: where the cases are is asked when one runs.
        foreach (IAction action in PlaybookCommand.Actions(surroundings, new Cases.CaseHome("/")))
        {
            command.Add(MakeOne(surroundings, action));
        }

        return command;
    }

    /// <summary>What actions take from these surroundings.</summary>
    public static ActionParts PartsOf(Surroundings surroundings, string? home, string? endpoint) => new(surroundings.Home(home), surroundings.Clock)
    {
        Endpoint = endpoint,
        ChangesFolder = surroundings.ChangesFolder,
    };

    /// <summary>What the exit code says of an outcome: done, and shown so where there is something to show.</summary>
    public static int CodeOf(bool done, bool? verified) => done && verified != false ? ExitCode.Success : ExitCode.ChangeNotProven;

    private static Command MakeOne(Surroundings surroundings, IAction action)
    {
        Argument<string?> container = new("CONTAINER") { Description = "Id, unique prefix of it, or name.", Arity = action.NeedsContainer ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne };
        Option<string> caseId = new("--case") { Description = "Case id.", HelpName = "ID", Required = true };
        Option<bool> dryRun = new("--dry-run") { Description = "Say what it would do and what it costs; change nothing." };
        Option<string?> over = new("--override") { Description = "Do it without a sealed acquisition; the reason is recorded first.", HelpName = "REASON" };
        Option<bool> yes = new("--yes") { Description = "Do not ask before evidence is destroyed." };
        Option<string?> home = Shared.Home();
        Option<string?> endpoint = Shared.Endpoint();
        Option<string?> examiner = Shared.Examiner();
        Option<string?> passphraseFile = Shared.PassphraseFile();
        Option<bool> json = Shared.Json();
        Command command = new(action.Name, $"{action.Title}. {EffectWords(action)} Costs: {action.EvidenceCost}") { container, caseId };
        Dictionary<string, Option<string?>> values = [];
        foreach (ActionParameter parameter in action.Parameters)
        {
            values[parameter.Name] = OptionOf(parameter);
            command.Add(values[parameter.Name]);
        }

        foreach (Option each in action.Effect == ActionEffect.Destroys ? (Option[])[dryRun, over, yes] : [dryRun])
        {
            command.Add(each);
        }

        foreach (Option each in (Option[])[examiner, home, endpoint, .. action is CollectAction ? [passphraseFile] : Array.Empty<Option>(), json])
        {
            command.Add(each);
        }

        command.SetAction(async (parsed, ct) =>
        {
            ActionParts parts = PartsOf(surroundings, parsed.GetValue(home), parsed.GetValue(endpoint));
            PlaybookSession session = new(surroundings, parts.Home, new Passphrases(surroundings, parsed.GetValue(passphraseFile)), parsed.GetValue(endpoint), new PlainProgress(surroundings.Say));
            IAction chosen = session.Actions.First(each => each.Name == action.Name);
            string? reason = action.Effect == ActionEffect.Destroys ? parsed.GetValue(over) : null;
            if (reason is not null && string.IsNullOrWhiteSpace(reason))
            {
                throw new OperatorException("--override needs a reason: it stands first in the record.", "Write why evidence is given up: --override \"REASON\"");
            }

            Dictionary<string, string> given = values.Select(each => (each.Key, Value: parsed.GetValue(each.Value))).Where(each => each.Value is not null).ToDictionary(each => each.Key, each => each.Value!);
            List<string> faults = [];
            IReadOnlyDictionary<string, string> with = ParameterValue.Complete(action, given, faults);
            if (faults.Count > 0)
            {
                throw new OperatorException($"{string.Join("; ", faults)}.", $"See what it takes: cir do {action.Name} --help");
            }

            string id = parsed.GetRequiredValue(caseId);
            Cases.CaseId.Check(id);
            string actor = string.IsNullOrWhiteSpace(parsed.GetValue(examiner)) ? Responder.SubjectOf(null).Name : parsed.GetValue(examiner)!;
            ActionCall call = new(parsed.GetValue(container) ?? "", with, id, actor, reason);
            if (parsed.GetValue(dryRun))
            {
                return Show(surroundings, await chosen.PreviewAsync(call, ct), action, parsed.GetValue(json));
            }

            if (action.Effect == ActionEffect.Destroys && !parsed.GetValue(yes))
            {
                ActionPreview preview = await chosen.PreviewAsync(call, ct);
                throw new OperatorException(
                    $"{action.Name} destroys evidence: {string.Join(' ', [preview.EvidenceCost, .. preview.Faults])}", "If that is what you want, give the same command with --yes.");
            }

            ActionOutcome outcome = await Deed.DoAsync(surroundings, parts, chosen, call, ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, outcome, CliJson.Default.ActionOutcome);
            }
            else
            {
                Write(surroundings, outcome);
            }

            return CodeOf(outcome.Done, outcome.Verified);
        });
        return command;
    }

    /// <summary>What an action does to the evidence, and whether it can be undone.</summary>
    public static string EffectWords(IAction action) => action switch
    {
        { Effect: ActionEffect.Reads } => "Changes nothing.",
        { Effect: ActionEffect.Destroys } => "Destroys evidence: refused before a sealed acquisition of the container stands in the case.",
        IReversible { UndoLeaves: { } leaves } => $"Undone by cir undo: {leaves}.",
        { CanBeUndone: true } => "Undone exactly by cir undo.",
        _ => "Not undone by cir undo.",
    };

    private static Option<string?> OptionOf(ActionParameter parameter)
    {
        string words = (parameter.Choices, parameter.Default) switch
        {
            ({ } choices, { } standard) => $" One of {string.Join(", ", choices)}; default {standard}.",
            ({ } choices, null) => $" One of {string.Join(", ", choices)}.",
            (null, { } standard) => $" Default: {standard}.",
            _ => "",
        };
        Option<string?> option = new("--" + parameter.Name.Replace('_', '-'))
        {
            Description = parameter.Help + words,
            HelpName = parameter.Kind switch
            {
                ParameterKind.Number => "NUMBER",
                ParameterKind.Switch => "true|false",
                ParameterKind.Size => "SIZE",
                ParameterKind.Duration => "TIME",
                ParameterKind.List => "A,B",
                _ => "TEXT",
            },
            Required = parameter.Required,
            Arity = parameter.Kind == ParameterKind.Switch ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
        };
        if (parameter.Kind == ParameterKind.Switch)
        {
            // Written alone it is on.
            option.CustomParser = result => result.Tokens.Count == 0 ? "true" : result.Tokens[0].Value;
        }

        return option;
    }

    /// <summary>Prints what an action would do.</summary>
    public static int Show(Surroundings surroundings, ActionPreview preview, IAction action, bool isJson)
    {
        if (isJson)
        {
            CliJson.Write(surroundings.Out, preview, CliJson.Default.ActionPreview);
        }
        else
        {
            surroundings.Out.WriteLine($"would      {action.Name}");
            surroundings.Out.WriteLine($"costs      {Cells.Safe(preview.EvidenceCost)}");
            foreach (IReadOnlyList<string> command in preview.Commands)
            {
                surroundings.Out.WriteLine($"command    {Cells.Safe(string.Join(' ', command.Select(Word)))}");
            }

            foreach (string fault in preview.Faults)
            {
                surroundings.Out.WriteLine($"hindrance  {Cells.Safe(fault)}");
            }
        }

        return preview.Faults.Count == 0 ? ExitCode.Success : ExitCode.OperatorProblem;
    }

    /// <summary>Prints what came of an action: what was done, and what each probe said.</summary>
    public static void Write(Surroundings surroundings, ActionOutcome outcome)
    {
        surroundings.Out.WriteLine(Cells.Safe(outcome.Summary));
        foreach ((string name, string value) in outcome.Outputs.Where(each => each.Key.StartsWith("probe.", StringComparison.Ordinal) && !each.Key.EndsWith(".words", StringComparison.Ordinal)))
        {
            surroundings.Out.WriteLine($"  {name["probe.".Length..],-12} {value,-15} {Cells.Safe(outcome.Outputs.GetValueOrDefault(name + ".words") ?? "")}");
        }

        if (outcome.ChangeId is { } change)
        {
            surroundings.Say($"Undo it: cir undo {change}");
        }

        if (outcome.Verified == false)
        {
            surroundings.Say("NOT VERIFIED: do not rely on it.");
        }
    }

    // For reading, never for a shell.
    private static string Word(string word) => word.Length > 0 && word.All(static each => char.IsAsciiLetterOrDigit(each) || "-_./:=@,".Contains(each)) ? word : $"'{DisplayText.Escape(word)}'";
}
