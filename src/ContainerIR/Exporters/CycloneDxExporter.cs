using ContainerIR.Cases;

namespace ContainerIR.Exporters;

/// <summary>
/// The bill of materials the bundle holds, byte for byte: CycloneDX 1.6 (ECMA-424). A package that was added at run time bears the property
/// <c>containerir:added-at-run-time</c> with the value <c>true</c>.
/// </summary>
internal sealed class CycloneDxExporter : IExporter
{
    private const string Document = "packages.cdx.json";

    public string Name => "cyclonedx";

    public string Description => "the container's packages as CycloneDX 1.6, those added at run time marked";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        SealedItem? item = bundle.Items("packages", Document).FirstOrDefault(each => each.Status == "complete");
        if (item is null)
        {
            bundle.Note("no bill of materials: the collector packages did not make one; acquire with --profile standard or full");
            return;
        }

        using DerivedFile copy = folder.Create(Document);
        RawCopy.Write(bundle, item, copy, ct);
    }
}
