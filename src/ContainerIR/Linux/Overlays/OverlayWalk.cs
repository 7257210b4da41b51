using System.Runtime.InteropServices;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Overlays;

/// <summary>
/// Goes once through everything that the writable layer of an overlay says: each object in it, with what the lower layers have under the same name, and
/// each object of the lower layers that a deletion or an opaque directory hides. Without lower layers it is a plain walk of a tree.
/// </summary>
/// <remarks>
/// Iterative; memory and descriptors do not depend on depth, width or number of layers. A directory comes before what is in it. Properties speak of
/// the current entry until the next <see cref="MoveNext"/>.
/// </remarks>
internal sealed unsafe class OverlayWalk : IDisposable
{
    private readonly LayerStack stack;
    private readonly WalkLimits limits;
    private readonly Func<ReadOnlySpan<byte>, bool> isMountPoint;
    private readonly Action<string, string> onGap;
    private readonly LowerLookup lookup;
    private readonly FrameStack frames;
    private byte[] path = GC.AllocateUninitializedArray<byte>(8192, pinned: true);
    private int pathBytes;
    private StatX stat;
    private int descriptor = -1;
    private bool isPathDescriptor;
    private bool started;
    private bool ended;
    private long entries;
    private long hiddenEntries;
    private bool hiddenLimitSaid;
    private long longPathBytes;
    private bool longPathLimitSaid;

    /// <summary>Begins a walk; the layers stay the caller's.</summary>
    /// <param name="stack">The layers.</param>
    /// <param name="limits">Where it ends.</param>
    /// <param name="isMountPoint">Whether a path (relative, no leading slash) has another file system over it.</param>
    /// <param name="onGap">Told what was cut or could not be listed: path and reason, for people.</param>
    public OverlayWalk(LayerStack stack, WalkLimits limits, Func<ReadOnlySpan<byte>, bool> isMountPoint, Action<string, string> onGap)
    {
        (this.stack, this.limits, this.isMountPoint, this.onGap) = (stack, limits, isMountPoint, onGap);
        lookup = new(stack);
        frames = new(stack, lookup, limits);
    }

    /// <summary>Path from the layer's root without leading slash; empty for the root.</summary>
    public ReadOnlySpan<byte> Path => path.AsSpan(0, pathBytes);

    /// <summary>Whether the upper layer has it; else it is an object of a lower layer that is hidden.</summary>
    public bool IsInUpper { get; private set; }

    /// <summary>The object of the upper layer: open for reading when it is a file or directory that could be opened, else a path descriptor; -1 when it is gone.</summary>
    public int Descriptor => descriptor;

    /// <summary>Whether <see cref="Descriptor"/> cannot be read from.</summary>
    public bool IsPathDescriptor => isPathDescriptor;

    /// <summary>statx of the upper object; only <c>stx_mode</c>'s type, from the directory, when it is gone.</summary>
    public ref readonly StatX Stat => ref stat;

    /// <summary>Extended attributes of the upper object.</summary>
    public XattrList Xattrs { get; } = new();

    /// <summary>Whether the upper object says that its name is deleted.</summary>
    public bool IsWhiteout { get; private set; }

    /// <summary>Whether the upper directory is marked opaque.</summary>
    public bool IsOpaque { get; private set; }

    /// <summary>Whether the overlay keeps the upper object from being changed, by the letter of chattr(1).</summary>
    public bool HasProtection(char letter) => stack.Marks.HasProtection(Xattrs, letter);

    /// <summary>What the lower layers have under this name (for a redirected directory: where it leads). For a hidden object it is the object.</summary>
    public LowerHit Original { get; } = new();

    /// <summary>Path of <see cref="Original"/> without leading slash, where a redirect makes it another than <see cref="Path"/>; null else.</summary>
    public byte[]? OriginalPath { get; private set; }

    /// <summary>Whether the upper directory says it was renamed.</summary>
    public bool IsRedirected { get; private set; }

    /// <summary>Path of the whiteout, file or opaque directory that hides a hidden object.</summary>
    public ReadOnlySpan<byte> HiddenBy => path.AsSpan(0, frames.Count == 0 ? 0 : frames.Top.HiddenByBytes);

    /// <summary>Whether a file system mounted over a directory above hides it from the container's processes.</summary>
    public bool IsUnderMount => frames.Count > 0 && frames.Top.IsUnderMount;

    /// <summary>Why the upper object could not be examined in full; null when it could.</summary>
    public string? Error { get; private set; }

