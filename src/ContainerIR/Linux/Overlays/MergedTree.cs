using System.Runtime.InteropServices;
using System.Text;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Overlays;

/// <summary>
/// What a container, or its image, has under a name: the layers seen as one tree, read without mounting them. Symbolic links are followed inside the tree
/// only, as a process in the container would; other file systems mounted over it are not seen.
/// </summary>
/// <param name="stack">The layers, topmost first; the container's own writable layer may be the first of them.</param>
/// <param name="fromLayer">Index of the topmost layer that counts: a higher one shows the image as it was before later layers.</param>
internal sealed unsafe class MergedTree(LayerStack stack, int fromLayer) : IDisposable
{
    private const int MaxLinks = 40;
    private const int MaxPathBytes = 4096;
    private const int MaxCachedDescriptors = 2048;

    private readonly LowerDirectory[] roots = [.. stack.LowerRoots.Where(root => root.Layer >= fromLayer)];
    private readonly LowerLookup lookup = new(stack);
    private readonly LowerHit hit = new();
    private readonly Dictionary<string, MergedDirectory?> cache = new(StringComparer.Ordinal);
    private int cachedDescriptors;

    /// <summary>Opens a regular file; null when there is none under this name.</summary>
    /// <param name="path">With or without leading slash.</param>
    public MergedFile? Open(ReadOnlySpan<byte> path) => Open(path, MaxLinks);

    /// <summary>Opens a regular file by an ASCII path.</summary>
    public MergedFile? Open(string path) => Open(Encoding.UTF8.GetBytes(path));

    /// <summary>Index of the layer that shows something under this name, links not followed; -1 when there is nothing.</summary>
    public int LayerOf(ReadOnlySpan<byte> path, out StatX stat)
    {
        stat = default;
        (byte[] folder, byte[] name) = Split(path);
        if (name.Length == 0 || Folder(folder, MaxLinks) is not { } directory)
        {
            return -1;
        }

        Find(directory, name);
        int layer = hit.IsFound ? hit.Layer : -1;
        stat = hit.Stat;
        hit.Clear();
        return layer;
    }

    /// <summary>Names in a directory, each once, sorted by bytes; empty when there is no such directory.</summary>
    public List<byte[]> Names(string path, int limit)
    {
        List<byte[]> names = [];
        if (Folder(Encoding.UTF8.GetBytes(path.Trim('/')), MaxLinks) is not { } directory)
        {
            return names;
        }

        HashSet<string> seen = new(StringComparer.Ordinal);
        DirectoryReader reader = new();
        foreach (LowerDirectory part in directory.Parts)
        {
            int descriptor = OpenDirectory(part);
            reader.Start(0);
            while (descriptor >= 0 && names.Count < limit && reader.Next(descriptor, out _))
            {
                if (seen.Add(Encoding.Latin1.GetString(reader.NameBytes)))
                {
                    names.Add(reader.NameBytes.ToArray());
                }
            }

            Nodes.Close(descriptor);
        }

        names.RemoveAll(name => LayerOf([.. Encoding.UTF8.GetBytes(path.Trim('/')), (byte)'/', .. name], out _) < 0);
        names.Sort(static (one, other) => one.AsSpan().SequenceCompareTo(other));
        return names;
    }

