using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Commands;

/// <summary>One change to a container, or its undoing, with the rows it leaves in the record of its case: the same for <c>cir do</c>, <c>cir undo</c> and the console.</summary>
internal static class Deed
{
    /// <summary>Does it. A closed case takes no new work; the reason for doing without evidence is recorded before the deed.</summary>
    /// <exception cref="OperatorException">It was refused; then nothing was changed.</exception>
    public static async Task<ActionOutcome> DoAsync(Surroundings surroundings, ActionParts parts, IAction action, ActionCall call, CancellationToken ct)
    {
        IReadOnlyList<string> argv = call.Command(action);
        if (action.Effect != ActionEffect.Reads && Cases.CaseStore.Exists(parts.Home, call.CaseId))
        {
            using (Cases.CaseStore store = Cases.CaseStore.Open(parts.Home, call.CaseId))
            {
                Cases.Casebook.RefuseIfClosed(store);
            }

            if (call.Override is { } reason)
            {
                CaseWork.RecordDeed(parts.Home, call.CaseId, "break_glass", call.Actor, call.Container, argv, reason);
            }
        }

        ActionOutcome outcome;
        try
        {
            outcome = await action.RunAsync(call, ct);
        }
        catch (OperatorException problem) when (call.Override is not null)
        {
            Record(surroundings, parts, call.CaseId, "refused", call.Actor, call.Container, argv, problem.Message);
            throw;
        }

        // What only reads may be done for no case, and for a closed one.
        if (action.Effect != ActionEffect.Reads || IsOpen(parts.Home, call.CaseId))
        {
            Record(surroundings, parts, call.CaseId, outcome.Done && outcome.Verified != false ? "executed" : "failed", call.Actor, call.Container, argv, outcome.Summary);
        }

        return outcome;
    }

    /// <summary>Puts back what a change changed.</summary>
    public static async Task<UndoResult> UndoAsync(Surroundings surroundings, ActionParts parts, Change change, UndoChoices choices, CancellationToken ct)
    {
        UndoResult result = await new ChangeUndo(parts).RunAsync(change.Id, choices, ct);
        Record(
            surroundings, parts, change.CaseId, result.Undone ? "rolled_back" : "failed", Responder.SubjectOf(null).Name, change.ContainerName.Length > 0 ? change.ContainerName : change.ContainerId,
            ["cir", "undo", change.Id, .. Flags(choices)], result.Summary);
        return result;
    }

    private static IEnumerable<string> Flags(UndoChoices choices) => choices.ResetSockets switch { true => ["--reset-sockets"], false => ["--keep-sockets"], null => [] };

    private static bool IsOpen(Cases.CaseHome home, string caseId)
    {
        if (!Cases.CaseStore.Exists(home, caseId))
        {
            return false;
        }

        using Cases.CaseStore store = Cases.CaseStore.OpenReadOnly(home, caseId);
        return !Cases.Casebook.IsClosed(store);
    }

    // The deed is done: what keeps it from being recorded is said, and no reason to call it failed.
    private static void Record(Surroundings surroundings, ActionParts parts, string caseId, string word, string actor, string container, IReadOnlyList<string> argv, string summary)
    {
        string? whyNot = null;
        try
        {
            whyNot = CaseWork.RecordDeed(parts.Home, caseId, word, actor, container, argv, summary) ? null : "there is no such case here";
        }
        catch (OperatorException problem)
        {
            whyNot = problem.Message;
        }

        if (whyNot is not null)
        {
            surroundings.Say($"Not in the record of case {DisplayText.Escape(caseId)}: {whyNot}. It stands in this host's journal of changes: cir status --all");
        }
    }
}
