using ContainerIR.Evidence.Text;

namespace ContainerIR.Linux.Overlays;

/// <summary>The layers of a container, open for reading.</summary>
internal sealed class LayerStack : IDisposable
{
    private LayerStack(PrivateTree upper, IReadOnlyList<PrivateTree> lowers, OverlayMarks marks, IReadOnlyList<string> missing)
    {
        (Upper, Lowers, Marks, Missing) = (upper, lowers, marks, missing);
        LowerRoots = [.. lowers.Select((tree, index) => new LowerDirectory(index, tree.Descriptor))];
    }

    /// <summary>The writable layer.</summary>
    public PrivateTree Upper { get; }

    /// <summary>The layers below that could be opened, topmost first.</summary>
    public IReadOnlyList<PrivateTree> Lowers { get; }

    /// <summary>The roots of <see cref="Lowers"/>.</summary>
    public LowerDirectory[] LowerRoots { get; }

    /// <summary>Whether this is no overlay's writable layer but a tree that stands for itself.</summary>
    public bool IsPlain => Marks == OverlayMarks.None;

    /// <summary>How marks are written in these layers.</summary>
    public OverlayMarks Marks { get; }

    /// <summary>Layers below that could not be opened: what lies in them counts as never having been.</summary>
    public IReadOnlyList<string> Missing { get; }

    /// <summary>Opens the layers.</summary>
    /// <param name="upper">The writable layer.</param>
    /// <param name="lowers">The layers below, topmost first.</param>
    /// <param name="userXattr">Whether marks are <c>user.overlay.*</c>.</param>
    /// <param name="allowClone">False to read the directories themselves.</param>
    /// <exception cref="IOException">The writable layer cannot be opened.</exception>
    public static LayerStack Open(byte[] upper, IReadOnlyList<byte[]> lowers, bool userXattr, bool allowClone = true)
    {
        PrivateTree top = PrivateTree.Open(upper, allowClone);
        List<PrivateTree> open = [];
        List<string> missing = [];
        foreach (byte[] lower in lowers)
        {
            try
            {
                open.Add(PrivateTree.Open(lower, allowClone));
            }
            catch (IOException failure)
            {
                missing.Add(DisplayText.Escape(failure.Message));
            }
        }

        return new(top, open, new OverlayMarks(userXattr), missing);
    }

    /// <summary>A tree that is no layer: it stands for itself, and nothing in it is a mark of an overlay. The tree becomes this object's.</summary>
    public static LayerStack Of(PrivateTree tree) => new(tree, [], OverlayMarks.None, []);

    public void Dispose()
    {
        Upper.Dispose();
        foreach (PrivateTree lower in Lowers)
        {
            lower.Dispose();
        }
    }
}

/// <summary>One directory of one lower layer.</summary>
/// <param name="Layer">Index of the layer, 0 the topmost below the writable one.</param>
/// <param name="Descriptor">Path descriptor.</param>
internal readonly record struct LowerDirectory(int Layer, int Descriptor);
