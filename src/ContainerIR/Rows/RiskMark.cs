namespace ContainerIR.Rows;

/// <summary>A mark of risk visible from a container's metadata: a fact, not a finding.</summary>
/// <param name="Id">Short stable word: <c>privileged</c>, <c>host-pid</c>, <c>engine-socket</c>, <c>cap-add</c>, <c>sensitive-mount</c>, <c>no-digest</c> …</param>
/// <param name="Text">The exact value seen.</param>
public sealed record RiskMark(string Id, string Text);
