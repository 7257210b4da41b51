using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>What was decided against the rules, and what was done to containers, by the record of a case: each with who, when and what came of it.</summary>
internal static class CaseDecisions
{
    /// <summary>Rows at most.</summary>
    public const int Most = 1000;

    private static readonly string[] Reading = ["preflight", "collect", "triage", "seal", "verify", "notify", "report"];

    /// <summary>Reads them in the order of the record; those against the rules are <c>break_glass</c>.</summary>
    public static List<PlaybookEvent> Read(CaseStore store) => [.. Casebook.Read(store).Where(IsDecision).Take(Most)];

    private static bool IsDecision(PlaybookEvent row) => row.Event == "break_glass"
        || (row.Event is "executed" or "failed" or "refused" or "rolled_back" && (row.Command is ["cir", "undo", ..] || (row.Command is ["cir", "do", var action, ..] && !Reading.Contains(action))));
}
