using System.Text;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Runtimes;
using StoredImage = ContainerIR.Runtimes.Stores.StoredImage;

namespace ContainerIR.Collectors.Images;

/// <summary>
/// The layers of an image whose engine has no layer store of Docker's: made again from Podman's, copied out of containerd's content store, else a gap that says what
/// was sought where.
/// </summary>
internal static class ImageLayers
{
    /// <summary>Copies them.</summary>
    /// <param name="container">The container.</param>
    /// <param name="engineRoot">The engine's data directory, true for us; null when not known.</param>
    /// <param name="sink">Gets the items.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task CopyAsync(ContainerRef container, string? engineRoot, IEvidenceSink sink, CancellationToken ct)
    {
        if (engineRoot is not null && container.RuntimeKind == "podman" && TryRead(engineRoot, container) is { } stored)
        {
            List<StoredLayer> layers = [.. stored.Layers.Select((layer, index) => new StoredLayer
            {
                Number = index + 1,
                DiffId = layer.DiffId,
                ChainId = layer.StoreId,
                Directory = layer.Directory is { } directory ? Encoding.UTF8.GetBytes(directory) : null,
                TarSplit = layer.TarSplitPath,
            })];
            await OciLayout.WriteAsync(stored.Configuration.ToArray(), layers, DisplayText.Escape(container.ImageName), sink, ct);
            return;
        }

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

    private static StoredImage? TryRead(string engineRoot, ContainerRef container)
    {
        try
        {
            StoredImage image = StoredImage.Read(engineRoot, container.StorageDriver ?? "overlay", container.ImageId);
            return image.Layers.Count > 0 ? image : null;
        }
        catch (Exception failure) when (failure is HostFileException or InvalidDataException)
        {
            // The layers collector read the same files, and its failure is a gap there.
            return null;
        }
    }
}
