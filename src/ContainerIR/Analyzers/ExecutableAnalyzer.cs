using ContainerIR.Diffs;

namespace ContainerIR.Analyzers;

/// <summary>What runs although the image does not have it.</summary>
internal sealed class ExecutableAnalyzer : IAnalyzer
{
    private static readonly Rule Drift = RuleList.Of("CIR-004");

    public string Name => "executable";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        foreach (SeenProcess process in scene.Processes)
        {
            ct.ThrowIfCancellationRequested();
            if (process.IsInMemory || process.ExecutablePath is not { } path)
            {
                continue;
            }

            if (scene.DriftOf(process) is { } change)
            {
                List<SeenValue> seen = process.Seen(SeenValue.OfBytes("changed_file", change.Path), new("verdict", DiffWords.Of(change.Verdict)));
                yield return scene.HasPackageChange && Paths.IsPackaged(path)
                    ? new Finding(Drift, Severity.Low, seen, process.Place, "a package manager ran and this is where packages put programs")
                    : new Finding(Drift, Drift.Severity, seen, process.Place);
            }
            else if (Paths.IsTemporary(path) && process.RootDevice is { } root && process.ExecutableDevice is { } device && root != device)
            {
                yield return new Finding(Drift, Drift.Severity, process.Seen(new SeenValue("device", device), new SeenValue("root_device", root)), process.Place);
            }
        }
    }
}
