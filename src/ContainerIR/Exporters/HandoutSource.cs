using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Verification;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>What is handed over: one bundle, or all sealed bundles of a case; every one verified first.</summary>
internal sealed class HandoutSource
{
    private HandoutSource(string name, string? caseFolder) => (Name, CaseFolder) = (name, caseFolder);

    /// <summary>Case id, or the bundle's name.</summary>
    public string Name { get; }

    /// <summary>Folder of the case; null when a bundle alone was named.</summary>
    public string? CaseFolder { get; }

    /// <summary>The case at a glance; null when a bundle alone was named.</summary>
    public CaseOverview? Case { get; private init; }

    /// <summary>What was decided and done, by the record of the case; empty when a bundle alone was named.</summary>
    public IReadOnlyList<PlaybookEvent> Decisions { get; private init; } = [];

    /// <summary>Those that are as they were sealed, in the order of their names.</summary>
    public IReadOnlyList<VerifiedBundle> Bundles { get; private init; } = [];

    /// <summary>Those that are not: nothing is to be made of any while there is one.</summary>
    public IReadOnlyList<VerificationReport> Refused { get; private init; } = [];

    /// <summary>Folders of the case whose acquisition did not end: they are left out, which is to be said.</summary>
    public IReadOnlyList<string> Unsealed { get; private init; } = [];

    /// <summary>Finds and verifies.</summary>
    /// <param name="home">Where cases are.</param>
    /// <param name="target">Folder of a bundle, or id of a case.</param>
    /// <param name="allowed">Findings that are no news.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="OperatorException">It is neither, or nothing in it is sealed.</exception>
    public static async Task<HandoutSource> OpenAsync(CaseHome home, string target, AllowList allowed, CancellationToken ct)
    {
        bool isFolder = target.Contains('/', StringComparison.Ordinal) || File.Exists(Path.Combine(target, "bagit.txt"));
        CaseOverview? overview = null;
        IReadOnlyList<string> paths = [target];
        string? folder = null;
        List<PlaybookEvent> decisions = [];
        if (!isFolder)
        {
            using CaseStore store = CaseStore.OpenReadOnly(home, target);
            (overview, paths, folder) = (CaseReader.ReadOverview(store), store.ListBundles(), store.Folder);
            decisions = CaseDecisions.Read(store);
        }

        List<VerifiedBundle> bundles = [];
        List<VerificationReport> refused = [];
        List<string> unsealed = [];
        foreach (string path in paths)
        {
            // The case's folder holds a bundle kept elsewhere as a link.
            string real = Directory.ResolveLinkTarget(path.TrimEnd('/'), returnFinalTarget: true)?.FullName ?? path;
            VerificationReport report = await BundleVerifier.VerifyAsync(real, new VerifyOptions(), ct);
            switch (report.Verdict)
            {
                case Verdict.Verified or Verdict.Untrusted:
                    bundles.Add(VerifiedBundle.Open(real, report, allowed));
                    break;
                case Verdict.Unsealed when !isFolder:
                    unsealed.Add(Path.GetFileName(path));
                    break;
                default:
                    refused.Add(report);
                    break;
            }
        }

        return bundles.Count + refused.Count > 0
            ? new HandoutSource(!isFolder ? target : bundles is [var only, ..] ? only.Name : "bundle", folder) { Case = overview, Bundles = bundles, Refused = refused, Unsealed = unsealed, Decisions = decisions }
            : throw new OperatorException($"Case {target} has no sealed bundle.", $"Acquire into it: cir acquire CONTAINER --case {target}");
    }
}
