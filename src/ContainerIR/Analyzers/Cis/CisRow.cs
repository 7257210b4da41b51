namespace ContainerIR.Analyzers.Cis;

/// <summary>
/// A check of the CIS Docker Benchmark as context for a responder: what was read, and which rule of the catalogue weighs it. It passes and fails nobody.
/// </summary>
/// <param name="Id">Number in the benchmark (1.6.0): <c>5.4</c>.</param>
/// <param name="Title">What is asked.</param>
/// <param name="Value">What was read, display form; <c>not read</c> where the bundle does not have it.</param>
/// <param name="Differs">Whether it is other than the benchmark recommends; null where that cannot be said from one value, or it was not read.</param>
/// <param name="Feeds">Rules it matters to, or what a responder uses it for.</param>
/// <param name="Where">Where it was read; null when it was not.</param>
public sealed record CisRow(string Id, string Title, string Value, bool? Differs, string Feeds, FindingPlace? Where);