    /// <summary>Goes to the next entry.</summary>
    public bool MoveNext()
    {
        if (!started)
        {
            started = true;
            return ReadRoot();
        }

        Descend();
        while (!ended && frames.Count > 0)
        {
            OverlayFrame frame = frames.Top;
            pathBytes = frame.PathBytes;
            if (!frames.EnsureTopIsOpen(Path))
            {
                onGap(DisplayPath(), "the directory was moved or removed while it was listed: the rest of it was not seen");
                frames.Pop();
                continue;
            }

            if (!NextName(frame))
            {
                continue;
            }

            AppendName(frame.Reader!.NameBytes);
            if (IsBeyondLongPaths())
            {
                frames.Pop();
                continue;
            }

            if (frame.Listing < 0 ? ReadUpper(frame) : ReadHidden(frame))
            {
                if (entries++ == limits.MaxEntries)
                {
                    onGap(DisplayPath(), $"more than {limits.MaxEntries} entries: the rest was not read");
                    ended = true;
                    return false;
                }

                return true;
            }
        }

        return false;
    }

    public void Dispose()
    {
        ReleaseCurrent();
        while (frames.Count > 0)
        {
            frames.Pop();
        }
    }

    private bool IsBeyondLongPaths()
    {
        longPathBytes += pathBytes > WalkLimits.LongPathBytes ? pathBytes : 0;
        if (pathBytes <= WalkLimits.LongPathBytes || longPathBytes <= limits.MaxLongPathBytes)
        {
            return false;
        }

        if (!longPathLimitSaid)
        {
            onGap(DisplayPath(), $"paths longer than {WalkLimits.LongPathBytes} bytes have more than {limits.MaxLongPathBytes} bytes in all: from here on, what has such a path was not read");
            longPathLimitSaid = true;
        }

        return true;
    }

    private string DisplayPath() => "/" + DisplayText.Escape(Path);

    private bool ReadRoot()
    {
        fixed (byte* dot = ".\0"u8)
        {
            descriptor = Libc.openat(stack.Upper.Descriptor, dot, stack.Upper.ReadFlags | Libc.O_DIRECTORY, 0);
        }

        if (descriptor < 0 || !Nodes.Stat(descriptor, ref stat))
        {
            onGap("/", $"the writable layer cannot be opened: {Libc.Describe(Marshal.GetLastPInvokeError())}");
            return false;
        }

        (IsInUpper, entries) = (true, 1);
        Error = Xattrs.Read(descriptor, isPathDescriptor: false);
        IsOpaque = stack.Marks.IsOpaque(Xattrs);
        fixed (byte* dot = ".\0"u8)
        {
            lookup.Find(stack.LowerRoots, dot, Original);
        }

        return true;
    }

    /// <summary>Goes into the current entry, if there is anything in it, and lets go of it.</summary>
    private void Descend()
    {
        bool isUpperDirectory = IsInUpper && descriptor >= 0 && Nodes.IsDirectory(stat);
        bool isRoot = frames.Count == 0;
        bool canEnter = isUpperDirectory && !isPathDescriptor;
        bool hidesLower = !isRoot && frames.Top.HidesLower;
        bool isGone = IsInUpper && descriptor < 0;
        if (ended || isGone || (isUpperDirectory ? !canEnter : !Original.IsDirectory))
        {
            ReleaseCurrent();
            return;
        }

        if (frames.Count >= limits.MaxDepth || pathBytes > limits.MaxPathBytes)
        {
            onGap(DisplayPath(), $"deeper than {limits.MaxDepth} directories or {limits.MaxPathBytes} bytes: what is below was not read");
            ReleaseCurrent();
            return;
        }

        OverlayFrame frame = new()
        {
            PathBytes = pathBytes,
            HasUpper = isUpperDirectory,
            HidesLower = !isUpperDirectory || IsOpaque || hidesLower,
            HiddenByBytes = hidesLower ? frames.Top.HiddenByBytes : pathBytes,
            IsUnderMount = !isRoot && (frames.Top.IsUnderMount || isMountPoint(Path)),
            Redirect = IsRedirected ? stack.Marks.Redirect(Xattrs).ToArray() : null,
            LowerPath = OriginalPath,
            Inode = stat.stx_ino,
            Listing = isUpperDirectory ? -1 : 0,
            IsOpen = true,
        };
        if (isUpperDirectory)
        {
            frame.UpperDescriptor = descriptor;
            descriptor = -1;
        }

        frame.Lowers = Original.TakeDirectories();
        ReleaseCurrent();
        frames.Push(frame);
    }

    private void ReleaseCurrent()
    {
        Nodes.Close(descriptor);
        descriptor = -1;
        isPathDescriptor = false;
        Original.Clear();
        Xattrs.Clear();
        (Error, OriginalPath, IsOpaque, IsWhiteout, IsRedirected) = (null, null, false, false, false);
    }

