using ContainerIR.Actions;

namespace ContainerIR.Playbooks;

/// <summary>A line of the plan.</summary>
/// <param name="Text">What is done; display text is the caller's duty.</param>
/// <param name="Step">The step; null for a heading such as <c>then</c>.</param>
/// <param name="Below">Lines below it.</param>
internal sealed record PlanLine(string Text, PlaybookStep? Step, IReadOnlyList<PlanLine> Below)
{
    /// <summary>What evidence it costs; null where that is no question.</summary>
    public string? EvidenceCost { get; init; }

    /// <summary>Who must agree; null when nobody.</summary>
    public Approval? Approval { get; init; }
}

/// <summary>The graph of a compiled playbook as the tree its author had in mind.</summary>
internal sealed class PlaybookPlan
{
    private readonly Playbook playbook;
    private readonly IReadOnlyList<IAction> actions;

    private PlaybookPlan(Playbook playbook, IReadOnlyList<IAction> actions)
    {
        this.playbook = playbook;
        this.actions = actions;
    }

    /// <summary>The tree.</summary>
    public static IReadOnlyList<PlanLine> Of(Playbook playbook, IReadOnlyList<IAction> actions)
    {
        PlaybookPlan plan = new(playbook, actions);
        List<PlanLine> lines = plan.Way(playbook.Start, null, 0);
        return playbook.Exception is { } handler ? [.. lines, new PlanLine("when the playbook fails", null, plan.Way(handler, null, 0))] : lines;
    }

    private List<PlanLine> Way(string first, string? until, int depth)
    {
        List<PlanLine> lines = [];
        for (string? at = first; at is not null && at != until && depth < 64; at = playbook.Steps[at].Next)
        {
            PlaybookStep step = playbook.Steps[at];
            if (step is EndStep)
            {
                break;
            }

            if (step is StartStep)
            {
                continue;
            }

            // An approval and the condition after it are one thing to a reader: the step they are about.
            if (step is ApprovalStep approval && playbook.Steps[step.Next!] is IfStep guard)
            {
                List<PlanLine> about = Way(guard.OnTrue, null, depth + 1);
                lines.Add(about[0] with { Approval = approval.Approval, Below = [.. about[0].Below, .. Failure(guard, depth)] });
                at = guard.Id;
                continue;
            }

            lines.Add(Line(step, depth));
        }

        return lines;
    }

    private PlanLine Line(PlaybookStep step, int depth)
    {
        IReadOnlyList<PlanLine> below = step switch
        {
            IfStep branch => [new("then", null, Way(branch.OnTrue, null, depth + 1)), .. branch.OnFalse is { } otherwise ? [new PlanLine("else", null, Way(otherwise, null, depth + 1))] : Array.Empty<PlanLine>()],
            WhileStep loop => Way(loop.OnTrue, null, depth + 1),
            SwitchStep many => [.. many.Cases.Select(each => new PlanLine("case " + each.Key, null, Way(each.Value, null, depth + 1)))],
            ParallelStep parallel => [.. parallel.Branches.Select(branch => new PlanLine("branch " + branch.Name, null, Way(branch.First, null, depth + 1)))],
            _ => [],
        };
        return new PlanLine(Words(step), step, [.. below, .. Failure(step, depth)])
        {
            EvidenceCost = step is BuiltInStep action ? step.Evidence ?? actions.FirstOrDefault(each => each.Name == action.Action)?.EvidenceCost : step.Evidence,
        };
    }

    private IEnumerable<PlanLine> Failure(PlaybookStep step, int depth) =>
        step.OnFailure is { } failure && failure != step.Next ? [new PlanLine("on failure", null, Way(failure, step.Next, depth + 1))] : [];

    private static string Words(PlaybookStep step) => step switch
    {
        BuiltInStep action => $"{step.SourceId}  {action.Action}{string.Concat(action.With.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $" {pair.Key}={VariableUses.ToAuthored(pair.Value)}"))}",
        ManualStep manual => $"{step.SourceId}  by hand ({step.Owner ?? manual.Agent}): {VariableUses.ToAuthored(manual.Text)}{(step.Out.Count > 0 ? $" -> {string.Join(", ", step.Out)}" : "")}",
        ForeignStep foreign => $"{step.SourceId}  foreign, {(foreign.Commands.All(Runs.PlaybookEngine.CanBeRun) ? "by hand, or run with --allow-commands" : "by hand")}: {string.Join("; ", foreign.Commands.Select(command => $"[{command.Type}] {command.Text}"))}",
        IfStep branch => $"{step.SourceId}  if {VariableUses.ToAuthored(branch.Condition)}",
        WhileStep loop => $"{step.SourceId}  while {VariableUses.ToAuthored(loop.Condition)}, at most {loop.Max} times",
        SwitchStep many => $"{step.SourceId}  by the value of {VariableUses.ToAuthored(many.Switch)}",
        ParallelStep => $"{step.SourceId}  beside each other",
        CallStep call => $"{step.SourceId}  runs the playbook {call.Slug ?? call.PlaybookId}",
        ApprovalStep approval => $"{step.SourceId}  approval by {approval.Approval.Quorum} of {string.Join(", ", approval.Approval.Roles)}",
        _ => step.SourceId,
    };
}
