using ContainerIR.Rows;

namespace ContainerIR.Runtimes;

/// <summary>A container as the list shows it.</summary>
/// <param name="Container">What it is.</param>
/// <param name="Risks">Marks of risk visible from metadata, worst first; empty when none.</param>
public sealed record ContainerSummary(ContainerRef Container, IReadOnlyList<RiskMark> Risks);
