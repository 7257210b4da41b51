using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Overlays;

/// <summary>
/// One directory on the way from the root to where the walk is. Its descriptors and its buffer can be given up while the walk is deep below,
/// and are got again on the way back.
/// </summary>
internal sealed class OverlayFrame
{
    /// <summary>Bytes of the walk's path that name this directory.</summary>
    public int PathBytes;

    /// <summary>Whether the upper layer has this directory.</summary>
    public bool HasUpper;

    /// <summary>Whether names of the lower layers that the upper one lacks are deleted here: the directory, or one above, is opaque or deleted.</summary>
    public bool HidesLower;

    /// <summary>Bytes of the path of the whiteout or opaque directory that hides what is here.</summary>
    public int HiddenByBytes;

    /// <summary>Whether another file system is mounted over it or over a directory above.</summary>
    public bool IsUnderMount;

    /// <summary>Redirect of the upper directory; null for none.</summary>
    public byte[]? Redirect;

    /// <summary>Path of the lower directory where a redirect made it another; null where it is the same.</summary>
    public byte[]? LowerPath;

    /// <summary>The upper directory, to know it again.</summary>
    public ulong Inode;

    /// <summary>The upper directory, open for reading; -1 when given up.</summary>
    public int UpperDescriptor = -1;

    /// <summary>The lower directories, topmost first.</summary>
    public LowerDirectory[] Lowers = [];

    /// <summary>Whether descriptors are held.</summary>
    public bool IsOpen;

    /// <summary>What is listed: -1 the upper directory, else index into <see cref="Lowers"/>.</summary>
    public int Listing;

    /// <summary>The listed lower directory, open for reading; -1 when there is none.</summary>
    public int ListDescriptor = -1;

    /// <summary>The names being gone through; null when given up.</summary>
    public DirectoryReader? Reader;

    /// <summary>Where the listing goes on.</summary>
    public long Position;

    /// <summary>Descriptors this frame holds, about.</summary>
    public int DescriptorCount => (UpperDescriptor >= 0 ? 1 : 0) + Lowers.Length + 1;

    /// <summary>Gives up descriptors and buffer; the reader comes back for reuse.</summary>
    public DirectoryReader? Close()
    {
        Nodes.Close(UpperDescriptor);
        Nodes.Close(ListDescriptor);
        foreach (LowerDirectory lower in Lowers)
        {
            Nodes.Close(lower.Descriptor);
        }

        Lowers = [];
        DirectoryReader? reader = Reader;
        Position = reader?.Position ?? Position;
        (UpperDescriptor, ListDescriptor, Reader, IsOpen) = (-1, -1, null, false);
        return reader;
    }
}
