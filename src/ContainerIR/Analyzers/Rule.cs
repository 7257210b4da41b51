namespace ContainerIR.Analyzers;

/// <summary>One rule of the catalogue: what it means when it fires. How it is found stands in the analyzers.</summary>
/// <param name="Id"><c>CIR-007</c>.</param>
/// <param name="Title">In a few words.</param>
/// <param name="Severity">Of the plain case; what looks like the known false positive has a lower one in its finding.</param>
/// <param name="Techniques">MITRE ATT&amp;CK ids, the main one first.</param>
/// <param name="Why">Why it matters.</param>
/// <param name="FalsePositives">What else looks like it.</param>
/// <param name="NextStep">What to do now.</param>
public sealed record Rule(string Id, string Title, Severity Severity, IReadOnlyList<string> Techniques, string Why, string FalsePositives, string NextStep);
