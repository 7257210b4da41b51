using ContainerIR.Analyzers.Sigma;
using ContainerIR.Analyzers.Yara;
using ContainerIR.Evidence;

namespace ContainerIR.Analyzers;

/// <summary>Rules beside the catalogue's, read once for any number of bundles.</summary>
public sealed class TriageRules
{
    private TriageRules(SigmaRuleSet sigma, YaraRules yara) => (Sigma, Yara) = (sigma, yara);

    /// <summary>No further rules.</summary>
    public static TriageRules None { get; } = new(new SigmaRuleSet([]), YaraRules.None);

    internal SigmaRuleSet Sigma { get; }

    internal YaraRules Yara { get; }

    /// <summary>Reads folders of Sigma rules and files of YARA rules. A Sigma rule that cannot be run is named in every report.</summary>
    /// <param name="folders">Each with its sub-folders.</param>
    /// <param name="yara">Files of YARA rules.</param>
    /// <exception cref="OperatorException">A folder cannot be read or has no rules, or a file does not compile.</exception>
    public static TriageRules Load(IReadOnlyList<string> folders, IReadOnlyList<string> yara)
    {
        ArgumentNullException.ThrowIfNull(folders);
        ArgumentNullException.ThrowIfNull(yara);
        return new TriageRules(folders.Count == 0 ? None.Sigma : SigmaRuleSet.ReadFolders(folders), yara.Count == 0 ? YaraRules.None : YaraRules.Load(yara));
    }

    /// <summary>The same with other YARA rules.</summary>
    internal TriageRules With(YaraRules yara) => new(Sigma, yara);
}
