using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Overlays;

/// <summary>
/// The directories from the root to where a walk is. Only so many of the lowest, and the root, are open; the others gave up their descriptors and buffers
/// and get them again when the walk comes back: a tree of any depth takes a fixed number of descriptors.
/// </summary>
internal sealed unsafe class FrameStack(LayerStack stack, LowerLookup lookup, WalkLimits limits)
{
    private readonly List<OverlayFrame> frames = [];
    private readonly Stack<DirectoryReader> readers = [];

    public int Count => frames.Count;

    public OverlayFrame Top => frames[^1];

    public void Push(OverlayFrame frame)
    {
        frames.Add(frame);
        GiveUpOldest();
    }

    public void Pop()
    {
        Recycle(frames[^1].Close());
        frames.RemoveAt(frames.Count - 1);
    }

    public DirectoryReader NewReader() => readers.Count > 0 ? readers.Pop() : new();

    public void Recycle(DirectoryReader? reader)
    {
        if (reader is not null && readers.Count < limits.MaxOpenFrames)
        {
            readers.Push(reader);
        }
    }

    /// <summary>Gets back what a frame gave up: from the nearest open directory above, name by name, and only if it is still the same directory.</summary>
    public bool EnsureTopIsOpen(ReadOnlySpan<byte> path)
    {
        int index = frames.Count - 1;
        if (frames[index].IsOpen)
        {
            return true;
        }

        int from = index - 1;
        while (!frames[from].IsOpen)
        {
            from--;
        }

        bool isSame = true;
        for (int i = from + 1; i <= index && isSame; i++)
        {
            isSame = Reopen(frames[i - 1], frames[i], path);
            if (i - 1 > from && i - 1 < index - (limits.MaxOpenFrames / 2))
            {
                Recycle(frames[i - 1].Close());
            }
        }

        return isSame;
    }

    private void GiveUpOldest()
    {
        int open = 0;
        int descriptors = 0;
        for (int i = frames.Count - 1; i > 0; i--)
        {
            if (!frames[i].IsOpen)
            {
                // Frames are given up from the top of the tree down: above the first closed one all are closed, but the root.
                return;
            }

            open++;
            descriptors += frames[i].DescriptorCount;
            if (i < frames.Count - 2 && (open > limits.MaxOpenFrames || descriptors > limits.MaxOpenDescriptors))
            {
                for (int j = i; j > 0 && frames[j].IsOpen; j--)
                {
                    Recycle(frames[j].Close());
                }

                return;
            }
        }
    }

    private bool Reopen(OverlayFrame parent, OverlayFrame frame, ReadOnlySpan<byte> path)
    {
        int start = parent.PathBytes == 0 ? 0 : parent.PathBytes + 1;
        byte[] name = [.. path[start..frame.PathBytes], 0];
        fixed (byte* text = name)
        {
            if (frame.HasUpper)
            {
                StatX now = default;
                frame.UpperDescriptor = Nodes.OpenBelow(parent.UpperDescriptor, text, stack.Upper.ReadFlags | Libc.O_DIRECTORY);
                if (frame.UpperDescriptor < 0 || !Nodes.Stat(frame.UpperDescriptor, ref now) || now.stx_ino != frame.Inode)
                {
                    return false;
                }
            }

            LowerHit hit = new();
            if (frame.Redirect is null)
            {
                lookup.Find(parent.Lowers, text, hit);
            }
            else
            {
                lookup.FindRedirect(parent.Lowers, frame.Redirect, hit);
            }

            frame.Lowers = hit.TakeDirectories();
            hit.Clear();
        }

        frame.IsOpen = true;
        return true;
    }
}
