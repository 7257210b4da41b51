namespace ContainerIR.Runtimes;

/// <summary>A container as the list shows it.</summary>
/// <param name="Container">What it is.</param>
/// <param name="Risks">Marks of risk visible from metadata, worst first; empty when none.</param>
public sealed record ContainerSummary(ContainerRef Container, IReadOnlyList<RiskMark> Risks);

/// <summary>A mark of risk visible from a container's metadata: a fact, not a finding.</summary>
/// <param name="Id">Short stable word: <c>privileged</c>, <c>host-pid</c>, <c>engine-socket</c>, <c>cap-add</c>, <c>sensitive-mount</c>, <c>no-digest</c> …</param>
/// <param name="Text">The exact value seen.</param>
public sealed record RiskMark(string Id, string Text);