    /// <summary>Goes through every file that is visible. Directories come before what is in them; links, devices and sockets are left out.</summary>
    /// <param name="limits">Where it ends.</param>
    /// <param name="isWanted">Whether a file of this path shall be opened.</param>
    /// <param name="visit">Gets each wanted file; it is closed afterwards.</param>
    /// <param name="onGap">Told what was cut or could not be read.</param>
    /// <param name="ct">Cancels.</param>
    public void Walk(WalkLimits limits, MergedWanted isWanted, Action<MergedFile> visit, Action<string, string> onGap, CancellationToken ct)
    {
        long entries = 0;
        int descriptors = 0;
        Walk([], roots, 0);

        void Walk(byte[] path, LowerDirectory[] parts, int depth)
        {
            descriptors += parts.Length;
            DirectoryReader reader = new();
            List<byte[]> folders = [];
            for (int i = 0; i < parts.Length; i++)
            {
                int descriptor = OpenDirectory(parts[i]);
                if (descriptor < 0)
                {
                    onGap("/" + DisplayText.Escape(path), $"a directory of layer {parts[i].Layer} cannot be listed: {Libc.Describe(Marshal.GetLastPInvokeError())}");
                    continue;
                }

                reader.Start(0);
                while (reader.Next(descriptor, out int errno))
                {
                    ct.ThrowIfCancellationRequested();
                    if (++entries > limits.MaxEntries)
                    {
                        onGap("/" + DisplayText.Escape(path), $"more than {limits.MaxEntries} entries: the rest was not looked at");
                        break;
                    }

                    if (reader.Type is not (Libc.DT_DIR or Libc.DT_REG or Libc.DT_UNKNOWN) || IsAbove(parts, i, reader.Name))
                    {
                        continue;
                    }

                    byte[] full = path.Length == 0 ? reader.NameBytes.ToArray() : [.. path, (byte)'/', .. reader.NameBytes];
                    if (reader.Type != Libc.DT_REG)
                    {
                        folders.Add(full);
                    }

                    if (reader.Type != Libc.DT_DIR && isWanted(full, full.AsSpan(full.Length - reader.NameBytes.Length)))
                    {
                        lookup.Find(parts.AsSpan(i), reader.Name, hit);
                        using MergedFile? file = Take(full);
                        if (file is not null)
                        {
                            visit(file);
                        }
                    }
                }

                Nodes.Close(descriptor);
            }

            foreach (byte[] folder in folders)
            {
                if (entries > limits.MaxEntries)
                {
                    return;
                }

                int start = path.Length == 0 ? 0 : path.Length + 1;
                fixed (byte* name = (byte[])[.. folder.AsSpan(start), 0])
                {
                    lookup.Find(parts, name, hit);
                }

                LowerDirectory[] inner = hit.TakeDirectories();
                hit.Clear();
                if (inner.Length > 0 && (depth >= limits.MaxDepth || depth > 256 || descriptors > MaxCachedDescriptors))
                {
                    onGap("/" + DisplayText.Escape(folder), "too deep: what is below was not looked at");
                }
                else if (inner.Length > 0)
                {
                    Walk(folder, inner, depth + 1);
                }

                CloseAll(inner);
            }

            descriptors -= parts.Length;
        }
    }

    public void Dispose()
    {
        hit.Clear();
        DropCache();
    }

    private MergedFile? Open(ReadOnlySpan<byte> path, int linksLeft)
    {
        (byte[] folder, byte[] name) = Split(path);
        if (name.Length == 0 || linksLeft <= 0 || path.Length > MaxPathBytes || Folder(folder, linksLeft) is not { } directory)
        {
            return null;
        }

        Find(directory, name);
        if (hit.IsFound && !hit.IsDirectory && Nodes.Type(hit.Stat) == Libc.S_IFLNK)
        {
            byte[]? target = Target(directory);
            hit.Clear();
            return target is null ? null : Open(target, linksLeft - 1);
        }

        return Take(directory.Path.Length == 0 ? name : [.. directory.Path, (byte)'/', .. name]);
    }

    private MergedFile? Take(byte[] path)
    {
        MergedFile? file = null;
        if (hit.IsFound && !hit.IsDirectory && Nodes.IsRegular(hit.Stat) && hit.DataDescriptor >= 0)
        {
            file = new MergedFile(path, hit.Layer, hit.Stat, Nodes.Reopen(hit.DataDescriptor, stack.Lowers[hit.Layer].ReadFlags));
        }

        hit.Clear();
        return file;
    }

