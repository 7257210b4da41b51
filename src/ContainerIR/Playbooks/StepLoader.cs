using System.Text.RegularExpressions;
using ContainerIR.Actions;
using ContainerIR.Yaml;

namespace ContainerIR.Playbooks;

/// <summary>Reads the steps of a playbook.</summary>
internal sealed partial class StepLoader(IReadOnlyList<IAction> actions, List<PlaybookFault> faults)
{
    private const int MaxSteps = 500;

    /// <summary>Most passes of a loop.</summary>
    public const int MaxPasses = 1000;

    private static readonly string[] Kinds = ["action", "manual", "if", "switch", "parallel", "while", "call"];
    private static readonly string[] Shared = ["id", "name", "why", "timeout", "delay", "on_failure", "owner", "nist", "pci", "react", "d3fend"];

    private int count;

    /// <summary>The keys of each kind beside those every step has.</summary>
    public static IReadOnlyDictionary<string, string[]> Keys { get; } = new Dictionary<string, string[]>
    {
        ["action"] = ["action", "with", "evidence", "approve", "rollback", "out"],
        ["manual"] = ["manual", "ask", "approve", "evidence"],
        ["if"] = ["if", "then", "else"],
        ["switch"] = ["switch", "cases"],
        ["parallel"] = ["parallel"],
        ["while"] = ["while", "max", "do"],
        ["call"] = ["call", "with", "out"],
    };

    /// <summary>The keys every step has.</summary>
    public static IReadOnlyList<string> SharedKeys => Shared;

    public IReadOnlyList<AuthoredStep> ReadSteps(YamlNode node, string what, int least)
    {
        if (node is not YamlList list || list.Items.Count < least)
        {
            faults.Add(new PlaybookFault(node.Line, node.Column, $"{what} must be a list of at least {least} step"));
            return [];
        }

        List<AuthoredStep> steps = [];
        foreach (YamlNode item in list.Items)
        {
            if (++count == MaxSteps + 1)
            {
                faults.Add(new PlaybookFault(item.Line, item.Column, $"a playbook has at most {MaxSteps} steps"));
            }

            if (count <= MaxSteps && ReadStep(item) is { } step)
            {
                steps.Add(step);
            }
        }

        return steps;
    }

    private AuthoredStep? ReadStep(YamlNode node)
    {
        if (node is not YamlMap map)
        {
            faults.Add(new PlaybookFault(node.Line, node.Column, "a step is a mapping with an 'id' and one of: " + string.Join(", ", Kinds)));
            return null;
        }

        YamlFields fields = new(map, faults);
        string[] found = [.. Kinds.Where(fields.Has)];
        if (found.Length != 1)
        {
            fields.Fault(map, found.Length == 0
                ? $"a step has one of: {string.Join(", ", Kinds)}"
                : $"a step has only one of: {string.Join(", ", found)}");
            return null;
        }

        string kind = found[0];
        fields.OnlyKeys($"a step with '{kind}'", [.. Shared, .. Keys[kind]]);
        AuthoredStep step = new()
        {
            Id = fields.Text("id", required: true, PlaybookLoader.SlugForm(), PlaybookLoader.SlugWords) ?? "",
            Kind = Enum.Parse<AuthoredKind>(kind, ignoreCase: true),
            Line = map.Line,
            Column = map.Column,
            Name = fields.Text("name", max: 200),
            Why = fields.Text("why"),
            Timeout = fields.Span("timeout"),
            Delay = fields.Span("delay"),
            Owner = fields.Text("owner", form: PlaybookLoader.SlugForm(), formWords: PlaybookLoader.SlugWords),
            Nist = fields.Texts("nist", NistForm(), "an outcome of CSF 2.0 such as RS.AN-06"),
            Pci = fields.Texts("pci", PciForm(), "a requirement of PCI DSS such as 10.2.2"),
            React = fields.Texts("react", ReactForm(), "a response action such as RA_3101"),
            D3fend = fields.Texts("d3fend", D3fendForm(), "a technique such as D3-NI"),
            Evidence = fields.Has("evidence") && kind is "action" or "manual" ? fields.Text("evidence") : null,
        };
        step = ReadFailure(fields, step);
        return kind switch
        {
            "action" => ReadAction(fields, step),
            "manual" => step with { Manual = fields.Text("manual"), Ask = ReadNames(fields, "ask"), Approve = ReadApproval(fields) },
            "call" => step with
            {
                Action = fields.Text("call", form: PlaybookLoader.SlugForm(), formWords: PlaybookLoader.SlugWords),
                With = ReadArguments(fields),
                Out = ReadNames(fields, "out"),
            },
            "if" => step with { Condition = fields.Text("if"), Branches = [ReadBranch(fields, "then", required: true), .. fields.Has("else") ? [ReadBranch(fields, "else", required: true)] : Array.Empty<AuthoredBranch>()] },
            "while" => step with
            {
                Condition = fields.Text("while"),
                Max = (int)(fields.Number("max", 1, MaxPasses, required: true) ?? 1),
                Branches = [ReadBranch(fields, "do", required: true)],
            },
            "switch" => step with { Condition = fields.Text("switch", form: VariableUse(), formWords: "one variable: ${name}"), Branches = ReadBranches(fields, "cases", 1, CaseForm(), "a value of letters, digits, _ and -") },
            _ => step with { Branches = ReadBranches(fields, "parallel", 2, PlaybookLoader.SlugForm(), PlaybookLoader.SlugWords) },
        };
    }

