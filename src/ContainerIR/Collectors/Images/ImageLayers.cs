using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Images;

/// <summary>The layers of an image whose engine has no layer store of Docker's: out of containerd's content store, else a gap that says what was sought where.</summary>
internal static class ImageLayers
{
    /// <summary>Copies them.</summary>
    /// <param name="container">The container.</param>
    /// <param name="engineRoot">The engine's data directory, true for us; null when not known.</param>
    /// <param name="sink">Gets the items.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task CopyAsync(ContainerRef container, string? engineRoot, IEvidenceSink sink, CancellationToken ct)
    {
        List<string> searched = [];
        foreach (BlobFolder store in engineRoot is null ? [] : BlobFolder.StoresOf(engineRoot))
        {
            if (await OciLayout.CopyAsync(store, container.ImageId, DisplayText.Escape(container.ImageName), sink, ct) is not null)
            {
                return;
            }

            searched.Add(store.Path);
        }

        sink.AddGap(
            "the image's layers",
            $"the storage driver {DisplayText.Shorten(container.StorageDriver ?? "(not named)", 60)} of this {container.RuntimeKind} has no layer store of Docker's (image/DRIVER/layerdb) they could be made again from, and "
            + (searched.Count == 0 ? "there is no content store of containerd" : $"no manifest of the image is in {DisplayText.Escape(string.Join(", ", searched))}")
            + ": save the image with its engine (docker save, podman save), which adds an event");
    }
}
