using System.Runtime.InteropServices;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Overlays;

/// <summary>What the lower layers hold under one name: an object, or a directory merged of several.</summary>
internal sealed class LowerHit
{
    private readonly List<LowerDirectory> directories = [];
    private int file = -1;
    private int layer;

    /// <summary>Whether there is anything.</summary>
    public bool IsFound => file >= 0 || directories.Count > 0;

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => directories.Count > 0;

    /// <summary>Index of the layer the visible object lies in.</summary>
    public int Layer => IsDirectory ? directories[0].Layer : layer;

    /// <summary>Path descriptor of the visible object.</summary>
    public int Descriptor => IsDirectory ? directories[0].Descriptor : file;

    /// <summary>Path descriptor of the object that holds a file's data: another than the visible one below a metacopy.</summary>
    public int DataDescriptor { get; private set; } = -1;

    /// <summary>statx of the visible object.</summary>
    public StatX Stat;

    /// <summary>Why a layer could not be asked; null when all were.</summary>
    public string? Error { get; set; }

    /// <summary>The directories a merged directory is made of, topmost first.</summary>
    public ReadOnlySpan<LowerDirectory> Directories => CollectionsMarshal.AsSpan(directories);

    /// <summary>Hands the directories over to the caller, who closes them.</summary>
    public LowerDirectory[] TakeDirectories()
    {
        LowerDirectory[] taken = [.. directories];
        directories.Clear();
        return taken;
    }

    public void AddDirectory(int layerIndex, int descriptor, in StatX stat)
    {
        if (directories.Count == 0)
        {
            Stat = stat;
        }

        directories.Add(new(layerIndex, descriptor));
    }

    public void SetFile(int layerIndex, int descriptor, in StatX stat) => (layer, file, Stat, DataDescriptor) = (layerIndex, descriptor, stat, descriptor);

    public void SetData(int descriptor) => DataDescriptor = descriptor;

    public void Clear()
    {
        if (DataDescriptor != file)
        {
            Nodes.Close(DataDescriptor);
        }

        Nodes.Close(file);
        foreach (LowerDirectory directory in directories)
        {
            Nodes.Close(directory.Descriptor);
        }

        directories.Clear();
        (file, DataDescriptor, Error) = (-1, -1, null);
    }
}

/// <summary>
/// Finds names in the lower layers as the overlay would without its upper one (fs/overlayfs/namei.c, ovl_lookup): layer by layer from the top, until a
/// whiteout, an object that is no directory, or an opaque directory; redirects and metacopies followed.
/// </summary>
internal sealed unsafe class LowerLookup(LayerStack stack)
{
    private const int MaxRedirects = 16;

    /// <summary>Finds one name.</summary>
    /// <param name="parents">The directories its merged directory is made of.</param>
    /// <param name="name">NUL-terminated.</param>
    /// <param name="hit">Is cleared and filled.</param>
    public void Find(ReadOnlySpan<LowerDirectory> parents, byte* name, LowerHit hit)
    {
        hit.Clear();
        Find(parents, name, hit, MaxRedirects);
    }

    /// <summary>Finds what a redirect of the upper layer leads to: a path from the root, or another name in the same directory.</summary>
    public void FindRedirect(ReadOnlySpan<LowerDirectory> parents, ReadOnlySpan<byte> redirect, LowerHit hit)
    {
        hit.Clear();
        Follow(redirect, parents, -1, hit, MaxRedirects);
    }

    private void Find(ReadOnlySpan<LowerDirectory> parents, byte* name, LowerHit hit, int redirectsLeft)
    {
        for (int i = 0; i < parents.Length; i++)
        {
            int descriptor = Nodes.OpenPath(parents[i].Descriptor, name);
            StatX stat = default;
            if (descriptor < 0 || !Nodes.Stat(descriptor, ref stat))
            {
                int errno = Marshal.GetLastPInvokeError();
                Nodes.Close(descriptor);
                hit.Error ??= errno == Libc.ENOENT ? null : $"lower layer {parents[i].Layer}: {Libc.Describe(errno)}";
                continue;
            }

            bool isDirectory = Nodes.IsDirectory(stat);
            bool conflicts = isDirectory ? hit.IsFound && !hit.IsDirectory : hit.IsDirectory;
            if (conflicts || stack.Marks.IsWhiteout(stat, descriptor))
            {
                Nodes.Close(descriptor);
                return;
            }

            bool goesOn = isDirectory ? !stack.Marks.IsOpaque(descriptor) : stack.Marks.IsMetacopy(stat, descriptor);
            byte[]? redirect = goesOn ? stack.Marks.Redirect(descriptor) : null;
            if (isDirectory)
            {
                hit.AddDirectory(parents[i].Layer, descriptor, stat);
            }
            else if (!hit.IsFound)
            {
                hit.SetFile(parents[i].Layer, descriptor, stat);
            }
            else if (goesOn)
            {
                Nodes.Close(descriptor);
            }
            else
            {
                hit.SetData(descriptor);
            }

            if (redirect is not null)
            {
                Follow(redirect, parents[(i + 1)..], parents[i].Layer, hit, redirectsLeft);
                return;
            }

            if (!goesOn)
            {
                return;
            }
        }
    }

    private void Follow(ReadOnlySpan<byte> redirect, ReadOnlySpan<LowerDirectory> parents, int belowLayer, LowerHit hit, int redirectsLeft)
    {
        if (redirectsLeft == 0)
        {
            hit.Error ??= $"more than {MaxRedirects} redirects one after the other";
            return;
        }

        bool isAbsolute = redirect[0] == '/';
        LowerDirectory[] start = isAbsolute ? [.. stack.LowerRoots.Where(root => root.Layer > belowLayer)] : parents.ToArray();
        LowerHit step = new();
        LowerDirectory[]? opened = null;
        ReadOnlySpan<byte> rest = redirect.Trim((byte)'/');
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            byte[] terminated = [.. name, 0];
            fixed (byte* text = terminated)
            {
                if (rest.IsEmpty)
                {
                    Find(start, text, hit, redirectsLeft - 1);
                    break;
                }

                Find(start, text, step, redirectsLeft - 1);
            }

            CloseAll(opened);
            start = opened = step.TakeDirectories();
            step.Clear();
        }

        CloseAll(opened);
    }

    private static void CloseAll(LowerDirectory[]? directories)
    {
        foreach (LowerDirectory directory in directories ?? [])
        {
            Nodes.Close(directory.Descriptor);
        }
    }
}
