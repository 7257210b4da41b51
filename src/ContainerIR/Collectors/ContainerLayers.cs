using ContainerIR.Collectors.Images;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux.Overlays;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>The layers of a container as one list, the writable one first, open for reading; and what is known of the image they are of.</summary>
internal sealed class ContainerLayers : IDisposable
{
    private ContainerLayers(LayerStack stack, ImageFacts image, int lowerLayers) => (Stack, Image, LowerLayers) = (stack, image, lowerLayers);

    /// <summary>All layers: index 0 is the writable one. Its own "upper" is not used.</summary>
    public LayerStack Stack { get; }

    /// <summary>The image.</summary>
    public ImageFacts Image { get; }

    /// <summary>Layers below the writable one.</summary>
    public int LowerLayers { get; }

    /// <summary>Where a layer comes from, see <see cref="ImageFacts.OriginOf"/>.</summary>
    public string OriginOf(int index) => Image.OriginOf(index, LowerLayers);

    /// <summary>Digest of a layer's uncompressed tar; null for the writable layer and the engine's own.</summary>
    public string? DiffIdOf(int index) => Image.NumberOf(index, LowerLayers) is > 0 and var number ? Image.DiffIds[number - 1] : null;

    /// <summary>Opens them; null and a gap where that is not possible.</summary>
    public static async Task<ContainerLayers?> OpenAsync(CollectionContext context, ContainerRef container, string sought, IEvidenceSink sink, CancellationToken ct)
    {
        (LayerPaths? paths, string whyNot) = await LayerPaths.FindAsync(context.Runtime, container, ct);
        if (paths is null)
        {
            sink.AddGap(sought, whyNot);
            return null;
        }

        LayerStack stack;
        try
        {
            stack = LayerStack.Open(paths.Upper, [paths.Upper, .. paths.Lowers], paths.UserXattr);
        }
        catch (IOException failure)
        {
            sink.AddGap(sought, DisplayText.Escape(failure.Message));
            return null;
        }

        foreach (string missing in stack.Missing)
        {
            sink.AddGap($"{sought}: a layer", missing);
        }

        string prefix = EngineProcess.Find(context.Runtime.Endpoint)?.PathPrefix() ?? "";
        return new(stack, await ImageFacts.ReadAsync(context.Runtime, container, prefix, ct), stack.Lowers.Count - 1);
    }

    public void Dispose() => Stack.Dispose();
}
