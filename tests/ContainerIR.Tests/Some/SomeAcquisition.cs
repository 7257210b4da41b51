using ContainerIR.Acquisitions;
using ContainerIR.Cases;

namespace ContainerIR.Tests.Some;

/// <summary>A home with a case for whole acquisitions, removed with all its bundles.</summary>
internal sealed class SomeAcquisition : IDisposable
{
    public const string CaseId = "SOME-1";

    private readonly string folder = Directory.CreateTempSubdirectory("cir-home-").FullName;

    public SomeAcquisition()
    {
        using CaseStore made = CaseStore.Create(new(folder), CaseId, new CaseFacts(null, null), TimeProvider.System);
    }

    public string Folder => folder;

    public Task<AcquisitionResult> RunAsync(AcquisitionRequest request) =>
        Acquirer.RunAsync(request, new AcquisitionParts(new(folder), _ => "a passphrase for tests", TimeProvider.System), null, CancellationToken.None);

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
