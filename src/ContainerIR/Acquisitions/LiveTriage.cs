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
    public static Task<TriageReport> RunAsync(
        string container, string? endpoint, TriageRules rules, Expectations expected, Func<AcquisitionRequest, AcquisitionParts, CancellationToken, Task<AcquisitionResult>> acquire, TimeProvider clock, CancellationToken ct) =>
        ReadAsync(container, endpoint, [], acquire, bundle => Triage.Run(bundle, rules, expected, ct), clock, ct);

    /// <summary>Copies, reads the temporary bundle, removes it.</summary>
    /// <param name="container">Id, unique prefix or name.</param>
    /// <param name="endpoint">The engine; null to look at the usual places.</param>
    /// <param name="skip">Collectors of profile triage that are not needed.</param>
    /// <param name="acquire">Runs the acquisition: <see cref="Acquirer.RunAsync"/>.</param>
    /// <param name="read">Reads the sealed bundle of this folder.</param>
    /// <param name="clock">Time.</param>
    /// <param name="ct">Cancels; the temporary bundle is removed.</param>
    /// <exception cref="Evidence.OperatorException">Something the operator can mend.</exception>
    public static async Task<T> ReadAsync<T>(
        string container,
        string? endpoint,
        IReadOnlyList<string> skip,
        Func<AcquisitionRequest, AcquisitionParts, CancellationToken, Task<AcquisitionResult>> acquire,
        Func<string, T> read,
        TimeProvider clock,
        CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(acquire);
        ArgumentNullException.ThrowIfNull(read);
        // Made with mode 0700: what is in it is the container's inside.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("cir-triage-");
        try
        {
            CaseHome home = new(folder.FullName);
            using (CaseStore.Create(home, CaseName, new CaseFacts("triage", null), clock))
            {
            }

            string passphrase = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
            AcquisitionRequest request = new() { Container = container, CaseId = CaseName, Profile = Profile.Triage, Examiner = "triage", Endpoint = endpoint, Skip = skip };
            AcquisitionResult result = await acquire(request, new AcquisitionParts(home, _ => passphrase, clock), ct);
            return read(result.BundlePath);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
