using ContainerIR.Analyzers.Sigma;
using ContainerIR.Analyzers.Yara;

namespace ContainerIR.Analyzers;

/// <summary>All analyzers, in the order they run. A new analyzer is one file and one line here.</summary>
internal static class AnalyzerList
{
    public static IReadOnlyList<IAnalyzer> All { get; } =
    [
        new ProcessAnalyzer(),
        new ExecutableAnalyzer(),
        new CommandAnalyzer(),
        new SocketAnalyzer(),
        new ConfinementAnalyzer(),
        new DiffAnalyzer(),
        new ConfigurationAnalyzer(),
    ];

    /// <summary>All analyzers, then those of rule files: the program's own first.</summary>
    /// <param name="rules">Rules beside the catalogue's.</param>
    /// <param name="note">Told what a rule could not do.</param>
    public static IEnumerable<IAnalyzer> With(TriageRules rules, Action<string> note) =>
        [.. All, new SigmaAnalyzer([.. SigmaRuleSet.Own.Rules, .. rules.Sigma.Rules], note), new YaraAnalyzer(rules.Yara, note)];
}
