using ContainerIR.Actions;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Playbooks.Actions;

/// <summary>Tells the people around the run; the words stand in the case's timeline, from where <c>cir ship</c> takes them further.</summary>
internal sealed class NotifyAction(OwnActionParts parts) : ReadingAction
{
    public override string Name => "notify";

    public override string Title => "Tells the people around the run, on record";

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [new("text", ParameterKind.Text, "What is said.", Required: true)];

    public override Task<ActionOutcome> RunAsync(ActionCall call, CancellationToken ct)
    {
        if (!CaseStore.Exists(parts.Home, call.CaseId))
        {
            throw new OperatorException($"There is no case {DisplayText.Shorten(call.CaseId, 100)} here: the words would stand in no record.", $"Open it: cir case new {DisplayText.Shorten(call.CaseId, 100)}");
        }

        string text = DisplayText.Shorten(call.With["text"], 2000);
        parts.Say("! " + text);
        return Task.FromResult(Outcome(true, text));
    }
}
