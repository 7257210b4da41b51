using System.Globalization;
using System.Text.Json.Nodes;
using ContainerIR.Actions;

namespace ContainerIR.Playbooks;

/// <summary>
/// Compiles an author's playbook to a CACAO 2.0 object. Ids are UUIDs version 5 of the slugs, so the same file gives the same bytes. What CACAO has no
/// property for stands in an extension under our own definition; a foreign engine that ignores it still runs the same graph, for every action is a
/// <c>bash</c> command <c>cir do …</c> and every approval a manual step before an if-condition.
/// </summary>
internal sealed class PlaybookCompiler
{
    private const string FirstDay = "2026-11-22T00:00:00.000Z";

    private readonly AuthoredPlaybook playbook;
    private readonly JsonObject workflow = [];
    private readonly HashSet<string> activities = [];
    private readonly List<string> approvals = [];
    private readonly string engine;
    private readonly string host;

    private PlaybookCompiler(AuthoredPlaybook playbook)
    {
        this.playbook = playbook;
        engine = SlugId.Of("security-category", "engine");
        host = SlugId.Of("linux", "affected-host");
    }

    /// <summary>The CACAO object.</summary>
    public static JsonObject Compile(AuthoredPlaybook playbook) => new PlaybookCompiler(playbook).Run();

    private JsonObject Run()
    {
        string end = AddEnd("");
        string first = Sequence(playbook.Steps, end);
        string start = Id("start", "");
        workflow[start] = new JsonObject { ["type"] = "start", ["on_completion"] = first };
        string? exception = playbook.OnException.Count > 0 ? Sequence(playbook.OnException, AddEnd("on-exception")) : null;

        JsonObject compiled = new()
        {
            ["type"] = "playbook",
            ["spec_version"] = "cacao-2.0",
            ["id"] = SlugId.Playbook(playbook.Slug),
            ["name"] = playbook.Name,
            ["description"] = playbook.Description,
            ["created_by"] = SlugId.Creator,
            ["created"] = playbook.Created ?? FirstDay,
            ["modified"] = playbook.Modified ?? playbook.Created ?? FirstDay,
            ["workflow_start"] = start,
            ["workflow"] = workflow,
            ["agent_definitions"] = Agents(),
            ["target_definitions"] = new JsonObject { [host] = new JsonObject { ["type"] = "linux", ["name"] = "The host the container runs on", ["address"] = new JsonObject { ["dname"] = new JsonArray("localhost") } } },
            ["extension_definitions"] = new JsonObject
            {
                [SlugId.Extension] = new JsonObject
                {
                    ["type"] = "extension-definition",
                    ["name"] = "ContainerIR playbook",
                    ["description"] = "Built-in actions with typed parameters, approvals by signature, bounds of loops, evidence cost, tags.",
                    ["created_by"] = SlugId.Creator,
                    ["schema"] = "docs/playbooks.md of ContainerIR, section 'The extension'",
                    ["version"] = "1.0.0",
                },
            },
            ["playbook_extensions"] = new JsonObject { [SlugId.Extension] = Extension() },
        };
        if (exception is not null)
        {
            compiled["workflow_exception"] = exception;
        }

        AddTexts(compiled, "playbook_types", playbook.Types);
        AddTexts(compiled, "playbook_activities", [.. activities.Order(StringComparer.Ordinal)]);
        AddTexts(compiled, "labels", playbook.Labels);
        AddNumber(compiled, "severity", playbook.Severity);
        AddNumber(compiled, "impact", playbook.Impact);
        AddNumber(compiled, "priority", playbook.Priority);
        if (playbook.References.Count > 0)
        {
            compiled["external_references"] = new JsonArray([.. playbook.References.Select(reference => Texts(reference))]);
        }

        if (playbook.Variables.Count + approvals.Count > 0)
        {
            compiled["playbook_variables"] = Variables();
        }

        if (playbook.Tlp is { } level)
        {
            string marking = SlugId.Of("marking-tlp", level);
            compiled["markings"] = new JsonArray(marking);
            compiled["data_marking_definitions"] = new JsonObject
            {
                [marking] = new JsonObject { ["type"] = "marking-tlp", ["id"] = marking, ["created_by"] = SlugId.Creator, ["created"] = FirstDay, ["tlpv2_level"] = level },
            };
        }

        return compiled;
    }

    // From the last step to the first, for each names the one after it. Gives the id of the first.
    private string Sequence(IReadOnlyList<AuthoredStep> steps, string after)
    {
        Dictionary<string, string> entries = [];
        string next = after;
        foreach (AuthoredStep step in steps.Reverse())
        {
            next = entries[step.Id] = AddStep(step, next, entries);
        }

        return next;
    }

