using System.Security.Cryptography;
using ContainerIR.Acquisitions;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Collectors;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Screens;

/// <summary>
/// A look at a live container: the same acquisition, into a case, a bundle and with a key that exist only as long as the look. So what is on the screen was
/// read exactly as evidence is read.
/// </summary>
internal sealed class Look : IDisposable
{
    private const string CaseName = "LOOK";

    private readonly string folder;

    private Look(string folder, string bundlePath, int gaps, TriageReport report) => (this.folder, BundlePath, Gaps, Report) = (folder, bundlePath, gaps, report);

    /// <summary>The sealed bundle of the look.</summary>
    public string BundlePath { get; }

    /// <summary>How much was sought and not obtained.</summary>
    public int Gaps { get; }

    /// <summary>What is wrong, by the rules.</summary>
    public TriageReport Report { get; }

    public static async Task<Look> TakeAsync(ConsoleFacts facts, ContainerRef container, Profile profile, CancellationToken ct)
    {
        string folder = Directory.CreateTempSubdirectory("cir-look-").FullName;
        try
        {
            CaseHome home = CaseHome.Choose(folder, static _ => null, facts.Surroundings.IsRoot);
            string passphrase = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
            CaseStore.Create(home, CaseName, new CaseFacts(null, null), facts.Surroundings.Clock).Dispose();

            AcquisitionRequest request = new() { Container = container.Id, CaseId = CaseName, Profile = profile, Endpoint = facts.Endpoint };
            AcquisitionResult result = await facts.Surroundings.Acquire(request, new AcquisitionParts(home, _ => passphrase, facts.Surroundings.Clock), null, ct);
            Look look = new(folder, result.BundlePath, result.Gaps.Count, Triage.Run(result.BundlePath, ct));

            // Copying and judging a million files leaves buffers behind, and a console that waits for a person makes nothing new that would bring the collector to them.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            return look;
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    public BundleTables OpenIndex() => BundleTables.OpenLast(CaseStore.OpenReadOnly(CaseHome.Choose(folder, static _ => null, isRoot: true), CaseName), null);

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
