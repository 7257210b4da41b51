using System.Text.Json.Serialization;

namespace ContainerIR.Actions.Changes;

/// <summary>Whether a change is in force now, as the kernel and the engine show it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ChangeCondition>))]
internal enum ChangeCondition
{
    /// <summary>It is.</summary>
    [JsonStringEnumMemberName("in_force")]
    InForce,

    /// <summary>It is not, or no longer as it was made; what it left is taken away by undoing it.</summary>
    [JsonStringEnumMemberName("not_in_force")]
    NotInForce,

    /// <summary>What it changed is gone (container removed, host booted): nothing is left to put back.</summary>
    [JsonStringEnumMemberName("gone")]
    Gone,

    /// <summary>It could not be looked at.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,
}

/// <summary>What a look at a change showed.</summary>
/// <param name="Condition">Whether it is in force.</param>
/// <param name="Words">One sentence.</param>
internal sealed record ChangeLook(ChangeCondition Condition, string Words);

/// <summary>What the person who undoes decides.</summary>
/// <param name="ResetSockets">End connections that outlived an isolation before it is lifted; null when not said: then it is refused if there are any.</param>
internal sealed record UndoChoices(bool? ResetSockets = null);

/// <summary>What undoing did.</summary>
/// <param name="Undone">Whether everything is as it was.</param>
/// <param name="Summary">One sentence.</param>
/// <param name="Commands">What was run or asked, each as argv.</param>
internal sealed record UndoResult(bool Undone, string Summary, IReadOnlyList<IReadOnlyList<string>> Commands);

/// <summary>An action that can put back what it changed. Both work from the journal alone: in another process, after a crash.</summary>
internal interface IReversible : IAction
{
    /// <summary>What undoing cannot make as it was, in a clause; null where it is exact.</summary>
    string? UndoLeaves => null;

    /// <summary>Looks whether a change is in force. Changes nothing.</summary>
    Task<ChangeLook> LookAsync(Change change, CancellationToken ct);

    /// <summary>Puts it back. The caller holds the journal's lock and writes the outcome down.</summary>
    Task<UndoResult> UndoAsync(Change change, UndoChoices choices, CancellationToken ct);
}