    private string AddStep(AuthoredStep step, string next, Dictionary<string, string> later)
    {
        (string type, JsonObject content) = step.Kind switch
        {
            AuthoredKind.Action => ("action", ActionStep(step)),
            AuthoredKind.Manual => ("action", ManualStep(step)),
            AuthoredKind.Call => ("playbook-action", CallStep(step)),
            AuthoredKind.If => ("if-condition", Branched(step, new JsonObject { ["condition"] = VariableUses.ToCacao(step.Condition!) }, "on_true", "on_false")),
            AuthoredKind.While => ("while-condition", Branched(step, new JsonObject { ["condition"] = VariableUses.ToCacao(step.Condition!) }, "on_true")),
            AuthoredKind.Switch => ("switch-condition", new JsonObject { ["switch"] = VariableUses.ToCacao(step.Condition!), ["cases"] = Cases(step) }),
            _ => ("parallel", new JsonObject { ["next_steps"] = new JsonArray([.. step.Branches.Select(branch => (JsonNode)BranchOf(step, branch))]) }),
        };
        string id = Id(type, step.Id);
        content["type"] = type;
        content["name"] = step.Name ?? step.Id;
        if (step.Why is { } why)
        {
            content["description"] = why;
        }

        if (step.Delay is { } delay)
        {
            content["delay"] = (long)delay.TotalMilliseconds;
        }

        if (step.Timeout is { } timeout)
        {
            content["timeout"] = (long)timeout.TotalMilliseconds;
        }

        content["step_extensions"] = new JsonObject { [SlugId.Extension] = StepExtension(step) };
        workflow[id] = content;
        string entry = id;
        if (step.Approve is { } approve)
        {
            // What fails inside a branch fails its condition: the ways of failure stand there.
            string end = AddEnd(step.Id + "/approved");
            content["on_success"] = end;
            content = new JsonObject { ["condition"] = $"__{PlaybookChecks.ApprovedVariable(step.Id)}__:value = 'true'", ["on_true"] = id };
            string condition = Id("if-condition", step.Id + "/approved");
            content["type"] = "if-condition";
            content["name"] = $"Only when approved: {step.Name ?? step.Id}";
            content["step_extensions"] = new JsonObject { [SlugId.Extension] = new JsonObject { ["source_id"] = step.Id + "/approved" } };
            workflow[condition] = content;
            entry = AddApproval(step, approve, condition);
        }

        string? failure = step.OnFailure switch
        {
            FailureWay.Goto => later[step.FailureTarget!],
            FailureWay.Steps => Sequence(step.FailureSteps, next),
            _ => null,
        };
        content[step.OnFailure == FailureWay.Continue ? "on_completion" : "on_success"] = next;
        if (failure is not null)
        {
            content["on_failure"] = failure;
        }

        return entry;
    }

    private string AddApproval(AuthoredStep step, Approval approve, string condition)
    {
        string name = PlaybookChecks.ApprovedVariable(step.Id);
        approvals.Add(name);
        string id = Id("action", step.Id + "/approval");
        string who = $"{approve.Quorum} of {string.Join(", ", approve.Roles)}{(approve.ExcludeOperator ? ", not the operator" : "")}";
        activities.Add("identify-steps");
        workflow[id] = new JsonObject
        {
            ["type"] = "action",
            ["name"] = $"Approve: {step.Name ?? step.Id}",
            ["commands"] = new JsonArray(new JsonObject
            {
                ["type"] = "manual",
                ["playbook_activity"] = "identify-steps",
                ["command"] = $"Decide whether '{step.Name ?? step.Id}' may be done ({who}). Cost: {step.Evidence ?? "none named"}. Answer true or false; no answer within {Spans.Format(approve.Expires)} counts as false.",
            }),
            ["agent"] = AgentId(approve.Roles[0]),
            ["out_args"] = new JsonArray($"__{name}__"),
            ["on_success"] = condition,
            ["step_extensions"] = new JsonObject
            {
                [SlugId.Extension] = new JsonObject
                {
                    ["source_id"] = step.Id + "/approval",
                    ["approve"] = new JsonObject
                    {
                        ["quorum"] = approve.Quorum,
                        ["roles"] = new JsonArray([.. approve.Roles.Select(role => (JsonNode)role)]),
                        ["exclude_operator"] = approve.ExcludeOperator,
                        ["expires"] = Spans.Format(approve.Expires),
                        ["break_glass"] = approve.BreakGlass,
                        ["approval_of"] = step.Id,
                    },
                },
            },
        };
        return id;
    }