    private MergedDirectory? Folder(byte[] path, int linksLeft)
    {
        if (path.Length == 0)
        {
            return new MergedDirectory([], roots);
        }

        string key = Encoding.Latin1.GetString(path);
        if (cache.TryGetValue(key, out MergedDirectory? known))
        {
            return known;
        }

        (byte[] parentPath, byte[] name) = Split(path);
        if (linksLeft <= 0 || path.Length > MaxPathBytes || Folder(parentPath, linksLeft) is not { } parent)
        {
            return null;
        }

        MergedDirectory? found = null;
        if (name.AsSpan().SequenceEqual("."u8) || name.Length == 0)
        {
            return parent;
        }
        else if (name.AsSpan().SequenceEqual(".."u8))
        {
            return Folder(Split(parent.Path).Folder, linksLeft);
        }

        Find(parent, name);
        if (hit.IsDirectory)
        {
            found = new MergedDirectory(parent.Path.Length == 0 ? name : [.. parent.Path, (byte)'/', .. name], hit.TakeDirectories());
            hit.Clear();
        }
        else if (hit.IsFound && Nodes.Type(hit.Stat) == Libc.S_IFLNK && Target(parent) is { } target)
        {
            hit.Clear();
            return Folder(target, linksLeft - 1);
        }

        hit.Clear();
        if (found is not null)
        {
            cachedDescriptors += found.Parts.Length;
            cache[key] = found;
        }

        return found;
    }

    private void Find(MergedDirectory directory, byte[] name)
    {
        fixed (byte* text = (byte[])[.. name, 0])
        {
            lookup.Find(directory.Parts, text, hit);
        }

        // Descriptors of directories are kept for the next path; a tree with very many is looked up anew.
        if (cachedDescriptors > MaxCachedDescriptors)
        {
            DropCache();
        }
    }

    private byte[]? Target(MergedDirectory directory)
    {
        Span<byte> target = stackalloc byte[Nodes.MaxLinkBytes];
        int length = Nodes.ReadLink(hit.Descriptor, target);
        if (length <= 0)
        {
            return null;
        }

        ReadOnlySpan<byte> text = target[..length];
        return text[0] == '/' || directory.Path.Length == 0 ? text.Trim((byte)'/').ToArray() : [.. directory.Path, (byte)'/', .. text.TrimEnd((byte)'/')];
    }

    private int OpenDirectory(LowerDirectory part)
    {
        fixed (byte* dot = ".\0"u8)
        {
            return Libc.openat(part.Descriptor, dot, stack.Lowers[part.Layer].ReadFlags | Libc.O_DIRECTORY, 0);
        }
    }

    private static bool IsAbove(LowerDirectory[] parts, int index, byte* name)
    {
        for (int i = 0; i < index; i++)
        {
            if (Nodes.Exists(parts[i].Descriptor, name))
            {
                return true;
            }
        }

        return false;
    }

    private void DropCache()
    {
        foreach (MergedDirectory? directory in cache.Values)
        {
            CloseAll(directory?.Parts ?? []);
        }

        cache.Clear();
        cachedDescriptors = 0;
    }

    private static void CloseAll(LowerDirectory[] parts)
    {
        foreach (LowerDirectory part in parts)
        {
            Nodes.Close(part.Descriptor);
        }
    }

    private static (byte[] Folder, byte[] Name) Split(ReadOnlySpan<byte> path)
    {
        path = path.Trim((byte)'/');
        int slash = path.LastIndexOf((byte)'/');
        return slash < 0 ? ([], path.ToArray()) : (path[..slash].TrimEnd((byte)'/').ToArray(), path[(slash + 1)..].ToArray());
    }

    /// <summary>A directory: its path with links followed, and the parts it is made of.</summary>
    private sealed record MergedDirectory(byte[] Path, LowerDirectory[] Parts);
}

/// <summary>Whether a file is of interest, by its path (without leading slash) and name.</summary>
internal delegate bool MergedWanted(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name);
