using System.Runtime.InteropServices;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Overlays;

/// <summary>
/// Follows <c>overlay.origin</c>: the file handle of the object in a lower layer that an upper one was copied up from, which a rename keeps. The handle
/// names the object, not its path (the kernel's path is only right while its cache is warm), so the path is looked up by inode number in an index of
/// the lower layers, made once, when the first object is seen that came from elsewhere.
/// </summary>
internal sealed unsafe class OriginFinder(LayerStack stack)
{
    /// <summary>Objects of the lower layers the index holds at most.</summary>
    public const int MaxIndexed = 1_000_000;

    private const int HeaderBytes = 21;
    private const byte Magic = 0xfb;

    private Index? index;

    /// <summary>Whether the index holds less than there is: then an origin may stay without a path.</summary>
    public bool IsCut => index?.IsCut ?? false;

    /// <summary>Whether an object of a lower layer is the one an origin mark names.</summary>
    public static bool Names(ReadOnlySpan<byte> origin, int lowerDescriptor)
    {
        FileHandle wanted;
        FileHandle actual;
        actual.handle_bytes = FileHandle.MAX_HANDLE_SZ;
        int mountId;
        byte empty = 0;
        return TryDecode(origin, &wanted)
            && Libc.name_to_handle_at(lowerDescriptor, &empty, &actual, &mountId, Libc.AT_EMPTY_PATH) == 0
            && actual.handle_type == wanted.handle_type
            && new ReadOnlySpan<byte>(actual.f_handle, (int)actual.handle_bytes).SequenceEqual(new ReadOnlySpan<byte>(wanted.f_handle, (int)wanted.handle_bytes));
    }

    /// <summary>Finds the object an origin mark names.</summary>
    /// <param name="origin">Value of the mark.</param>
    /// <param name="hit">Is cleared and filled.</param>
    /// <param name="path">Its path in its layer, without leading slash.</param>
    /// <returns>False when the mark is of an unknown form, or the object or its path was not found.</returns>
    public bool TryFind(ReadOnlySpan<byte> origin, LowerHit hit, out byte[] path)
    {
        hit.Clear();
        path = [];
        FileHandle handle;
        if (stack.Lowers.Count == 0 || !TryDecode(origin, &handle))
        {
            return false;
        }

        StatX stat = default;
        HashSet<(uint, uint)> asked = [];
        foreach (LowerDirectory root in stack.LowerRoots)
        {
            StatX rootStat = default;
            if (!Nodes.Stat(root.Descriptor, ref rootStat) || !asked.Add((rootStat.stx_dev_major, rootStat.stx_dev_minor)))
            {
                continue;
            }

            // The call takes no path descriptor for its mount.
            int mount = Nodes.Reopen(root.Descriptor, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_CLOEXEC);
            int descriptor = mount < 0 ? -1 : Libc.open_by_handle_at(mount, &handle, Libc.O_PATH | Libc.O_CLOEXEC);
            bool found = descriptor >= 0 && Nodes.Stat(descriptor, ref stat);
            Nodes.Close(descriptor);
            Nodes.Close(mount);
            if (found)
            {
                index ??= new(stack);
                return index.TryOpen(stack, ObjectKey.Of(stat), hit, out path);
            }
        }

        return false;
    }

    /// <summary>struct ovl_fb, fs/overlayfs/overlayfs.h: version 0, magic 0xfb, length, flags, type, 16 bytes of uuid, then the file system's own handle.</summary>
    private static bool TryDecode(ReadOnlySpan<byte> origin, FileHandle* handle)
    {
        if (origin.Length <= HeaderBytes || origin.Length - HeaderBytes > FileHandle.MAX_HANDLE_SZ || origin[0] != 0 || origin[1] != Magic || origin[2] != origin.Length)
        {
            return false;
        }

        handle->handle_bytes = (uint)(origin.Length - HeaderBytes);
        handle->handle_type = origin[4];
        origin[HeaderBytes..].CopyTo(new Span<byte>(handle->f_handle, FileHandle.MAX_HANDLE_SZ));
        return true;
    }

