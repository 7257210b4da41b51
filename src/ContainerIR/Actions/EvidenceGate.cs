using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Verification;
using ContainerIR.Runtimes;

namespace ContainerIR.Actions;

/// <summary>
/// Nothing that destroys evidence runs before a sealed acquisition of that very container stands in the case and verifies. An acquisition of an earlier life
/// of the container does not count: it holds nothing of the memory that would be lost.
/// </summary>
internal static class EvidenceGate
{
    /// <summary>Why the gate is shut; null when it is open.</summary>
    public static async Task<string?> ClosedAsync(CaseHome home, string caseId, ContainerRef container, CancellationToken ct)
    {
        if (!CaseStore.Exists(home, caseId))
        {
            return $"There is no case {DisplayText.Shorten(caseId, 40)}, so no sealed evidence of container {container.ShortId} stands in it.";
        }

        List<string> found = [];
        foreach ((string path, SealedRecord record) in BundlesOf(home, caseId, container.Id))
        {
            string name = DisplayText.Escape(Path.GetFileName(path));
            if (container.HasProcesses && container.StartedAt is { } started && Opened(record) is { } opened && opened < started)
            {
                found.Add($"{name} was acquired before the container was started again");
                continue;
            }

            VerificationReport report = await BundleVerifier.VerifyAsync(path, new VerifyOptions(null), ct);
            if (report.Verdict == Verdict.Verified)
            {
                return null;
            }

            found.Add($"{name} is {report.Verdict.ToString().ToLowerInvariant()}");
        }

        return found.Count == 0
            ? $"No sealed acquisition of container {container.ShortId} stands in case {caseId}."
            : $"No acquisition of container {container.ShortId} in case {caseId} counts: {string.Join("; ", found)}.";
    }

    /// <summary>The newest bundle of a container in a case; null when there is none.</summary>
    public static string? Newest(CaseHome home, string caseId, string containerId) => BundlesOf(home, caseId, containerId).Select(each => each.Path).FirstOrDefault();

    /// <summary>What to do when it is shut.</summary>
    public static string Remedy(string caseId, ContainerRef container) =>
        $"Acquire first: cir acquire {container.ShortId} --case {caseId}. Or take the loss upon you, in writing: --override \"REASON\"";

    // The newest first. A bundle that is not sealed, or is another's, is passed over.
    private static List<(string Path, SealedRecord Record)> BundlesOf(CaseHome home, string caseId, string containerId)
    {
        using CaseStore store = CaseStore.OpenReadOnly(home, caseId);
        List<(string Path, SealedRecord Record)> found = [];
        foreach (string path in store.ListBundles())
        {
            try
            {
                if (SealedRecord.Read(SealedBundleFiles.Open(path)) is var record && record.ContainerId == containerId)
                {
                    found.Add((path, record));
                }
            }
            catch (Exception failure) when (failure is OperatorException or IOException)
            {
                // No sealed bundle: nothing of it is proven, so it cannot open the gate.
            }
        }

        return [.. found.OrderByDescending(each => each.Record.OpenedAtNs ?? 0)];
    }

    private static DateTimeOffset? Opened(SealedRecord record) =>
        record.OpenedAtNs is { } nanoseconds ? DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100) : null;
}
