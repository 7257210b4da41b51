using System.Text.Json.Serialization;

namespace ContainerIR.Actions.Changes;

/// <summary>How far a change got.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ChangeState>))]
internal enum ChangeState
{
    /// <summary>About to be made: it may have been, or not, if nobody is at work on it any more.</summary>
    [JsonStringEnumMemberName("intended")]
    Intended,

    /// <summary>Made.</summary>
    [JsonStringEnumMemberName("done")]
    Done,

    /// <summary>Could not be made.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>Put back.</summary>
    [JsonStringEnumMemberName("undone")]
    Undone,

    /// <summary>Made, and nothing to put back: it is on record only.</summary>
    [JsonStringEnumMemberName("final")]
    Final,
}

/// <summary>One change on the host, as its journal file holds it. Written and synced before the change is made.</summary>
internal sealed record Change
{
    /// <summary>Eight hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Name of the action.</summary>
    public required string Action { get; init; }

    public required string ContainerId { get; init; }

    /// <summary>Name of the container then; the attacker may have chosen it.</summary>
    public required string ContainerName { get; init; }

    public required string CaseId { get; init; }

    /// <summary>Who asked for it.</summary>
    public required string Actor { get; init; }

    /// <summary>Written reason for running without sealed evidence; null when the gate held.</summary>
    public string? Override { get; init; }

    /// <summary>The engine it was made through.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Boot during which it was made.</summary>
    public required string BootId { get; init; }

    public required ChangeState State { get; init; }

    public required DateTimeOffset IntendedAt { get; init; }

    public DateTimeOffset? DoneAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Process that is or was at work on it, and its start: whether an intent is being carried out now.</summary>
    public int WorkerPid { get; init; }

    public ulong WorkerStartTicks { get; init; }

    /// <summary>Old values and whatever else is needed to put them back.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = new Dictionary<string, string>();

    /// <summary>What was run or asked, each as argv.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Commands { get; init; } = [];

    /// <summary>Whether probing showed it in force; null when there is nothing to probe.</summary>
    public bool? Verified { get; init; }

    /// <summary>In words: what came of it.</summary>
    public string? Note { get; init; }

    /// <summary>A fact; empty when there is none.</summary>
    public string Fact(string name) => Facts.GetValueOrDefault(name) ?? "";
}

/// <summary>JSON of the journal.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(Change))]
internal sealed partial class ChangeJson : JsonSerializerContext;
