using ContainerIR.Cases;

namespace ContainerIR.Exporters;

/// <summary>The tar archives of a bundle, decompressed: POSIX pax archives that any tar reads (the writable layer, the originals it hides, images).</summary>
internal sealed class TarExporter : IExporter
{
    public string Name => "tar";

    public string Description => "the archives of the bundle as plain tar (writable layer and originals)";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        foreach (SealedItem item in bundle.Record.Items.Where(item => item.Path.EndsWith(".tar.zst", StringComparison.Ordinal) && item.Status is not ("lost" or "refused")))
        {
            using DerivedFile copy = folder.Create(string.Join('/', item.Path.Split('/').Skip(1))[..^".zst".Length]);
            RawCopy.Write(bundle, item, copy, ct);
            if (item.Status != "complete")
            {
                bundle.Note($"{item.Path} is {item.Status}: its archive ends early");
            }
        }
    }
}
