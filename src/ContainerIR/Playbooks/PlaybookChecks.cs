using ContainerIR.Actions;
using ContainerIR.Playbooks.Conditions;

namespace ContainerIR.Playbooks;

/// <summary>What no single line shows: names that stand for nothing, ways that lead nowhere, branches that would fight. Run when every line by itself is well.</summary>
internal sealed class PlaybookChecks
{
    private readonly AuthoredPlaybook playbook;
    private readonly IReadOnlyList<IAction> actions;
    private readonly List<PlaybookFault> faults;
    private readonly Dictionary<string, AuthoredVariable> variables = [];
    private readonly HashSet<string> ids = [];
    private readonly HashSet<string> approvals = [];

    private PlaybookChecks(AuthoredPlaybook playbook, IReadOnlyList<IAction> actions, List<PlaybookFault> faults)
    {
        this.playbook = playbook;
        this.actions = actions;
        this.faults = faults;
    }

    /// <summary>Adds every fault.</summary>
    public static void Check(AuthoredPlaybook playbook, IReadOnlyList<IAction> actions, List<PlaybookFault> faults) => new PlaybookChecks(playbook, actions, faults).Run();

    /// <summary>Every step, those below others too.</summary>
    public static IEnumerable<AuthoredStep> AllOf(IEnumerable<AuthoredStep> steps) =>
        steps.SelectMany(step => new[] { step }.Concat(AllOf(step.Branches.SelectMany(branch => branch.Steps))).Concat(AllOf(step.FailureSteps)));

    /// <summary>Name of the variable that says whether a step was approved.</summary>
    public static string ApprovedVariable(string stepId) => "approved_" + stepId.Replace('-', '_');

    private void Run()
    {
        foreach (AuthoredVariable variable in playbook.Variables)
        {
            variables[variable.Name] = variable;
            if (variable is { IsConstant: true, Value: null, IsExternal: false })
            {
                faults.Add(new PlaybookFault(variable.Line, variable.Column, $"'{variable.Name}' is constant and has no value"));
            }
        }

        AuthoredStep[] all = [.. AllOf(playbook.Steps), .. AllOf(playbook.OnException)];
        foreach (AuthoredStep step in all)
        {
            if (!ids.Add(step.Id))
            {
                Fault(step, $"the id '{step.Id}' stands at another step too");
            }

            if (step.Approve is not null)
            {
                approvals.Add(ApprovedVariable(step.Id));
            }
        }

        if (playbook.TriggerWhen is { } when)
        {
            CheckCondition(playbook.Steps[0], when, "'when' of 'trigger'");
        }

        CheckSequence(playbook.Steps);
        CheckSequence(playbook.OnException);
    }

    private void CheckSequence(IReadOnlyList<AuthoredStep> steps)
    {
        for (int i = 0; i < steps.Count; i++)
        {
            AuthoredStep step = steps[i];
            if (step.OnFailure == FailureWay.Goto && !steps.Skip(i + 1).Any(later => later.Id == step.FailureTarget))
            {
                Fault(step, $"'on_failure: goto:{step.FailureTarget}' must lead to a later step of the same sequence");
            }

            CheckStep(step);
            CheckSequence(step.FailureSteps);
            foreach (AuthoredBranch branch in step.Branches)
            {
                CheckSequence(branch.Steps);
            }
        }
    }

    private void CheckStep(AuthoredStep step)
    {
        foreach (string? text in (string?[])[step.Manual, step.Name, .. step.With.Values])
        {
            CheckTexts(step, text);
        }

        if (step.Kind == AuthoredKind.Switch)
        {
            CheckTexts(step, step.Condition);
        }
        else if (step.Condition is { } condition)
        {
            CheckCondition(step, condition, step.Kind == AuthoredKind.If ? "'if'" : "'while'");
        }

        foreach (string name in step.Ask.Concat(step.Out))
        {
            if (!variables.TryGetValue(name, out AuthoredVariable? variable))
            {
                Fault(step, $"there is no variable '{name}'");
            }
            else if (variable.IsConstant)
            {
                Fault(step, $"'{name}' is constant: no step can set it");
            }
            else if (variable.IsExternal && step.Ask.Contains(name))
            {
                Fault(step, $"'{name}' is given by the caller (external): ask for a variable of the playbook");
            }
        }

        foreach (string role in step.Approve?.Roles ?? [])
        {
            if (playbook.Agents.All(agent => agent.Name != role))
            {
                Fault(step, $"there is no agent '{role}' to approve");
            }
        }

        if (step.Approve is { } approve && approve.Quorum > 1 && approve.Roles.Count == 1 && playbook.Agents.FirstOrDefault(agent => agent.Name == approve.Roles[0]) is { Type: "individual" })
        {
            Fault(step, $"'{approve.Roles[0]}' is one individual, and {approve.Quorum} must approve");
        }

        if (step.Owner is { } owner && playbook.Agents.All(agent => agent.Name != owner))
        {
            Fault(step, $"there is no agent '{owner}'");
        }

        if (step.Kind == AuthoredKind.Call && step.Action == playbook.Slug)
        {
            Fault(step, "a playbook does not call itself");
        }

        if (step.Kind == AuthoredKind.Parallel && step.Branches.Count(branch => AllOf(branch.Steps).Any(Contains)) > 1)
        {
            Fault(step, "two branches change the container at once: put everything but reading into one branch");
        }
    }

    private bool Contains(AuthoredStep step) =>
        step.Kind == AuthoredKind.Call || (step.Kind == AuthoredKind.Action && actions.First(action => action.Name == step.Action).Effect != ActionEffect.Reads);

    private void CheckTexts(AuthoredStep step, string? text)
    {
        if (text is null)
        {
            return;
        }

        if (VariableUses.Broken(text) is { } broken)
        {
            Fault(step, $"'{broken}' is no use of a variable: write ${{name}}");
        }

        foreach (string name in VariableUses.In(text).Where(name => !IsKnown(name)))
        {
            Fault(step, $"there is no variable '{name}'");
        }
    }

    private void CheckCondition(AuthoredStep step, string text, string what)
    {
        Condition? condition = ConditionParser.TryParse(VariableUses.ToCacao(text), out string? fault);
        if (condition is null)
        {
            Fault(step, $"{what} is no condition: {fault}");
            return;
        }

        foreach (string name in condition.Variables.Where(name => !IsKnown(name)))
        {
            Fault(step, $"{what} asks for '{name}': there is no such variable");
        }
    }

    private bool IsKnown(string name) => variables.ContainsKey(name) || approvals.Contains(name);

    private void Fault(AuthoredStep step, string problem) => faults.Add(new PlaybookFault(step.Line, step.Column, $"step '{step.Id}': {problem}"));
}
