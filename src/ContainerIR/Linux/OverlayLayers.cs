using ContainerIR.Linux.Overlays;

namespace ContainerIR.Linux;

/// <summary>
/// The layer folders under a container's overlay root, as mountinfo names them. A file read through its layer is read by another inode than the
/// one the container sees: an inotify(7) watch inside learns nothing of it.
/// </summary>
internal sealed class OverlayLayers : IDisposable
{
    private const int MaxLayers = 512;
    private readonly List<Descriptor> layers = [];

    private OverlayLayers()
    {
    }

    /// <summary>Opens upper and lower folders of a mount; empty when it is no overlay or its folders are not ours to see.</summary>
    public static OverlayLayers Open(ProcMount? root)
    {
        OverlayLayers opened = new();
        if (root?.FileSystem != "overlay")
        {
            return opened;
        }

        foreach (byte[] folder in OverlayOptions.Parse(root.SuperOptions).TopToBottom)
        {
            // Relative folders are relative to the engine's working directory, which we do not guess.
            if (folder is [(byte)'/', ..] && opened.layers.Count < MaxLayers
                && Descriptor.Open(Libc.AT_FDCWD, folder, Libc.O_PATH | Libc.O_DIRECTORY, out _) is { } layer)
            {
                opened.layers.Add(layer);
            }
        }

        return opened;
    }

    /// <summary>Opens the very file the overlay shows at a path, from its layer; null when no layer holds that inode with that size and time.</summary>
    public Descriptor? OpenQuietly(ReadOnlySpan<byte> path, in StatX expected)
    {
        ReadOnlySpan<byte> relative = path.TrimStart((byte)'/');
        if (relative.IsEmpty)
        {
            return null;
        }

        foreach (Descriptor layer in layers)
        {
            Descriptor? file = Descriptor.OpenResolved(
                layer.Number, relative, Libc.O_PATH | Libc.O_NOFOLLOW, Libc.RESOLVE_BENEATH | Libc.RESOLVE_NO_SYMLINKS | Libc.RESOLVE_NO_XDEV, out _);
            if (file is null)
            {
                continue;
            }

            using (file)
            {
                // The overlay shows the layer's inode number and times (Documentation/filesystems/overlayfs.rst, inode properties).
                if (file.TryStat(out StatX stat, out _) && stat.stx_ino == expected.stx_ino && stat.stx_size == expected.stx_size
                    && stat.stx_mtime.tv_sec == expected.stx_mtime.tv_sec && stat.stx_mtime.tv_nsec == expected.stx_mtime.tv_nsec)
                {
                    return Descriptor.Open(Libc.AT_FDCWD, $"/proc/self/fd/{file.Number}", Libc.O_RDONLY | Libc.O_NOATIME | Libc.O_NONBLOCK, out _);
                }
            }
        }

        return null;
    }

    public void Dispose() => layers.ForEach(layer => layer.Dispose());
}
