using System.Security.Cryptography;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Collectors;

namespace ContainerIR.Acquisitions;

/// <summary>
/// Triage of a living container: the collectors of profile triage fill a sealed bundle in a temporary home with a key of its own, the analyzers read that
/// bundle, and all of it is removed. What is to be kept is acquired.
/// </summary>
public static class LiveTriage
{
    private const string CaseName = "triage";

    /// <summary>Copies, judges, removes.</summary>
    /// <param name="container">Id, unique prefix or name.</param>
    /// <param name="endpoint">The engine; null to look at the usual places.</param>
    /// <param name="rules">Rules beside the catalogue's.</param>
    /// <param name="expected">What is no news, and what it was when it was good.</param>
    /// <param name="acquire">Runs the acquisition: <see cref="Acquirer.RunAsync"/>.</param>
    /// <param name="clock">Time.</param>
    /// <param name="ct">Cancels; the temporary bundle is removed.</param>
    /// <exception cref="Evidence.OperatorException">Something the operator can mend.</exception>
    public static async Task<TriageReport> RunAsync(
        string container, string? endpoint, TriageRules rules, Expectations expected, Func<AcquisitionRequest, AcquisitionParts, CancellationToken, Task<AcquisitionResult>> acquire, TimeProvider clock, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(acquire);
        // Made with mode 0700: what is in it is the container's inside.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("cir-triage-");
        try
        {
            CaseHome home = new(folder.FullName);
            using (CaseStore.Create(home, CaseName, new CaseFacts("triage", null), clock))
            {
            }

            string passphrase = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
            AcquisitionRequest request = new() { Container = container, CaseId = CaseName, Profile = Profile.Triage, Examiner = "triage", Endpoint = endpoint };
            AcquisitionResult result = await acquire(request, new AcquisitionParts(home, _ => passphrase, clock), ct);
            return Triage.Run(result.BundlePath, rules, expected, ct);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
