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
}
