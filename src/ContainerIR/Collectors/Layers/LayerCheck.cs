using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Collectors.Layers;

/// <summary>A difference between a layer's files and the tar it was made from.</summary>
/// <param name="Path">Path in the layer, without leading slash.</param>
/// <param name="What"><c>content</c>, <c>size</c>, <c>missing</c>, <c>unreadable</c>, <c>extra</c>.</param>
/// <param name="Detail">More of it.</param>
internal sealed record LayerChange(byte[] Path, string What, string Detail);

/// <summary>
/// Makes the tar of a layer again from its files and its tar-split record and compares its digest with the one the image names: a file edited in a layer
/// below the writable one is shown by no difference between the two.
/// </summary>
/// <remarks>Owner, mode and times of what is in the tar come from the record, not from the files: a changed mode of a lower file is not seen here.</remarks>
internal sealed unsafe class LayerCheck : IDisposable
{
    private const int BufferBytes = 1024 * 1024;
    private const int MaxNames = 4_000_000;
    private const int MaxChanges = 10_000;

    private static readonly ulong[] Crc64Table = MakeCrc64Table();

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
    private readonly PrivateTree tree;
    private readonly HashSet<string> names = new(StringComparer.Ordinal);

    /// <summary>Prepares the check of a layer; the tree stays the caller's.</summary>
    public LayerCheck(PrivateTree tree) => this.tree = tree;

    /// <summary>Differences found; the first ten thousand.</summary>
    public List<LayerChange> Changes { get; } = [];

    /// <summary>Whether there were more.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Bytes of the tar.</summary>
    public long TarBytes { get; private set; }