    private JsonObject ActionStep(AuthoredStep step)
    {
        string activity = ActivityOf(step.Action!);
        activities.Add(activity);
        string command = $"cir do {step.Action}";
        bool hasContainer = playbook.Variables.Any(variable => variable.Name == "container");
        if (hasContainer)
        {
            command += " \"__container__:value\"";
        }

        foreach ((string name, string value) in step.With.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            command += $" --{name.Replace('_', '-')}={Quote(VariableUses.ToCacao(value))}";
        }

        JsonObject content = new()
        {
            ["commands"] = new JsonArray(new JsonObject { ["type"] = "bash", ["playbook_activity"] = activity, ["command"] = command }),
            ["agent"] = engine,
            ["targets"] = new JsonArray(host),
        };
        AddTexts(content, "in_args", [.. (hasContainer ? ["container"] : Array.Empty<string>()).Concat(step.With.Values.SelectMany(VariableUses.In)).Distinct().Select(name => $"__{name}__")]);
        AddTexts(content, "out_args", [.. step.Out.Select(name => $"__{name}__")]);
        return content;
    }

    private JsonObject ManualStep(AuthoredStep step)
    {
        activities.Add("identify-steps");
        JsonObject content = new()
        {
            ["commands"] = new JsonArray(new JsonObject { ["type"] = "manual", ["playbook_activity"] = "identify-steps", ["command"] = VariableUses.ToCacao(step.Manual!) }),
            ["agent"] = step.Owner is { } owner ? AgentId(owner) : AgentId("operator"),
        };
        AddTexts(content, "in_args", [.. VariableUses.In(step.Manual!).Distinct().Select(name => $"__{name}__")]);
        AddTexts(content, "out_args", [.. step.Ask.Select(name => $"__{name}__")]);
        return content;
    }

    private static JsonObject CallStep(AuthoredStep step)
    {
        JsonObject content = new() { ["playbook_id"] = SlugId.Playbook(step.Action!) };
        AddTexts(content, "in_args", [.. step.With.Values.SelectMany(VariableUses.In).Distinct().Select(name => $"__{name}__")]);
        AddTexts(content, "out_args", [.. step.Out.Select(name => $"__{name}__")]);
        return content;
    }

    private JsonObject Branched(AuthoredStep step, JsonObject content, params ReadOnlySpan<string> ways)
    {
        for (int i = 0; i < step.Branches.Count; i++)
        {
            content[ways[i]] = BranchOf(step, step.Branches[i]);
        }

        return content;
    }

    private JsonObject Cases(AuthoredStep step)
    {
        JsonObject cases = [];
        foreach (AuthoredBranch branch in step.Branches)
        {
            cases[branch.Name] = BranchOf(step, branch);
        }

        return cases;
    }

    private string BranchOf(AuthoredStep step, AuthoredBranch branch) => Sequence(branch.Steps, AddEnd($"{step.Id}/{branch.Name}"));

    private static JsonObject StepExtension(AuthoredStep step)
    {
        JsonObject extension = new() { ["source_id"] = step.Id };
        switch (step.Kind)
        {
            case AuthoredKind.Action:
                extension["action"] = step.Action;
                extension["with"] = Texts(step.With.ToDictionary(pair => pair.Key, pair => VariableUses.ToCacao(pair.Value)));
                extension["rollback"] = step.Rollback ?? "none";
                break;
            case AuthoredKind.Call:
                extension["playbook"] = step.Action;
                extension["with"] = Texts(step.With.ToDictionary(pair => pair.Key, pair => VariableUses.ToCacao(pair.Value)));
                break;
            case AuthoredKind.While:
                extension["max"] = step.Max;
                break;
            case AuthoredKind.Parallel:
                extension["branches"] = new JsonArray([.. step.Branches.Select(branch => (JsonNode)branch.Name)]);
                break;
            default:
                break;
        }

        if (step.Evidence is { } cost)
        {
            extension["evidence"] = cost;
        }

        if (step.Owner is { } owner)
        {
            extension["owner"] = owner;
        }

        AddTexts(extension, "nist", step.Nist);
        AddTexts(extension, "pci", step.Pci);
        AddTexts(extension, "react", step.React);
        AddTexts(extension, "d3fend", step.D3fend);
        return extension;
    }

