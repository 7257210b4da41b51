namespace ContainerIR.Playbooks.Runs;

/// <summary>Who sits at the keyboard, and from where.</summary>
/// <param name="Name">As the timeline names people.</param>
/// <param name="Auth">How that is known: <c>login</c>, or the key the session was opened with.</param>
/// <param name="Host">Name of the host.</param>
/// <param name="Terminal">Terminal; null for none.</param>
/// <param name="SshClient">SSH_CONNECTION; null when local.</param>
/// <param name="CertificateSha256">Fingerprint of the operator's own certificate; null when there is none: then only the name tells the operator from an approver.</param>
internal sealed record Operator(string Name, string Auth, string Host, string? Terminal = null, string? SshClient = null, string? CertificateSha256 = null);

/// <summary>One run of a playbook as it is asked for.</summary>
internal sealed record RunRequest
{
    public required string CaseId { get; init; }

    /// <summary>The container as typed; empty for a playbook that needs none.</summary>
    public required string Container { get; init; }

    public required Operator Operator { get; init; }

    /// <summary>Values of external variables beside <c>container</c> and <c>case_id</c>.</summary>
    public IReadOnlyDictionary<string, string> Inputs { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether it is an exercise: the record says so, and every change that can be undone is undone at the end.</summary>
    public bool IsExercise { get; init; }

    /// <summary>Written reason for destructive actions without sealed evidence; null while the gate holds.</summary>
    public string? Override { get; init; }

    /// <summary>SHA-256 of playbooks whose foreign commands may be run. Not kept with the run: who goes on with it allows them anew.</summary>
    public IReadOnlyList<string> AllowedCommands { get; init; } = [];
}

/// <summary>How a run ended.</summary>
internal enum RunOutcome
{
    Completed,
    Failed,
}

/// <summary>A run that ended.</summary>
/// <param name="RunId">Its id.</param>
/// <param name="Outcome">How.</param>
/// <param name="Why">What failed; null when it completed.</param>
/// <param name="ChangesInForce">Ids of changes left in force, for <c>cir undo</c>.</param>
/// <param name="Variables">Variables at the end.</param>
internal sealed record FinishedRun(string RunId, RunOutcome Outcome, string? Why, IReadOnlyList<string> ChangesInForce, IReadOnlyDictionary<string, string> Variables);
