using ContainerIR.Analyzers.Sigma;
using ContainerIR.Evidence;

namespace ContainerIR.Analyzers;

/// <summary>Rules beside the catalogue's, read once for any number of bundles.</summary>
public sealed class TriageRules
{
    private TriageRules(SigmaRuleSet sigma) => Sigma = sigma;

    /// <summary>No further rules.</summary>
    public static TriageRules None { get; } = new(new SigmaRuleSet([]));

    internal SigmaRuleSet Sigma { get; }

    /// <summary>Reads folders of Sigma rules. A rule that cannot be run is named in every report.</summary>
    /// <param name="folders">Each with its sub-folders.</param>
    /// <exception cref="OperatorException">A folder cannot be read or has no rules.</exception>
    public static TriageRules Load(IReadOnlyList<string> folders)
    {
        ArgumentNullException.ThrowIfNull(folders);
        return folders.Count == 0 ? None : new TriageRules(SigmaRuleSet.ReadFolders(folders));
    }
}
