namespace ContainerIR.Cli.Screens;

/// <summary>Something that waits for a person: what is said, the fields to fill in, and who takes the answer.</summary>
/// <param name="Heading">What it is.</param>
/// <param name="Lines">What the person must know.</param>
/// <param name="Fields">What is to be answered.</param>
/// <param name="Take">Takes the answer; gives what is wrong with it, or null.</param>
internal sealed record Pending(string Heading, IReadOnlyList<TextLine> Lines, IReadOnlyList<FormField> Fields, Func<FormView, string?> Take);