    private JsonObject Extension()
    {
        JsonObject extension = new() { ["slug"] = playbook.Slug, ["version"] = playbook.Version };
        if (playbook.TriggerRules.Count > 0 || playbook.TriggerWhen is not null)
        {
            JsonObject trigger = [];
            AddTexts(trigger, "rules", playbook.TriggerRules);
            if (playbook.TriggerWhen is { } when)
            {
                trigger["when"] = VariableUses.ToCacao(when);
            }

            extension["trigger"] = trigger;
        }

        JsonObject choices = [];
        foreach (AuthoredVariable variable in playbook.Variables.Where(variable => variable.Choices.Count > 0))
        {
            AddTexts(choices, $"__{variable.Name}__", variable.Choices);
        }

        if (choices.Count > 0)
        {
            extension["choices"] = choices;
        }

        return extension;
    }

    private JsonObject Agents()
    {
        JsonObject agents = new()
        {
            [engine] = new JsonObject { ["type"] = "security-category", ["name"] = "ContainerIR engine on the affected host", ["category"] = new JsonArray("orchestrator") },
        };
        foreach (AuthoredAgent agent in playbook.Agents)
        {
            agents[AgentId(agent.Name)] = new JsonObject { ["type"] = agent.Type, ["name"] = agent.Title };
        }

        if (playbook.Agents.All(agent => agent.Name != "operator"))
        {
            agents[AgentId("operator")] = new JsonObject { ["type"] = "individual", ["name"] = "Operator at the keyboard" };
        }

        return agents;
    }

    private JsonObject Variables()
    {
        JsonObject variables = [];
        foreach (AuthoredVariable variable in playbook.Variables)
        {
            JsonObject content = new() { ["type"] = variable.Type };
            if (variable.Description is { } description)
            {
                content["description"] = description;
            }

            if (variable.Value is { } value)
            {
                content["value"] = value;
            }

            if (variable.IsConstant)
            {
                content["constant"] = true;
            }

            if (variable.IsExternal)
            {
                content["external"] = true;
            }

            variables[$"__{variable.Name}__"] = content;
        }

        foreach (string name in approvals.Where(name => !variables.ContainsKey($"__{name}__")))
        {
            variables[$"__{name}__"] = new JsonObject { ["type"] = "bool", ["value"] = "false", ["description"] = "Whether the step was approved." };
        }

        return variables;
    }

    private string AgentId(string name) =>
        SlugId.Of(playbook.Agents.FirstOrDefault(agent => agent.Name == name)?.Type ?? "individual", $"{playbook.Slug}/{name}");

    private string AddEnd(string name)
    {
        string id = Id("end", name);
        workflow[id] = new JsonObject { ["type"] = "end" };
        return id;
    }

    private string Id(string type, string name) => SlugId.Of(type, $"{playbook.Slug}/{name}");

    // playbook-activity-type-ov of CACAO 2.0.
    private static string ActivityOf(string action) => action switch
    {
        "collect" => "scan-system",
        "triage" => "analyze-collected-data",
        "isolate" or "network-disconnect" => "disconnect-system",
        "stop" or "remove" or "kill-process" or "kill-sockets" => "eliminate-risk",
        "release" or "unpause" => "revert-system",
        "deny-image" or "pause" or "throttle" or "stop-process" or "freeze-window" => "restrict-access",
        "notify" => "deliver-content",
        "report" => "compose-content",
        "hold" or "rename" or "commit" => "configure-systems",
        _ => "execute-operation",
    };

    // For a reader and for a foreign engine that hands this text to a shell: a use of a variable stays in double quotes, as section 5.2 of CACAO asks.
    private static string Quote(string value) =>
        value.All(each => char.IsAsciiLetterOrDigit(each) || "._/:@%+-".Contains(each)) && value.Length > 0
            ? value
            : "\"" + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("$", "\\$", StringComparison.Ordinal).Replace("`", "\\`", StringComparison.Ordinal) + "\"";

    private static JsonObject Texts(IReadOnlyDictionary<string, string> texts)
    {
        JsonObject members = [];
        foreach ((string name, string value) in texts)
        {
            members[name] = value;
        }

        return members;
    }

    private static void AddTexts(JsonObject target, string name, IReadOnlyList<string> texts)
    {
        if (texts.Count > 0)
        {
            target[name] = new JsonArray([.. texts.Select(text => (JsonNode)text)]);
        }
    }

    private static void AddNumber(JsonObject target, string name, long? number)
    {
        if (number is { } value)
        {
            target[name] = JsonNode.Parse(value.ToString(CultureInfo.InvariantCulture));
        }
    }
}
