namespace ContainerIR.Playbooks.Runs;

/// <summary>A variable a person is asked for.</summary>
internal sealed record Question(string Name, string Type, string? Description, string? Current, IReadOnlyList<string> Choices);

/// <summary>A manual step put to a person.</summary>
/// <param name="Step">The step's instance, for example <c>way-in</c>.</param>
/// <param name="Title">Its name.</param>
/// <param name="Text">What is to be done, variables filled in. May hold text of a container: who shows it escapes it.</param>
/// <param name="Owner">Who is meant to do it.</param>
/// <param name="Questions">What is to be answered.</param>
internal sealed record ManualTask(string Step, string Title, string Text, string? Owner, IReadOnlyList<Question> Questions);

/// <summary>What a person said to a manual step.</summary>
/// <param name="Done">Whether it was done.</param>
/// <param name="Answers">Answers by variable.</param>
/// <param name="Note">Words for the record; null for none.</param>
internal sealed record ManualAnswer(bool Done, IReadOnlyDictionary<string, string> Answers, string? Note = null);

/// <summary>A decision put to approvers.</summary>
/// <param name="Step">The step it is about.</param>
/// <param name="Title">Its name.</param>
/// <param name="Command">What would be done, as argv.</param>
/// <param name="EvidenceCost">What it costs.</param>
/// <param name="Terms">Who must agree.</param>
/// <param name="Approved">Names of those who did already.</param>
/// <param name="ExpiresAt">From when it counts as refused.</param>
/// <param name="Challenge">The exact bytes an approver signs; new for each vote.</param>
internal sealed record ApprovalQuestion(
    string Step, string Title, IReadOnlyList<string> Command, string EvidenceCost, Approval Terms, IReadOnlyList<string> Approved, DateTimeOffset ExpiresAt, byte[] Challenge);

/// <summary>One vote.</summary>
internal abstract record Vote;

/// <summary>An approver's vote, signed with the approver's own key.</summary>
/// <param name="Certificate">DER certificate of the key.</param>
/// <param name="Signature">ECDSA P-256 over the SHA-256 of the challenge, followed by <c>approve</c> or <c>refuse</c>; DER.</param>
/// <param name="Approves">What was decided.</param>
/// <param name="Reason">Words for the record; null for none.</param>
internal sealed record SignedVote(byte[] Certificate, byte[] Signature, bool Approves, string? Reason = null) : Vote
{
    /// <summary>What is signed: the challenge and the decision, so that no yes can be made of a no.</summary>
    public static byte[] ToSign(byte[] challenge, bool approves) => [.. challenge, .. approves ? "approve\n"u8 : "refuse\n"u8];
}

/// <summary>The operator goes on alone, with a written reason.</summary>
internal sealed record BreakGlassVote(string Reason) : Vote;

/// <summary>What is to become of a step that was running when the program ended.</summary>
internal enum InterruptedChoice
{
    RunAgain,
    CountAsDone,
    CountAsFailed,
}

/// <summary>The people around a run: a terminal, the console, a test. The engine asks one thing at a time.</summary>
internal interface IPlaybookPeople
{
    /// <summary>Puts a manual step to a person.</summary>
    Task<ManualAnswer> AskAsync(ManualTask task, CancellationToken ct);

    /// <summary>Asks for one vote; null when nobody more will come, which counts as refused.</summary>
    Task<Vote?> VoteAsync(ApprovalQuestion question, CancellationToken ct);

    /// <summary>A step was running when the program ended: it may be done, half done or not begun.</summary>
    Task<InterruptedChoice> InterruptedAsync(string step, string title, CancellationToken ct);

    /// <summary>Hears what happens, as the timeline will say it.</summary>
    void Tell(Rows.PlaybookEvent row);

    /// <summary>Words for the person at the keyboard: a vote that does not count, an answer that does not fit.</summary>
    void Say(string words);
}
