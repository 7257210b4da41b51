using System.Text.RegularExpressions;
using ContainerIR.Actions;
using ContainerIR.Yaml;

namespace ContainerIR.Playbooks;

/// <summary>Reads a playbook's YAML file and names every fault at once. The editors' contract, schemas/playbook.schema.json, says the same; tests hold both together.</summary>
internal sealed partial class PlaybookLoader
{
    /// <summary>Types of playbooks: playbook-type-ov of CACAO 2.0.</summary>
    public static readonly IReadOnlyList<string> Types = ["attack", "detection", "engagement", "investigation", "mitigation", "notification", "prevention", "remediation"];

    /// <summary>Types of variables: the part of variable-type-ov that a person can answer.</summary>
    public static readonly IReadOnlyList<string> VariableTypes = ["string", "integer", "float", "bool"];

    /// <summary>Types of agents.</summary>
    public static readonly IReadOnlyList<string> AgentTypes = ["individual", "group", "organization"];

    /// <summary>Levels of the Traffic Light Protocol 2.0.</summary>
    public static readonly IReadOnlyList<string> TlpLevels = ["TLP:RED", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:GREEN", "TLP:CLEAR"];

    private readonly List<PlaybookFault> faults = [];
    private readonly IReadOnlyList<IAction> actions;

    private PlaybookLoader(IReadOnlyList<IAction> actions) => this.actions = actions;

    /// <summary>Reads a file's text.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="actions">What steps may do.</param>
    /// <returns>The playbook, or null; and every fault, in the order of the file. With a fault there is no playbook.</returns>
    public static (AuthoredPlaybook? Playbook, IReadOnlyList<PlaybookFault> Faults) Load(string text, IReadOnlyList<IAction> actions)
    {
        PlaybookLoader loader = new(actions);
        List<YamlFault> unread = [];
        YamlNode? root = YamlReader.Read(text, unread);
        loader.faults.AddRange(unread.Select(fault => new PlaybookFault(fault.Line, fault.Column, fault.Problem)));
        AuthoredPlaybook? playbook = root is null ? null : loader.ReadRoot(root);
        if (playbook is not null && loader.faults.Count == 0)
        {
            PlaybookChecks.Check(playbook, actions, loader.faults);
        }

        IReadOnlyList<PlaybookFault> faults = [.. loader.faults.OrderBy(fault => fault.Line).ThenBy(fault => fault.Column).Distinct()];
        return (faults.Count == 0 ? playbook : null, faults);
    }

    private AuthoredPlaybook? ReadRoot(YamlNode root)
    {
        if (root is not YamlMap map)
        {
            faults.Add(new PlaybookFault(root.Line, root.Column, "a playbook is a mapping that begins with 'playbook: its-name'"));
            return null;
        }

        YamlFields fields = new(map, faults);
        fields.OnlyKeys(
            "a playbook", "playbook", "name", "version", "description", "types", "severity", "impact", "priority", "tlp", "labels", "trigger", "references", "variables", "agents",
            "on_exception", "steps", "created", "modified");
        IReadOnlyList<string> types = fields.Texts("types");
        foreach (string unknown in types.Where(type => !Types.Contains(type)))
        {
            fields.Fault(map["types"]!, $"'{YamlFields.Show(unknown)}' in 'types' must be one of {string.Join(", ", Types)}");
        }

        StepLoader steps = new(actions, faults);
        YamlFields? trigger = fields.Fields("trigger");
        trigger?.OnlyKeys("'trigger'", "rules", "when");
        return new AuthoredPlaybook
        {
            Slug = fields.Text("playbook", required: true, SlugForm(), SlugWords) ?? "",
            Name = fields.Text("name", required: true, max: 200) ?? "",
            Version = fields.Text("version", required: true, VersionForm(), "of the form 1.2.3") ?? "",
            Description = fields.Text("description", required: true) ?? "",
            Types = types,
            Severity = fields.Number("severity", 0, 100),
            Impact = fields.Number("impact", 0, 100),
            Priority = fields.Number("priority", 0, 100),
            Tlp = fields.Choice("tlp", TlpLevels),
            Labels = fields.Texts("labels"),
            TriggerRules = trigger?.Texts("rules", RuleForm(), "a rule such as CIR-001") ?? [],
            TriggerWhen = trigger?.Text("when"),
            References = ReadReferences(fields),
            Variables = ReadVariables(fields),
            Agents = ReadAgents(fields),
            OnException = map["on_exception"] is { } handler ? steps.ReadSteps(handler, "'on_exception'", 1) : [],
            Steps = map["steps"] is { } list ? steps.ReadSteps(list, "'steps'", 1) : Missing(fields),
            Created = fields.Text("created", form: TimestampForm(), formWords: "an instant such as 2026-11-22T00:00:00.000Z"),
            Modified = fields.Text("modified", form: TimestampForm(), formWords: "an instant such as 2026-11-22T00:00:00.000Z"),
        };
    }

    private static IReadOnlyList<AuthoredStep> Missing(YamlFields fields)
    {
        fields.Fault(fields.Map, "'steps' is missing");
        return [];
    }

    private static List<IReadOnlyDictionary<string, string>> ReadReferences(YamlFields fields)
    {
        List<IReadOnlyDictionary<string, string>> references = [];
        if (fields.Map["references"] is not { } node)
        {
            return references;
        }

        if (node is not YamlList list || list.Items.Count == 0)
        {
            fields.Fault(node, "'references' must be a list");
            return references;
        }

        foreach (YamlNode item in list.Items)
        {
            if (fields.FieldsOf(item, "a reference") is { } reference)
            {
                reference.OnlyKeys("a reference", "name", "description", "source", "url", "external_id", "reference_id");
                reference.Text("name", required: true);
                if (reference.Map.Entries.Count < 2)
                {
                    // CACAO 2.0, section 10.8.
                    fields.Fault(item, "a reference needs beside 'name' one of description, source, url, external_id, reference_id");
                }

                references.Add(reference.Map.Entries
                    .Select(entry => (entry.Key.Text, Value: entry.Key.Text == "name" ? (entry.Value as YamlScalar)?.Text : reference.Text(entry.Key.Text)))
                    .Where(pair => pair.Value is not null)
                    .ToDictionary(pair => pair.Text, pair => pair.Value!));
            }
        }

        return references;
    }

    private static List<AuthoredVariable> ReadVariables(YamlFields fields)
    {
        List<AuthoredVariable> variables = [];
        foreach (YamlEntry entry in fields.Fields("variables")?.Map.Entries ?? [])
        {
            if (!VariableForm().IsMatch(entry.Key.Text))
            {
                fields.Fault(entry.Key, $"'{YamlFields.Show(entry.Key.Text)}' is no name of a variable: letters, digits, _ (a letter first), at most 100");
            }
            else if (fields.FieldsOf(entry.Value, "a variable") is { } variable)
            {
                variable.OnlyKeys("a variable", "type", "value", "external", "constant", "description", "choices");
                string type = variable.Choice("type", VariableTypes, required: true) ?? "string";
                bool external = variable.Switch("external") ?? false;
                IReadOnlyList<string> choices = variable.Texts("choices");
                if (choices.Count > 0 && type != "string")
                {
                    variable.Fault(variable.Map["choices"]!, "'choices' belong to a variable of type string");
                }

                variables.Add(new AuthoredVariable(
                    entry.Key.Text, type, ValueOf(variable, type), external, variable.Switch("constant") ?? false, variable.Text("description"), choices, entry.Key.Line, entry.Key.Column));
            }
        }

        return variables;
    }

    private static string? ValueOf(YamlFields variable, string type)
    {
        switch (variable.Map["value"])
        {
            case null:
                return null;
            case YamlScalar scalar when type switch
            {
                "integer" => scalar.Kind == ScalarKind.Integer,
                "float" => scalar.Kind is ScalarKind.Integer or ScalarKind.Number,
                "bool" => scalar.Kind == ScalarKind.Switch,
                _ => scalar.Kind == ScalarKind.Text,
            }:
                return type == "bool" ? scalar.Text.ToLowerInvariant() : scalar.Text;
            case { } node:
                variable.Fault(node, $"'value' must be of type {type}");
                return null;
        }
    }

    private static List<AuthoredAgent> ReadAgents(YamlFields fields)
    {
        List<AuthoredAgent> agents = [];
        foreach (YamlEntry entry in fields.Fields("agents")?.Map.Entries ?? [])
        {
            if (!SlugForm().IsMatch(entry.Key.Text))
            {
                fields.Fault(entry.Key, $"'{YamlFields.Show(entry.Key.Text)}' is no name of an agent: it must be {SlugWords}");
            }
            else if (fields.FieldsOf(entry.Value, "an agent") is { } agent)
            {
                agent.OnlyKeys("an agent", "type", "name");
                agents.Add(new AuthoredAgent(entry.Key.Text, agent.Choice("type", AgentTypes, required: true) ?? "individual", agent.Text("name", required: true, max: 200) ?? ""));
            }
        }

        return agents;
    }

    /// <summary>The form of slugs, in words.</summary>
    internal const string SlugWords = "lower-case letters, digits and single hyphens, a letter first, at most 64";

    [GeneratedRegex("^(?=.{1,64}\\z)[a-z][a-z0-9]*(-[a-z0-9]+)*\\z")]
    internal static partial Regex SlugForm();

    [GeneratedRegex("^[a-zA-Z][a-zA-Z0-9_]{0,99}\\z", RegexOptions.NonBacktracking)]
    internal static partial Regex VariableForm();

    [GeneratedRegex("^[0-9]{1,6}\\.[0-9]{1,6}\\.[0-9]{1,6}\\z", RegexOptions.NonBacktracking)]
    private static partial Regex VersionForm();

    [GeneratedRegex("^[A-Z]{2,8}-[0-9*]{1,6}\\z", RegexOptions.NonBacktracking)]
    internal static partial Regex RuleForm();

    [GeneratedRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z\\z", RegexOptions.NonBacktracking)]
    private static partial Regex TimestampForm();
}