    private bool NextName(OverlayFrame frame)
    {
        if (frame.Listing >= 0 && frame.ListDescriptor < 0)
        {
            fixed (byte* dot = ".\0"u8)
            {
                LowerDirectory lower = frame.Lowers[frame.Listing];
                frame.ListDescriptor = Libc.openat(lower.Descriptor, dot, stack.Lowers[lower.Layer].ReadFlags | Libc.O_DIRECTORY, 0);
            }

            if (frame.ListDescriptor < 0)
            {
                onGap(DisplayPath(), $"a directory of a lower layer cannot be opened: {Libc.Describe(Marshal.GetLastPInvokeError())}");
                EndListing(frame);
                return false;
            }
        }

        if (frame.Reader is null)
        {
            frame.Reader = frames.NewReader();
            frame.Reader.Start(frame.Position);
        }

        if (frame.Reader.Next(frame.Listing < 0 ? frame.UpperDescriptor : frame.ListDescriptor, out int errno))
        {
            return true;
        }

        if (errno != 0)
        {
            onGap(DisplayPath(), $"the directory cannot be listed to its end: {Libc.Describe(errno)}");
        }

        EndListing(frame);
        return false;
    }

    private void EndListing(OverlayFrame frame)
    {
        frames.Recycle(frame.Reader);
        Nodes.Close(frame.ListDescriptor);
        (frame.Reader, frame.ListDescriptor, frame.Position) = (null, -1, 0);
        frame.Listing++;
        if (!frame.HidesLower || frame.Listing >= frame.Lowers.Length)
        {
            frames.Pop();
        }
    }

    private void AppendName(ReadOnlySpan<byte> name)
    {
        int needed = pathBytes + name.Length + 2;
        if (needed > path.Length)
        {
            byte[] larger = GC.AllocateUninitializedArray<byte>(needed * 2, pinned: true);
            path.AsSpan(0, pathBytes).CopyTo(larger);
            path = larger;
        }

        if (pathBytes > 0)
        {
            path[pathBytes++] = (byte)'/';
        }

        name.CopyTo(path.AsSpan(pathBytes));
        pathBytes += name.Length;
    }

    private bool ReadUpper(OverlayFrame frame)
    {
        DirectoryReader names = frame.Reader!;
        IsInUpper = true;
        descriptor = UpperObject.Open(stack.Upper, frame.UpperDescriptor, names.Name, names.Type, ref stat, out isPathDescriptor, out string? openError);
        Error = openError;
        if (descriptor >= 0)
        {
            string? problem = Xattrs.Read(descriptor, isPathDescriptor);
            Error ??= problem;
            IsWhiteout = stack.Marks.IsWhiteout(stat, Xattrs);
            IsOpaque = Nodes.IsDirectory(stat) && stack.Marks.IsOpaque(Xattrs);
        }

        ReadOnlySpan<byte> redirect = Nodes.IsDirectory(stat) ? stack.Marks.Redirect(Xattrs) : default;
        if (!redirect.IsEmpty)
        {
            IsRedirected = true;
            OriginalPath = redirect[0] == '/' ? redirect.Trim((byte)'/').ToArray() : Sibling(frame, redirect);
            lookup.FindRedirect(frame.Lowers, redirect, Original);
        }
        else
        {
            OriginalPath = frame.LowerPath is null ? null : Sibling(frame, names.NameBytes);
            lookup.Find(frame.Lowers, names.Name, Original);
        }

        return true;
    }

    private byte[] Sibling(OverlayFrame frame, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> parent = frame.LowerPath is null ? path.AsSpan(0, frame.PathBytes) : frame.LowerPath;
        return parent.IsEmpty ? name.ToArray() : [.. parent, (byte)'/', .. name];
    }

    private bool ReadHidden(OverlayFrame frame)
    {
        byte* name = frame.Reader!.Name;
        if (frame.HasUpper && Nodes.Exists(frame.UpperDescriptor, name))
        {
            return false;
        }

        for (int i = 0; i < frame.Listing; i++)
        {
            if (Nodes.Exists(frame.Lowers[i].Descriptor, name))
            {
                return false;
            }
        }

        lookup.Find(frame.Lowers.AsSpan(frame.Listing), name, Original);
        if (!Original.IsFound)
        {
            return false;
        }

        if (++hiddenEntries > limits.MaxHiddenEntries)
        {
            if (!hiddenLimitSaid)
            {
                onGap(DisplayPath(), $"more than {limits.MaxHiddenEntries} entries hidden by deletions: the rest is not listed");
                hiddenLimitSaid = true;
            }

            Original.Clear();
            return false;
        }

        IsInUpper = false;
        OriginalPath = frame.LowerPath is null ? null : Sibling(frame, frame.Reader.NameBytes);
        return true;
    }
}
