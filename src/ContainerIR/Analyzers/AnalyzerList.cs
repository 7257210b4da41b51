using ContainerIR.Analyzers.Sigma;
using ContainerIR.Analyzers.Yara;

namespace ContainerIR.Analyzers;

/// <summary>All analyzers, in the order they run. A new analyzer is one file and one line here.</summary>
internal static class AnalyzerList
{
    public static IReadOnlyList<IAnalyzer> All { get; } =
    [
        new ExecutableAnalyzer(),
        new CommandAnalyzer(),
        new SocketAnalyzer(),
        new ConfinementAnalyzer(),
        new DiffAnalyzer(),
        new ConfigurationAnalyzer(),
        new EscapeAnalyzer(),
        new EngineAnalyzer(),
        new MemoryAnalyzer(),
        new NetworkSettingsAnalyzer(),
        new ImageAnalyzer(),
        new DestructionAnalyzer(),
        new ContentAnalyzer(),
    ];

    /// <summary>All analyzers, then those of rule files: the program's own first.</summary>
    /// <param name="rules">Rules beside the catalogue's.</param>
    /// <param name="expected">Its baseline, where there is one, is compared last.</param>
    /// <param name="note">Told what a rule could not do.</param>
    public static IEnumerable<IAnalyzer> With(TriageRules rules, Expectations expected, Action<string> note) =>
        With(rules, note).Concat(expected.Baseline is { } baseline ? [new BaselineAnalyzer(baseline)] : Array.Empty<IAnalyzer>());

    /// <summary>All analyzers, then those of rule files: the program's own first.</summary>
    /// <param name="rules">Rules beside the catalogue's.</param>
    /// <param name="note">Told what a rule could not do.</param>
    public static IEnumerable<IAnalyzer> With(TriageRules rules, Action<string> note) =>
        [.. All, new SigmaAnalyzer([.. SigmaRuleSet.Own.Rules, .. rules.Sigma.Rules], note), new YaraAnalyzer(rules.Yara, note)];
}