    /// <summary>Inode number to path, for everything but directories in the lower layers: about 60 bytes an object.</summary>
    private sealed class Index
    {
        private readonly Dictionary<ulong, List<int>> others = [];
        private readonly Dictionary<ulong, int> nodes = [];
        private readonly List<(int Parent, int NameStart, ushort NameBytes, ushort Layer)> objects = [];
        private readonly List<byte> names = [];

        public Index(LayerStack stack)
        {
            DirectoryReader reader = new();
            Queue<int> directories = [];
            foreach (LowerDirectory root in stack.LowerRoots)
            {
                objects.Add((-1, 0, 0, (ushort)root.Layer));
                directories.Enqueue(objects.Count - 1);
                while (directories.TryDequeue(out int directory) && !IsCut)
                {
                    Read(stack, directory, reader, directories);
                }
            }
        }

        public bool IsCut { get; private set; }

        public bool TryOpen(LayerStack stack, ObjectKey key, LowerHit hit, out byte[] path)
        {
            path = [];
            if (!nodes.TryGetValue(key.Inode, out int first))
            {
                return false;
            }

            // Inode numbers are of one file system; layers may lie on several.
            foreach (int candidate in others.TryGetValue(key.Inode, out List<int>? more) ? [first, .. more] : new[] { first })
            {
                byte[] at = PathOf(candidate);
                int layer = objects[candidate].Layer;
                fixed (byte* text = (byte[])[.. at, 0])
                {
                    int descriptor = Nodes.OpenPath(stack.Lowers[layer].Descriptor, text);
                    StatX stat = default;
                    if (descriptor >= 0 && Nodes.Stat(descriptor, ref stat) && ObjectKey.Of(stat) == key)
                    {
                        hit.SetFile(layer, descriptor, stat);
                        path = at;
                        return true;
                    }

                    Nodes.Close(descriptor);
                }
            }

            return false;
        }

        private void Read(LayerStack stack, int directory, DirectoryReader reader, Queue<int> directories)
        {
            int layer = objects[directory].Layer;
            byte[] path = [.. PathOf(directory), 0];
            fixed (byte* text = path.Length == 1 ? ".\0"u8 : path)
            {
                int descriptor = Nodes.OpenBelow(stack.Lowers[layer].Descriptor, text, stack.Lowers[layer].ReadFlags | Libc.O_DIRECTORY);
                if (descriptor < 0)
                {
                    IsCut = true;
                    return;
                }

                reader.Start(0);
                while (reader.Next(descriptor, out _))
                {
                    if (objects.Count >= MaxIndexed)
                    {
                        IsCut = true;
                        break;
                    }

                    ReadOnlySpan<byte> name = reader.NameBytes;
                    objects.Add((directory, names.Count, (ushort)name.Length, (ushort)layer));
                    names.AddRange(name);
                    if (reader.Type == Libc.DT_DIR)
                    {
                        directories.Enqueue(objects.Count - 1);
                    }
                    else if (!nodes.TryAdd(reader.Inode, objects.Count - 1))
                    {
                        CollectionsMarshal.GetValueRefOrAddDefault(others, reader.Inode, out _) ??= [];
                        others[reader.Inode].Add(objects.Count - 1);
                    }
                }

                Nodes.Close(descriptor);
            }
        }

        private byte[] PathOf(int number)
        {
            List<byte[]> parts = [];
            for (; objects[number].Parent >= 0; number = objects[number].Parent)
            {
                parts.Add([.. CollectionsMarshal.AsSpan(names).Slice(objects[number].NameStart, objects[number].NameBytes)]);
            }

            parts.Reverse();
            List<byte> path = [];
            foreach (byte[] part in parts)
            {
                if (path.Count > 0)
                {
                    path.Add((byte)'/');
                }

                path.AddRange(part);
            }

            return [.. path];
        }
    }
}
