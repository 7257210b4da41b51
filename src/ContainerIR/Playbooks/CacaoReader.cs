using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ContainerIR.Actions;
using ContainerIR.Playbooks.Conditions;
using ContainerIR.Rows;

namespace ContainerIR.Playbooks;

/// <summary>
/// Reads a CACAO 2.0 playbook, ours or foreign, into the graph the engine runs. The file is hostile: size, depth and number of steps are limited, every
/// reference is followed before anything runs, and no cycle of steps is taken.
/// </summary>
internal sealed partial class CacaoReader
{
    /// <summary>Largest file.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    private const int MaxSteps = 2000;
    private const int ForeignPasses = 100;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    private readonly IReadOnlyList<IAction> actions;
    private readonly List<PlaybookFault> faults = [];
    private bool foreign;

    private CacaoReader(IReadOnlyList<IAction> actions) => this.actions = actions;

    /// <summary>Reads a file.</summary>
    /// <param name="json">UTF-8 JSON.</param>
    /// <param name="actions">What steps may do.</param>
    public static (Playbook? Playbook, IReadOnlyList<PlaybookFault> Faults) Read(ReadOnlyMemory<byte> json, IReadOnlyList<IAction> actions)
    {
        CacaoReader reader = new(actions);
        Playbook? playbook = null;
        if (json.Length > MaxBytes)
        {
            reader.Fault($"the file has {json.Length} bytes; a playbook has at most {MaxBytes}");
        }
        else
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(json, Strict);
                playbook = reader.ReadPlaybook(document.RootElement, json);
            }
            catch (JsonException failure)
            {
                reader.faults.Add(new PlaybookFault((int)((failure.LineNumber ?? 0) + 1), (int)((failure.BytePositionInLine ?? 0) + 1), "this is no JSON that can be taken: " + Evidence.Text.DisplayText.Shorten(failure.Message, 300)));
            }
            catch (Exception failure) when (failure is EncoderFallbackException or FormatException)
            {
                reader.Fault("it has no canonical form: " + Evidence.Text.DisplayText.Shorten(failure.Message, 300));
            }
        }

        return (reader.faults.Count == 0 ? playbook : null, reader.faults);
    }

    /// <summary>The graph of what our compiler made.</summary>
    public static Playbook OfCompiled(JsonObject compiled, IReadOnlyList<IAction> actions)
    {
        (Playbook? playbook, IReadOnlyList<PlaybookFault> faults) = Read(CanonicalJson.Write(compiled), actions);
        return playbook ?? throw new InvalidOperationException("the compiler made a playbook the reader refuses: " + string.Join("; ", faults.Select(fault => fault.Problem)));
    }

    private Playbook? ReadPlaybook(JsonElement root, ReadOnlyMemory<byte> json)
    {
        if (root.Text("type") != "playbook" || root.Text("spec_version") != "cacao-2.0")
        {
            Fault("this is no playbook of CACAO 2.0: 'type' must be playbook and 'spec_version' cacao-2.0");
            return null;
        }

        JsonElement ours = root.Object("playbook_extensions").Object(SlugId.Extension);
        foreign = ours.ValueKind != JsonValueKind.Object || root.Text("created_by") != SlugId.Creator;
        string id = root.Text("id") ?? "";
        if (!Identifier().IsMatch(id) || !id.StartsWith("playbook--", StringComparison.Ordinal))
        {
            Fault("'id' must be playbook-- and a UUID");
        }

        Dictionary<string, Variable> variables = ReadVariables(root, ours);
        Dictionary<string, string> agents = root.Members("agent_definitions").ToDictionary(JsonFields.NameOf, member => member.Value.Text("name") ?? JsonFields.NameOf(member));
        Dictionary<string, PlaybookStep> steps = [];
        foreach (JsonProperty member in root.Members("workflow"))
        {
            string stepId = JsonFields.NameOf(member);
            if (steps.Count == MaxSteps)
            {
                Fault($"a playbook has at most {MaxSteps} steps");
                break;
            }

            if (!Identifier().IsMatch(stepId))
            {
                Fault($"the step '{YamlFields.Show(stepId)}' has an id that is none");
            }
            else if (ReadStep(stepId, member.Value, agents, variables) is { } step)
            {
                steps[stepId] = step;
            }
        }

        string start = root.Text("workflow_start") ?? "";
        if (steps.GetValueOrDefault(start) is not StartStep)
        {
            Fault("'workflow_start' must name a start step of the workflow");
        }

        string? exception = root.Text("workflow_exception");
        CheckGraph(steps, start, exception);
        byte[] canonical = CanonicalJson.Write(JsonNode.Parse(json.Span, documentOptions: Strict));
        return new Playbook
        {
            Id = id,
            Slug = foreign ? id : ours.Text("slug") ?? id,
            Name = root.Text("name") ?? id,
            Version = foreign ? root.Text("modified") ?? "" : ours.Text("version") ?? "",
            Description = root.Text("description") ?? "",
            Types = root.Texts("playbook_types"),
            Tlp = root.Members("data_marking_definitions").Select(marking => marking.Value.Text("tlpv2_level")).FirstOrDefault(level => level is not null),
            TriggerRules = ours.Object("trigger").Texts("rules"),
            TriggerWhen = ours.Object("trigger").Text("when"),
            Variables = variables,
            AgentNames = agents,
            Steps = steps,
            Start = start,
            Exception = exception,
            IsForeign = foreign,
            Canonical = canonical,
            Sha256 = CanonicalJson.Sha256(canonical),
        };
    }

    private Dictionary<string, Variable> ReadVariables(JsonElement root, JsonElement ours)
    {
        Dictionary<string, Variable> variables = [];
        IEnumerable<JsonProperty> declared = root.Members("playbook_variables")
            .Concat(foreign ? root.Members("workflow").SelectMany(step => step.Value.Members("step_variables")) : []);
        foreach (JsonProperty member in declared)
        {
            Match name = VariableName().Match(JsonFields.NameOf(member));
            if (!name.Success)
            {
                Fault($"'{YamlFields.Show(JsonFields.NameOf(member))}' is no name of a variable: __name__");
                continue;
            }

            JsonElement value = member.Value;
            variables[name.Groups[1].Value] = new Variable(
                name.Groups[1].Value, value.Text("type") ?? "string", value.Text("value"), value.Flag("external"), value.Flag("constant"), value.Text("description"),
                ours.Object("choices").Texts(name.Value));
        }

        return variables;
    }

    private PlaybookStep? ReadStep(string id, JsonElement step, Dictionary<string, string> agents, Dictionary<string, Variable> variables)
    {
        JsonElement ours = step.Object("step_extensions").Object(SlugId.Extension);
        string type = step.Text("type") ?? "";
        if (!id.StartsWith(type + "--", StringComparison.Ordinal))
        {
            Fault($"the step {id} says it is '{YamlFields.Show(type)}'");
            return null;
        }

        List<string> outputs = [];
        foreach (string name in step.Texts("out_args"))
        {
            string bare = VariableName().Match(name) is { Success: true } match ? match.Groups[1].Value : name;
            if (variables.ContainsKey(bare))
            {
                outputs.Add(bare);
            }
            else
            {
                Fault($"the step {id} gives '{YamlFields.Show(name)}', which is no variable");
            }
        }

        PlaybookStep? read = type switch
        {
            "start" => new StartStep { Id = id, SourceId = "", Name = "" },
            "end" => new EndStep { Id = id, SourceId = "", Name = "" },
            "action" => ReadAction(id, step, ours, agents),
            "playbook-action" => new CallStep
            {
                Id = id,
                SourceId = id,
                Name = id,
                PlaybookId = Required(id, step, "playbook_id"),
                Slug = ours.Text("playbook"),
                With = ours.TextMembers("with"),
            },
            "if-condition" => new IfStep { Id = id, SourceId = id, Name = id, Condition = ConditionOf(id, step), OnTrue = Required(id, step, "on_true"), OnFalse = step.Text("on_false") },
            "while-condition" => new WhileStep
            {
                Id = id,
                SourceId = id,
                Name = id,
                Condition = ConditionOf(id, step),
                OnTrue = Required(id, step, "on_true"),
                Max = ours.Number("max") is >= 1 and <= StepLoader.MaxPasses and { } max ? (int)max : ForeignPasses,
            },
            "switch-condition" => new SwitchStep { Id = id, SourceId = id, Name = id, Switch = Required(id, step, "switch"), Cases = step.TextMembers("cases") },
            "parallel" => ReadParallel(id, step, ours),
            _ => null,
        };
        if (read is null)
        {
            Fault($"the step {id} is of a type CACAO 2.0 has not");
            return null;
        }

        string? completion = step.Text("on_completion"), success = step.Text("on_success"), failure = step.Text("on_failure");
        if (completion is not null && (success is not null || failure is not null))
        {
            Fault($"the step {id} has on_completion beside on_success or on_failure");
        }

        return read with
        {
            SourceId = ours.Text("source_id") is { Length: > 0 and <= 200 } source ? source : id,
            Name = step.Text("name") ?? ours.Text("source_id") ?? id,
            Description = step.Text("description"),
            Delay = Span(id, step, "delay"),
            Timeout = Span(id, step, "timeout"),
            OnCompletion = completion,
            OnSuccess = success,
            OnFailure = failure,
            Owner = ours.Text("owner"),
            Evidence = ours.Text("evidence"),
            Tags = [.. Tags(ours, "nist"), .. Tags(ours, "pci"), .. Tags(ours, "react"), .. Tags(ours, "d3fend")],
            Out = outputs,
        };
    }

    private PlaybookStep ReadAction(string id, JsonElement step, JsonElement ours, Dictionary<string, string> agents)
    {
        if (ours.Text("action") is { } named)
        {
            return BuiltIn(id, named, ours.TextMembers("with"), ours.Text("rollback") ?? "none");
        }

        JsonElement[] commands = [.. step.Items("commands")];
        JsonElement approve = ours.Object("approve");
        if (approve.ValueKind == JsonValueKind.Object)
        {
            return ReadApproval(id, approve);
        }

        if (commands is [var only] && only.Text("type") is "bash" or "ssh" && CirCommand.TryParse(only.Text("command") ?? "", actions) is { } ownCommand)
        {
            return BuiltIn(id, ownCommand.Action, ownCommand.With, "none");
        }

        if (commands.Length > 0 && commands.All(command => command.Text("type") == "manual"))
        {
            string agent = step.Text("agent") ?? "";
            return new ManualStep { Id = id, SourceId = id, Name = id, Text = string.Join("\n", commands.Select(TextOf)), Agent = agents.GetValueOrDefault(agent, agent) };
        }

        if (commands.Length == 0)
        {
            Fault($"the step {id} has no commands");
        }

        return new ForeignStep { Id = id, SourceId = id, Name = id, Commands = [.. commands.Select(command => new ForeignCommand(command.Text("type") ?? "unknown", TextOf(command)))] };
    }

    private BuiltInStep BuiltIn(string id, string name, Dictionary<string, string> with, string rollback)
    {
        if (actions.FirstOrDefault(action => action.Name == name) is not { } action)
        {
            Fault($"the step {id} wants the action '{YamlFields.Show(name)}', which there is not");
        }
        else
        {
            foreach ((string parameter, string value) in with)
            {
                if (action.Parameters.FirstOrDefault(each => each.Name == parameter) is not { } known)
                {
                    Fault($"the step {id}: {name} has no parameter '{YamlFields.Show(parameter)}'");
                }
                else if (!value.Contains("__:value", StringComparison.Ordinal) && ParameterValue.Fault(known, value) is { } fault)
                {
                    Fault($"the step {id}: '{parameter}' {fault}");
                }
            }

            foreach (ActionParameter missing in action.Parameters.Where(parameter => parameter.Required && !with.ContainsKey(parameter.Name)))
            {
                Fault($"the step {id}: {name} needs '{missing.Name}'");
            }
        }

        return new BuiltInStep { Id = id, SourceId = id, Name = id, Action = name, With = with, Rollback = rollback };
    }

    private ApprovalStep ReadApproval(string id, JsonElement approve)
    {
        List<string> roles = approve.Texts("roles");
        TimeSpan expires = Spans.TryParseTime(approve.Text("expires") ?? "", out TimeSpan span) ? span : TimeSpan.FromHours(1);
        long quorum = approve.Number("quorum") ?? 1;
        if (roles.Count == 0 || quorum is < 1 or > 5)
        {
            Fault($"the approval {id} names no roles, or no quorum from 1 to 5");
        }

        return new ApprovalStep
        {
            Id = id,
            SourceId = id,
            Name = id,
            Approval = new Approval((int)Math.Clamp(quorum, 1, 5), roles, approve.Flag("exclude_operator"), expires, approve.Flag("break_glass")),
            ApprovalOf = approve.Text("approval_of") ?? id,
        };
    }

    private ParallelStep ReadParallel(string id, JsonElement step, JsonElement ours)
    {
        List<string> next = step.Texts("next_steps"), names = ours.Texts("branches");
        if (next.Count < 2)
        {
            Fault($"the step {id} has fewer than two branches");
        }

        return new ParallelStep
        {
            Id = id,
            SourceId = id,
            Name = id,
            Branches = [.. next.Select((first, i) => (i < names.Count ? names[i] : (i + 1).ToString(CultureInfo.InvariantCulture), first))],
        };
    }

    // Every reference leads to a step, and no way comes back to where it was: loops are while steps, whose branches end.
    private void CheckGraph(Dictionary<string, PlaybookStep> steps, string start, string? exception)
    {
        foreach (PlaybookStep step in steps.Values)
        {
            foreach (string target in TargetsOf(step).Where(target => !steps.ContainsKey(target)))
            {
                Fault($"the step {step.Id} leads to '{YamlFields.Show(target)}', which is no step");
            }

            if (step is not EndStep && step.Next is null)
            {
                Fault($"the step {step.Id} leads nowhere: each way ends at an end step");
            }
        }

        if (exception is not null && !steps.ContainsKey(exception))
        {
            Fault("'workflow_exception' names no step of the workflow");
        }

        if (faults.Count > 0)
        {
            return;
        }

        // Colours of a depth-first search with its own stack: a foreign chain may be two thousand steps long.
        Dictionary<string, bool> done = [];
        foreach (string from in exception is null ? [start] : new[] { start, exception })
        {
            Stack<(string Id, IEnumerator<string> Targets)> way = new();
            way.Push((from, TargetsOf(steps[from]).GetEnumerator()));
            done.TryAdd(from, false);
            while (way.Count > 0)
            {
                (string at, IEnumerator<string> targets) = way.Peek();
                if (!targets.MoveNext())
                {
                    done[at] = true;
                    way.Pop();
                }
                else if (!done.TryGetValue(targets.Current, out bool finished))
                {
                    done[targets.Current] = false;
                    way.Push((targets.Current, TargetsOf(steps[targets.Current]).GetEnumerator()));
                }
                else if (!finished)
                {
                    Fault($"the step {targets.Current} leads back to itself: repeat with a while-condition");
                    return;
                }
            }
        }
    }

    private static IEnumerable<string> TargetsOf(PlaybookStep step)
    {
        string?[] ways = step switch
        {
            IfStep branch => [branch.OnTrue, branch.OnFalse],
            WhileStep loop => [loop.OnTrue],
            SwitchStep many => [.. many.Cases.Values],
            ParallelStep parallel => [.. parallel.Branches.Select(branch => branch.First)],
            _ => [],
        };
        return ways.Append(step.OnCompletion).Append(step.OnSuccess).Append(step.OnFailure).OfType<string>();
    }

    private string ConditionOf(string id, JsonElement step)
    {
        string text = Required(id, step, "condition");

        // A foreign condition in other words is put to a person when its turn comes.
        if (!foreign && ConditionParser.TryParse(text, out string? fault) is null)
        {
            Fault($"the step {id} has a condition that is none: {fault}");
        }

        return text;
    }

    private string Required(string id, JsonElement step, string name)
    {
        if (step.Text(name) is { Length: > 0 } text)
        {
            return text;
        }

        Fault($"the step {id} lacks '{name}'");
        return "";
    }

    private TimeSpan? Span(string id, JsonElement step, string name)
    {
        if (step.Number(name) is not { } ms)
        {
            return null;
        }

        if (ms is >= 0 and <= 30L * 86_400_000)
        {
            return TimeSpan.FromMilliseconds(ms);
        }

        Fault($"the step {id} has a '{name}' outside 0 to 30 days");
        return null;
    }

    private static IEnumerable<string> Tags(JsonElement ours, string kind) => ours.Texts(kind).Select(tag => $"{kind}:{tag}");

    private static string TextOf(JsonElement command)
    {
        if (command.Text("command") is { } text)
        {
            return text;
        }

        if (command.Text("command_b64") is { } base64)
        {
            byte[] bytes = new byte[base64.Length];
            return Convert.TryFromBase64String(base64, bytes, out int count) ? Encoding.UTF8.GetString(bytes, 0, count) : base64;
        }

        return command.GetRawText();
    }

    private void Fault(string problem) => faults.Add(new PlaybookFault(0, 0, problem));

    [GeneratedRegex("^[a-z][a-z0-9-]{1,60}--[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}\\z")]
    private static partial Regex Identifier();

    [GeneratedRegex("^__([a-zA-Z_][a-zA-Z0-9_-]{0,199})__\\z")]
    private static partial Regex VariableName();
}