    /// <summary>Makes the tar; gives its digest as <c>sha256:…</c>.</summary>
    /// <param name="tarSplit">The record.</param>
    /// <param name="output">Gets the tar; null to hash only.</param>
    /// <param name="ct">Looked at for every member.</param>
    /// <exception cref="InvalidDataException">The record is broken.</exception>
    public string Run(Stream tarSplit, Stream? output, CancellationToken ct)
    {
        foreach (TarPiece piece in TarSplitReader.Read(tarSplit))
        {
            ct.ThrowIfCancellationRequested();
            if (piece.Segment is { } segment)
            {
                Take(segment, output);
            }
            else
            {
                byte[] path = Clean(piece.Name!);
                Remember(path);
                if (piece.SizeBytes > 0)
                {
                    TakeFile(path, piece, output);
                }
            }
        }

        return "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Looks for objects of the layer that its tar has not, and for what differs where the digest did. Slower; only asked for an edited layer.</summary>
    public void Locate(Stream tarSplit, CancellationToken ct)
    {
        foreach (TarPiece piece in TarSplitReader.Read(tarSplit).Where(piece => piece.SizeBytes > 0 && piece.Crc64.Length == sizeof(ulong)))
        {
            ct.ThrowIfCancellationRequested();
            byte[] path = Clean(piece.Name!);
            if (Open(path, out StatX stat) is { } file)
            {
                using (file)
                {
                    if ((long)stat.stx_size == piece.SizeBytes && Crc64(file, piece.SizeBytes) is var crc && crc != BinaryPrimitives.ReadUInt64BigEndian(piece.Crc64))
                    {
                        Add(path, "content", $"CRC-64 {crc:x16}, the image's is {Convert.ToHexStringLower(piece.Crc64)}");
                    }
                }
            }
        }
    }

    /// <summary>Adds what lies in the layer and has no member in its tar. A directory a member lies in needs none of its own.</summary>
    public void FindExtra(CancellationToken ct)
    {
        using var stack = LayerStack.Of(PrivateTree.Open(tree.Path));
        using OverlayWalk walk = new(stack, new(), static _ => false, static (_, _) => { });
        while (walk.MoveNext())
        {
            ct.ThrowIfCancellationRequested();
            if (walk.Path.IsEmpty || names.Count >= MaxNames || names.Contains(Key(walk.Path)))
            {
                continue;
            }

            Add(walk.Path.ToArray(), "extra", $"not in the image's layer; mode {Convert.ToString(walk.Stat.stx_mode, 8)}, size {walk.Stat.stx_size}");
        }
    }

    public void Dispose() => hash.Dispose();

    private static string Key(ReadOnlySpan<byte> path) => Encoding.Latin1.GetString(path);

    /// <summary>Member names as paths: without "./" and slashes around; one that leads outside is no path of the layer and opens nothing.</summary>
    private static byte[] Clean(ReadOnlySpan<byte> name)
    {
        while (name.StartsWith("./"u8) || name.StartsWith("/"u8))
        {
            name = name[(name[0] == '.' ? 2 : 1)..];
        }

        ReadOnlySpan<byte> path = name.TrimEnd((byte)'/');
        return path.SequenceEqual("."u8) ? [] : path.ToArray();
    }

    private void Remember(byte[] path)
    {
        if (names.Count >= MaxNames)
        {
            IsCut = true;
            return;
        }

        // OCI layer: ".wh.NAME" deletes NAME, which the overlay keeps as a node of that name; ".wh..wh.…" are marks of a directory.
        int last = path.AsSpan().LastIndexOf((byte)'/') + 1;
        names.Add(path.AsSpan(last).StartsWith(".wh."u8) ? Key([.. path.AsSpan(0, last), .. path.AsSpan(last + 4)]) : Key(path));
        for (int end = path.AsSpan().LastIndexOf((byte)'/'); end > 0 && names.Add(Key(path.AsSpan(0, end))); end = path.AsSpan(0, end).LastIndexOf((byte)'/'))
        {
        }
    }

    private void TakeFile(byte[] path, in TarPiece piece, Stream? output)
    {
        using Descriptor? file = Open(path, out StatX stat);
        if (file is not null && (long)stat.stx_size != piece.SizeBytes)
        {
            Add(path, "size", $"{stat.stx_size} bytes, the image's has {piece.SizeBytes}");
        }

        // What is missing is made up with zeros: the digest differs and the tar keeps its shape.
        for (long at = 0; at < piece.SizeBytes;)
        {
            Span<byte> room = buffer.AsSpan(0, (int)Math.Min(buffer.Length, piece.SizeBytes - at));
            int count = file?.ReadAt(room, at, out _) ?? 0;
            if (count <= 0)
            {
                room.Clear();
                count = room.Length;
            }

            Take(room[..count], output);
            at += count;
        }
    }

    private void Take(ReadOnlySpan<byte> bytes, Stream? output)
    {
        hash.AppendData(bytes);
        output?.Write(bytes);
        TarBytes += bytes.Length;
    }

    private Descriptor? Open(byte[] path, out StatX stat)
    {
        stat = default;
        fixed (byte* name = (byte[])[.. path, 0])
        {
            Descriptor? file = Descriptor.Own(Nodes.OpenBelow(tree.Descriptor, name, tree.ReadFlags), out int errno);
            if (file is null || !file.TryStat(out stat, out errno) || !Nodes.IsRegular(stat))
            {
                file?.Dispose();
                Add(path, errno == Libc.ENOENT ? "missing" : "unreadable", errno == 0 ? "it is no file any more" : Libc.Describe(errno));
                return null;
            }

            return file;
        }
    }

    private void Add(byte[] path, string what, string detail)
    {
        if (Changes.Count >= MaxChanges)
        {
            IsCut = true;
        }
        else if (!Changes.Exists(known => known.What == what && known.Path.AsSpan().SequenceEqual(path)))
        {
            Changes.Add(new(path, what, detail));
        }
    }

    private ulong Crc64(Descriptor file, long size)
    {
        ulong crc = ~0UL;
        for (long at = 0; at < size;)
        {
            int count = file.ReadAt(buffer.AsSpan(0, (int)Math.Min(buffer.Length, size - at)), at, out _);
            if (count <= 0)
            {
                break;
            }

            foreach (byte value in buffer.AsSpan(0, count))
            {
                crc = Crc64Table[(byte)crc ^ value] ^ (crc >> 8);
            }

            at += count;
        }

        return ~crc;
    }

    // ISO 3309, reflected: x^64 + x^4 + x^3 + x + 1, as Go's hash/crc64 has it.
    private static ulong[] MakeCrc64Table()
    {
        ulong[] table = new ulong[256];
        for (uint i = 0; i < 256; i++)
        {
            ulong crc = i;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0xD800000000000000 : crc >> 1;
            }

            table[i] = crc;
        }

        return table;
    }
}
