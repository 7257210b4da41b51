using ContainerIR.Analyzers.Sigma;

namespace ContainerIR.Analyzers;

/// <summary>What has to be said of a rule of a file.</summary>
/// <param name="File">Its file, display form.</param>
/// <param name="Title">Its title, display form; empty when it has none.</param>
/// <param name="IsRun">Whether it was held against the bundle all the same.</param>
/// <param name="Reason">Why it was not run, or what of it can never be true.</param>
public sealed record RuleNote(string File, string Title, bool IsRun, string Reason)
{
    internal static IEnumerable<RuleNote> Of(SigmaOutcome outcome) => outcome.Rule is { } rule
        ? rule.Notes.Select(note => new RuleNote(outcome.File, outcome.Title, true, note))
        : [new RuleNote(outcome.File, outcome.Title, false, outcome.Reason ?? "")];
}