    private AuthoredStep ReadAction(YamlFields fields, AuthoredStep step)
    {
        string? name = fields.Text("action");
        IAction? action = actions.FirstOrDefault(each => each.Name == name);
        if (name is not null && action is null)
        {
            fields.Fault(fields.Map["action"]!, $"there is no action '{YamlFields.Show(name)}': there are {string.Join(", ", actions.Select(each => each.Name))}");
        }

        step = step with
        {
            Action = name,
            With = action is null ? new Dictionary<string, string>() : ReadParameters(fields, action),
            Approve = ReadApproval(fields),
            Rollback = fields.Choice("rollback", ["automatic", "manual", "none"]),
            Out = ReadNames(fields, "out"),
        };
        if (action is { Effect: ActionEffect.Destroys })
        {
            if (!fields.Has("approve"))
            {
                fields.Fault(fields.Map, $"'{action.Name}' destroys evidence: it needs 'approve'");
            }

            if (!fields.Has("evidence"))
            {
                fields.Fault(fields.Map, $"'{action.Name}' destroys evidence: it needs 'evidence', what is lost in one sentence");
            }
        }

        return step;
    }

    private static Dictionary<string, string> ReadParameters(YamlFields fields, IAction action)
    {
        Dictionary<string, string> with = [];
        YamlFields? given = fields.Fields("with");
        foreach (YamlEntry entry in given?.Map.Entries ?? [])
        {
            ActionParameter? parameter = action.Parameters.FirstOrDefault(each => each.Name == entry.Key.Text);
            if (parameter is null)
            {
                fields.Fault(entry.Key, $"{action.Name} has no parameter '{YamlFields.Show(entry.Key.Text)}'{(action.Parameters.Count == 0 ? "" : ": it has " + string.Join(", ", action.Parameters.Select(each => each.Name)))}");
                continue;
            }

            string? fault;
            string? value = ValueOf(entry.Value, parameter, out fault);
            fault ??= value is null || VariableUse().IsMatch(value) ? null : ParameterValue.Fault(parameter, value);
            if (fault is not null)
            {
                fields.Fault(entry.Value, $"'{parameter.Name}' {fault}");
            }
            else
            {
                with[parameter.Name] = value!;
            }
        }

        foreach (ActionParameter missing in action.Parameters.Where(parameter => parameter.Required && given?.Has(parameter.Name) != true))
        {
            fields.Fault(fields.Map, $"{action.Name} needs '{missing.Name}': {missing.Help}");
        }

        return with;
    }

    private static string? ValueOf(YamlNode node, ActionParameter parameter, out string? fault)
    {
        fault = null;
        switch (node)
        {
            case YamlList list when parameter.Kind == ParameterKind.List && list.Items.Count > 0 && list.Items.All(item => item is YamlScalar { Kind: ScalarKind.Text, Text: { Length: > 0 } text } && !text.Contains(',')):
                return string.Join(',', list.Items.Cast<YamlScalar>().Select(item => item.Text));
            case YamlScalar { Kind: ScalarKind.Text, Text.Length: > 0 } scalar when parameter.Kind is not ParameterKind.List || VariableUse().IsMatch(scalar.Text):
                if (parameter.Kind is ParameterKind.Number or ParameterKind.Switch && !VariableUse().IsMatch(scalar.Text))
                {
                    fault = parameter.Kind == ParameterKind.Number ? "must be a whole number" : "must be true or false";
                }

                return scalar.Text;
            case YamlScalar { Kind: ScalarKind.Integer } scalar when parameter.Kind is ParameterKind.Number or ParameterKind.Size:
                return scalar.Text;
            case YamlScalar { Kind: ScalarKind.Switch } scalar when parameter.Kind is ParameterKind.Switch:
                return scalar.Text.ToLowerInvariant();
            default:
                fault = parameter.Kind switch
                {
                    ParameterKind.Number => "must be a whole number",
                    ParameterKind.Switch => "must be true or false",
                    ParameterKind.List => "must be a list of texts without commas",
                    ParameterKind.Size => "must be a size such as 8GiB",
                    ParameterKind.Duration => "must be a span of time such as 30s, 15m, 4h",
                    _ => "must be text",
                };
                return null;
        }
    }

