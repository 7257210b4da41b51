namespace ContainerIR.Analyzers;

/// <summary>Reads a sealed bundle and says what is wrong. The same bytes always give the same findings, in the same order.</summary>
internal interface IAnalyzer
{
    /// <summary>One word.</summary>
    string Name { get; }

    /// <summary>Finds. Rows are streamed; what is kept of them is bounded.</summary>
    IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct);
}
