using ContainerIR.Evidence;

namespace ContainerIR.Actions.Changes;

/// <summary>A change and what a look at it showed.</summary>
/// <param name="Change">As journaled.</param>
/// <param name="Look">As it is now.</param>
internal sealed record ChangeStatus(Change Change, ChangeLook Look);

/// <summary>Undoes changes and says what is in force: <c>cir undo</c>, <c>cir status</c>, a playbook's rollback.</summary>
internal sealed class ChangeUndo(ActionParts parts)
{
    /// <summary>Undoes one change and writes that down.</summary>
    /// <exception cref="OperatorException">There is no such change, or a decision is missing.</exception>
    public async Task<UndoResult> RunAsync(string id, UndoChoices choices, CancellationToken ct)
    {
        using IDisposable held = await parts.Journal.LockAsync(ct);
        return await RunLockedAsync(parts.Journal.Load(id), choices, ct);
    }

    /// <summary>The same for who holds the lock already.</summary>
    public async Task<UndoResult> RunLockedAsync(Change change, UndoChoices choices, CancellationToken ct)
    {
        if (!ChangeJournal.IsOpen(change))
        {
            return new UndoResult(true, $"Change {change.Id} ({change.Action}) is not in force: {change.State.ToString().ToLowerInvariant()} already.", []);
        }

        if (ActionOf(change) is null && change.State == ChangeState.Intended && !ChangeJournal.IsAtWork(change))
        {
            const string words = "it was cut off, and there is nothing to put back";
            parts.Journal.Save(change with { State = ChangeState.Failed, EndedAt = parts.Clock.GetUtcNow(), Note = words });
            return new UndoResult(true, $"Change {change.Id} ({change.Action}) is closed: {words}.", []);
        }

        if (ActionOf(change) is not { } reversible)
        {
            throw new OperatorException($"{change.Action} of change {change.Id} cannot be undone.", "What it destroyed is gone; what it made is named in: cir status --all");
        }

        if ((await reversible.LookAsync(change, ct)).Condition == ChangeCondition.Gone)
        {
            parts.Journal.Save(Ended(change, "what it changed is gone"));
            return new UndoResult(true, $"Change {change.Id} ({change.Action}): what it changed is gone, nothing is left to put back.", []);
        }

        try
        {
            UndoResult result = await reversible.UndoAsync(change, choices, ct);
            if (result.Undone)
            {
                parts.Journal.Save(Ended(change, result.Summary));
            }

            return result;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new UndoResult(false, $"Change {change.Id} ({change.Action}) could not be undone and stays on record: {failure.Message}", []);
        }
    }

    /// <summary>Every change that may be in force, looked at; with <paramref name="all"/> also those that ended.</summary>
    public async Task<IReadOnlyList<ChangeStatus>> StatusAsync(bool all, CancellationToken ct)
    {
        List<ChangeStatus> statuses = [];
        foreach (Change change in parts.Journal.List(out _))
        {
            if (ChangeJournal.IsOpen(change))
            {
                statuses.Add(new ChangeStatus(change, await LookAsync(change, ct)));
            }
            else if (all)
            {
                statuses.Add(new ChangeStatus(change, new ChangeLook(ChangeCondition.Gone, change.Note ?? change.State.ToString().ToLowerInvariant())));
            }
        }

        return statuses;
    }

    /// <summary>Looks at one change.</summary>
    public async Task<ChangeLook> LookAsync(Change change, CancellationToken ct)
    {
        if (ChangeJournal.IsAtWork(change) && change.WorkerPid != Environment.ProcessId)
        {
            return new ChangeLook(ChangeCondition.Unknown, $"process {change.WorkerPid} is at work on it");
        }

        try
        {
            if (ActionOf(change) is not { } action)
            {
                return new ChangeLook(ChangeCondition.Unknown, "it was about to be made, and nobody said whether it was");
            }

            ChangeLook look = await action.LookAsync(change, ct);
            return change.State == ChangeState.Intended ? look with { Words = "interrupted before it was confirmed: " + look.Words } : look;
        }
        catch (Exception failure) when (failure is IOException or OperatorException or UnauthorizedAccessException)
        {
            return new ChangeLook(ChangeCondition.Unknown, "it cannot be looked at: " + failure.Message);
        }
    }

    private IReversible? ActionOf(Change change) => ActionList.Make(parts).OfType<IReversible>().FirstOrDefault(each => each.Name == change.Action);

    private Change Ended(Change change, string note) => change with { State = ChangeState.Undone, EndedAt = parts.Clock.GetUtcNow(), Note = note };
}