    private static Dictionary<string, string> ReadArguments(YamlFields fields)
    {
        Dictionary<string, string> with = [];
        foreach (YamlEntry entry in fields.Fields("with")?.Map.Entries ?? [])
        {
            if (!PlaybookLoader.VariableForm().IsMatch(entry.Key.Text))
            {
                fields.Fault(entry.Key, $"'{YamlFields.Show(entry.Key.Text)}' is no name of a variable");
            }
            else if (fields.TextOf(entry.Value, $"'{YamlFields.Show(entry.Key.Text)}'") is { } value)
            {
                with[entry.Key.Text] = value;
            }
        }

        return with;
    }

    private AuthoredStep ReadFailure(YamlFields fields, AuthoredStep step)
    {
        switch (fields.Map["on_failure"])
        {
            case null:
                return step;
            case YamlList list:
                return step with { OnFailure = FailureWay.Steps, FailureSteps = ReadSteps(list, "'on_failure'", 1) };
            case YamlScalar { Text: "abort" }:
                return step;
            case YamlScalar { Text: "continue" }:
                return step with { OnFailure = FailureWay.Continue };
            case YamlScalar scalar when GotoForm().Match(scalar.Text) is { Success: true } match:
                return step with { OnFailure = FailureWay.Goto, FailureTarget = match.Groups[1].Value };
            case { } node:
                fields.Fault(node, "'on_failure' must be abort, continue, goto:STEP or a list of steps");
                return step;
        }
    }

    private static Approval? ReadApproval(YamlFields fields)
    {
        if (fields.Fields("approve") is not { } approve)
        {
            return null;
        }

        approve.OnlyKeys("'approve'", "quorum", "roles", "exclude_operator", "expires", "break_glass");
        IReadOnlyList<string> roles = approve.Texts("roles", PlaybookLoader.SlugForm(), PlaybookLoader.SlugWords, 16);
        if (!approve.Has("roles"))
        {
            approve.Fault(approve.Map, "'roles' is missing: who may approve");
        }

        return new Approval(
            (int)(approve.Number("quorum", 1, 5) ?? 1), roles, approve.Switch("exclude_operator") ?? false, approve.Span("expires") ?? TimeSpan.FromHours(1), approve.Switch("break_glass") ?? false);
    }

    private static IReadOnlyList<string> ReadNames(YamlFields fields, string key) =>
        fields.Texts(key, PlaybookLoader.VariableForm(), "the name of a variable");

    private AuthoredBranch ReadBranch(YamlFields fields, string key, bool required)
    {
        if (fields.Map[key] is { } node)
        {
            return new AuthoredBranch(key, ReadSteps(node, $"'{key}'", 1));
        }

        if (required)
        {
            fields.Fault(fields.Map, $"'{key}' is missing");
        }

        return new AuthoredBranch(key, []);
    }

    private List<AuthoredBranch> ReadBranches(YamlFields fields, string key, int least, Regex form, string formWords)
    {
        List<AuthoredBranch> branches = [];
        if (!fields.Has(key))
        {
            fields.Fault(fields.Map, $"'{key}' is missing");
            return branches;
        }

        if (fields.Fields(key) is { } named)
        {
            if (named.Map.Entries.Count < least)
            {
                named.Fault(named.Map, $"'{key}' must have at least {least}");
            }

            foreach (YamlEntry entry in named.Map.Entries)
            {
                if (!form.IsMatch(entry.Key.Text))
                {
                    fields.Fault(entry.Key, $"'{YamlFields.Show(entry.Key.Text)}' in '{key}' must be {formWords}");
                }

                branches.Add(new AuthoredBranch(entry.Key.Text, ReadSteps(entry.Value, $"'{YamlFields.Show(entry.Key.Text)}'", 1)));
            }
        }

        return branches;
    }

    [GeneratedRegex("^\\$\\{([a-zA-Z][a-zA-Z0-9_]{0,99})\\}\\z", RegexOptions.NonBacktracking)]
    internal static partial Regex VariableUse();

    [GeneratedRegex("^goto:([a-z][a-z0-9-]{0,63})\\z", RegexOptions.NonBacktracking)]
    private static partial Regex GotoForm();

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,200}\\z", RegexOptions.NonBacktracking)]
    private static partial Regex CaseForm();

    [GeneratedRegex("^(GV|ID|PR|DE|RS|RC)\\.[A-Z]{2}-[0-9]{2}\\z", RegexOptions.NonBacktracking)]
    private static partial Regex NistForm();

    [GeneratedRegex("^[0-9]{1,2}(\\.[0-9]{1,2}){1,3}\\z", RegexOptions.NonBacktracking)]
    private static partial Regex PciForm();

    [GeneratedRegex("^RA_[0-9]{4}\\z", RegexOptions.NonBacktracking)]
    private static partial Regex ReactForm();

    [GeneratedRegex("^D3-[A-Z0-9]{1,12}\\z", RegexOptions.NonBacktracking)]
    private static partial Regex D3fendForm();
}
