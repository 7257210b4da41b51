using System.Text.Json.Nodes;
using ContainerIR.Actions;
using ContainerIR.Playbooks;

namespace ContainerIR.Tests.Playbooks;

/// <summary>Writes schemas/playbook.schema.json from the list of actions: editors complete what the loader takes. CIR_APPROVE=1 writes the file anew.</summary>
internal static class PlaybookSchema
{
    private const string Slug = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";
    private const string Name = "^[a-zA-Z][a-zA-Z0-9_]{0,99}$";
    private const string Use = "^\\$\\{[a-zA-Z][a-zA-Z0-9_]{0,99}\\}$";

    public static JsonObject Of(IReadOnlyList<IAction> actions) => new()
    {
        ["$schema"] = "http://json-schema.org/draft-07/schema#",
        ["title"] = "ContainerIR playbook",
        ["description"] = "The authoring form of a playbook; cir compiles it to CACAO 2.0. See docs/playbooks.md.",
        ["type"] = "object",
        ["required"] = Texts("playbook", "name", "version", "description", "steps"),
        ["additionalProperties"] = false,
        ["properties"] = new JsonObject
        {
            ["playbook"] = Pattern(Slug, "Name of the playbook: what is typed to run it.", 64),
            ["name"] = Text("Title for people.", 200),
            ["version"] = Pattern("^[0-9]{1,6}\\.[0-9]{1,6}\\.[0-9]{1,6}$", "Semantic version."),
            ["description"] = Text("What it does and when it is right."),
            ["types"] = Unique(Enum(PlaybookLoader.Types), "Kinds of playbook (CACAO playbook-type-ov)."),
            ["severity"] = Hundred("How serious the situation is, 1 to 100."),
            ["impact"] = Hundred("How much running it disturbs, 1 to 100."),
            ["priority"] = Hundred("1 is the highest."),
            ["tlp"] = Enum(PlaybookLoader.TlpLevels),
            ["labels"] = Unique(Text(null, 200), "Words to find it by."),
            ["created"] = Pattern(Instant, "When it was first written."),
            ["modified"] = Pattern(Instant, "When this version was written."),
            ["trigger"] = Object("What calls for it.", [], new JsonObject
            {
                ["rules"] = Unique(Pattern("^[A-Z]{2,8}-[0-9*]{1,6}$", null, 200), "Rules of cir triage."),
                ["when"] = Text("Condition on variables and findings."),
            }),
            ["references"] = new JsonObject
            {
                ["type"] = "array",
                ["minItems"] = 1,
                ["items"] = AtLeastTwo(Object(null, ["name"], new JsonObject
                {
                    ["name"] = Text(null),
                    ["description"] = Text(null),
                    ["source"] = Text(null),
                    ["url"] = Text(null),
                    ["external_id"] = Text(null),
                    ["reference_id"] = Text(null),
                })),
            },
            ["variables"] = new JsonObject { ["type"] = "object", ["propertyNames"] = Pattern(Name, null), ["additionalProperties"] = Variable() },
            ["agents"] = new JsonObject
            {
                ["type"] = "object",
                ["propertyNames"] = Pattern(Slug, null, 64),
                ["additionalProperties"] = Object("Who decides or does things.", ["type", "name"], new JsonObject { ["type"] = Enum(PlaybookLoader.AgentTypes), ["name"] = Text(null, 200) }),
            },
            ["on_exception"] = Reference("steps"),
            ["steps"] = Reference("steps"),
        },
        ["definitions"] = new JsonObject
        {
            ["steps"] = new JsonObject { ["type"] = "array", ["minItems"] = 1, ["items"] = Reference("step") },
            ["step"] = Step(actions),
            ["approve"] = Object("Who must agree before it runs. No answer in time counts as refused: the step is left out, and the run goes on.", ["roles"], new JsonObject
            {
                ["quorum"] = new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = 5, ["description"] = "How many distinct people (1)." },
                ["roles"] = Unique(Pattern(Slug, null, 64), "Agents who may.", 16),
                ["exclude_operator"] = Switch("The person at the keyboard does not count (false)."),
                ["expires"] = Span("After so long it counts as refused (1h)."),
                ["break_glass"] = Switch("The operator may go on alone with a written reason (false)."),
            }),
            ["branches"] = new JsonObject { ["type"] = "object", ["minProperties"] = 2, ["propertyNames"] = Pattern(Slug, null, 64), ["additionalProperties"] = Reference("steps") },
            ["cases"] = new JsonObject { ["type"] = "object", ["minProperties"] = 1, ["propertyNames"] = Pattern("^[a-zA-Z0-9_-]{1,200}$", null), ["additionalProperties"] = Reference("steps") },
            ["names"] = Unique(Pattern(Name, null), "Variables."),
        },
    };

    private const string Instant = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$";

    private static JsonObject Step(IReadOnlyList<IAction> actions)
    {
        JsonObject step = new()
        {
            ["type"] = "object",
            ["required"] = Texts("id"),
            ["properties"] = new JsonObject
            {
                ["id"] = Pattern(Slug, "Name of the step, once in the playbook.", 64),
                ["name"] = Text("Title for people.", 200),
                ["why"] = Text("Why it stands here."),
                ["timeout"] = Span("After so long it has failed."),
                ["delay"] = Span("So long is waited before."),
                ["owner"] = Pattern(Slug, "Agent who does or answers for it.", 64),
                ["nist"] = Unique(Pattern("^(GV|ID|PR|DE|RS|RC)\\.[A-Z]{2}-[0-9]{2}$", null, 200), "Outcomes of NIST CSF 2.0 (SP 800-61r3)."),
                ["pci"] = Unique(Pattern("^[0-9]{1,2}(\\.[0-9]{1,2}){1,3}$", null, 200), "Requirements of PCI DSS 4.0.1."),
                ["react"] = Unique(Pattern("^RA_[0-9]{4}$", null, 200), "Response actions of RE&CT."),
                ["d3fend"] = Unique(Pattern("^D3-[A-Z0-9]{1,12}$", null, 200), "Techniques of MITRE D3FEND."),
                ["on_failure"] = new JsonObject
                {
                    ["description"] = "abort (default), continue, goto:STEP (later, same sequence), or steps.",
                    ["anyOf"] = new JsonArray(Enum(["abort", "continue"]), Pattern("^goto:[a-z][a-z0-9-]{0,63}$", null), Reference("steps")),
                },
            },
            ["oneOf"] = new JsonArray([.. Kinds().Select(kind => (JsonNode)kind)]),
            ["allOf"] = new JsonArray([.. actions.Select(action => (JsonNode)Rule(action))]),
        };

        ((JsonObject)step["properties"]!)["action"] = new JsonObject
        {
            ["description"] = "What is done. " + string.Join(" ", actions.Select(action => $"{action.Name}: {action.Title}.")),
            ["enum"] = Texts([.. actions.Select(action => action.Name)]),
        };
        return step;
    }

    private static IEnumerable<JsonObject> Kinds()
    {
        foreach ((string kind, string[] keys) in StepLoader.Keys)
        {
            JsonObject properties = [];
            foreach (string key in StepLoader.SharedKeys)
            {
                properties[key] = true;
            }

            foreach (string key in keys)
            {
                properties[key] = (kind, key) switch
                {
                    ("action", "action") => true,
                    (_, "with") => kind == "call"
                        ? new JsonObject { ["type"] = "object", ["propertyNames"] = Pattern(Name, null), ["additionalProperties"] = Text(null) }
                        : new JsonObject { ["type"] = "object" },
                    (_, "evidence") => Text("What evidence it costs, in one sentence."),
                    (_, "approve") => Reference("approve"),
                    (_, "rollback") => Enum(["automatic", "manual", "none"]),
                    (_, "out") or (_, "ask") => Reference("names"),
                    (_, "manual") => Text("What a person does or decides."),
                    (_, "if") or ("while", "while") => Text("Condition: = != < > <= >= IN LIKE MATCHES, AND OR NOT, over ${name} and finding:rule."),
                    (_, "switch") => Pattern(Use, "One variable."),
                    (_, "cases") => Reference("cases"),
                    (_, "parallel") => Reference("branches"),
                    (_, "max") => new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = StepLoader.MaxPasses, ["description"] = "Most passes." },
                    (_, "call") => Pattern(Slug, "Playbook that is run here.", 64),
                    _ => Reference("steps"),
                };
            }

            string[] required = kind switch { "if" => ["id", "if", "then"], "switch" => ["id", "switch", "cases"], "while" => ["id", "while", "max", "do"], _ => ["id", kind] };
            yield return new JsonObject { ["required"] = Texts(required), ["properties"] = properties, ["additionalProperties"] = false };
        }
    }

    private static JsonObject Rule(IAction action)
    {
        JsonObject properties = [];
        foreach (ActionParameter parameter in action.Parameters)
        {
            properties[parameter.Name] = Value(parameter);
        }

        string[] needed = [.. action.Parameters.Where(parameter => parameter.Required).Select(parameter => parameter.Name)];
        JsonObject with = new() { ["properties"] = properties, ["additionalProperties"] = false };
        if (needed.Length > 0)
        {
            with["required"] = Texts(needed);
        }

        JsonObject then = new() { ["properties"] = new JsonObject { ["with"] = with } };
        string[] required = [.. needed.Length > 0 ? ["with"] : Array.Empty<string>(), .. action.Effect == ActionEffect.Destroys ? ["approve", "evidence"] : Array.Empty<string>()];
        if (required.Length > 0)
        {
            then["required"] = Texts(required);
        }

        return new JsonObject
        {
            ["if"] = new JsonObject { ["required"] = Texts("action"), ["properties"] = new JsonObject { ["action"] = new JsonObject { ["const"] = action.Name } } },
            ["then"] = then,
        };
    }

    private static JsonObject Value(ActionParameter parameter)
    {
        JsonObject use = Pattern(Use, null);
        JsonObject value = parameter.Kind switch
        {
            ParameterKind.Number => new JsonObject { ["type"] = "integer" },
            ParameterKind.Switch => new JsonObject { ["type"] = "boolean" },
            ParameterKind.Size => new JsonObject { ["type"] = new JsonArray("string", "integer"), ["pattern"] = Spans.SizePattern, ["minimum"] = 0 },
            ParameterKind.Duration => Pattern(Spans.TimePattern, null),
            ParameterKind.List => new JsonObject
            {
                ["type"] = "array",
                ["minItems"] = 1,
                ["items"] = parameter.Choices is { } each ? Enum(each) : new JsonObject { ["type"] = "string", ["pattern"] = "^[^,\\n]+$" },
            },
            _ => parameter.Choices is { } choices ? Enum(choices) : Pattern("^[^\\n]+$", null, 4000),
        };
        string help = parameter.Help + (parameter.Default is { } standard ? $" ({standard})" : "");
        return parameter.Kind == ParameterKind.Text && parameter.Choices is null
            ? With(value, "description", help)
            : new JsonObject { ["description"] = help, ["anyOf"] = new JsonArray(value, use) };
    }

    private static JsonObject Variable() => With(
        Object("A variable.", ["type"], new JsonObject
        {
            ["type"] = Enum(PlaybookLoader.VariableTypes),
            ["value"] = true,
            ["external"] = Switch("Given by the caller."),
            ["constant"] = Switch("No step can set it."),
            ["description"] = Text(null),
            ["choices"] = Unique(Text(null, 200), "The only answers."),
        }),
        "allOf",
        new JsonArray(
            When("string", new JsonObject { ["value"] = Text(null) }),
            When("integer", new JsonObject { ["value"] = new JsonObject { ["type"] = "integer" }, ["choices"] = false }),
            When("float", new JsonObject { ["value"] = new JsonObject { ["type"] = "number" }, ["choices"] = false }),
            When("bool", new JsonObject { ["value"] = new JsonObject { ["type"] = "boolean" }, ["choices"] = false })));

    private static JsonObject When(string type, JsonObject properties) => new()
    {
        ["if"] = new JsonObject { ["required"] = Texts("type"), ["properties"] = new JsonObject { ["type"] = new JsonObject { ["const"] = type } } },
        ["then"] = new JsonObject { ["properties"] = properties },
    };

    private static JsonObject Object(string? description, string[] required, JsonObject properties)
    {
        JsonObject made = new() { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        if (required.Length > 0)
        {
            made["required"] = Texts(required);
        }

        return Described(made, description);
    }

    private static JsonObject Text(string? description, int max = YamlFields.MaxText) =>
        Described(new JsonObject { ["type"] = "string", ["minLength"] = 1, ["maxLength"] = max }, description);

    private static JsonObject Pattern(string pattern, string? description, int? max = null)
    {
        JsonObject made = new() { ["type"] = "string", ["pattern"] = pattern };
        if (max is { } most)
        {
            made["maxLength"] = most;
        }

        return Described(made, description);
    }

    private static JsonObject Unique(JsonObject items, string? description, int max = 64) =>
        Described(new JsonObject { ["type"] = "array", ["minItems"] = 1, ["maxItems"] = max, ["uniqueItems"] = true, ["items"] = items }, description);

    private static JsonObject Hundred(string description) => new() { ["type"] = "integer", ["minimum"] = 0, ["maximum"] = 100, ["description"] = description };

    private static JsonObject Span(string description) => Pattern(Spans.TimePattern, description);

    private static JsonObject Switch(string description) => new() { ["type"] = "boolean", ["description"] = description };

    private static JsonObject Enum(IReadOnlyList<string> values) => new() { ["enum"] = Texts([.. values]) };

    private static JsonObject AtLeastTwo(JsonObject schema)
    {
        schema["minProperties"] = 2;
        return schema;
    }

    private static JsonObject Reference(string name) => new() { ["$ref"] = "#/definitions/" + name };

    private static JsonObject With(JsonObject made, string key, JsonNode value)
    {
        made[key] = value;
        return made;
    }

    private static JsonObject Described(JsonObject made, string? description)
    {
        if (description is not null)
        {
            made["description"] = description;
        }

        return made;
    }

    private static JsonArray Texts(params string[] texts) => [.. texts.Select(text => (JsonNode)text)];
}
