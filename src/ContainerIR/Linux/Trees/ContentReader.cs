using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ContainerIR.Linux.Tar;

namespace ContainerIR.Linux.Trees;

/// <summary>What was read of one file.</summary>
internal sealed class ContentDigest
{
    /// <summary>Hash of the content, holes as zeros; meaningless unless <see cref="HasFlat"/>.</summary>
    public byte[] Flat { get; } = new byte[SHA256.HashSizeInBytes];

    /// <summary>Whether <see cref="Flat"/> was made: not for sparse files whose holes are beyond the limits.</summary>
    public bool HasFlat { get; set; }

    /// <summary>Whether the file has holes; then <see cref="Map"/> and <see cref="OfExtents"/> count.</summary>
    public bool IsSparse { get; set; }

    /// <summary>Where a sparse file has data.</summary>
    public SparseMap Map { get; } = new();

    /// <summary>Hash of the data of a sparse file, its stretches one after the other.</summary>
    public byte[] OfExtents { get; } = new byte[SHA256.HashSizeInBytes];

    /// <summary>Why less than the announced bytes could be read; null when all were.</summary>
    public string? Error { get; set; }

    /// <summary>Whether it says anything.</summary>
    public bool IsPresent { get; set; }

    /// <summary>Bytes that storing it takes: without its holes.</summary>
    public long StoredBytes(in StatX stat) => IsSparse ? Map.DataBytes : (long)stat.stx_size;

    public void Clear() => (HasFlat, IsSparse, Error, IsPresent) = (false, false, null, false);

    /// <summary>Whether <see cref="SameContent"/> knows: not for a file with holes beyond the limits against one without.</summary>
    public bool CanCompare(ContentDigest other) => (HasFlat && other.HasFlat) || (IsSparse && other.IsSparse);

    /// <summary>Whether two files held the same bytes.</summary>
    public bool SameContent(ContentDigest other)
    {
        if (HasFlat && other.HasFlat)
        {
            return Flat.AsSpan().SequenceEqual(other.Flat);
        }

        return IsSparse && other.IsSparse && Map.Extents.SequenceEqual(other.Map.Extents) && OfExtents.AsSpan().SequenceEqual(other.OfExtents);
    }
}

/// <summary>
/// Reads files once: each buffer is hashed and, where a tar is given, is the tar's own. Never more than the size seen at open is read; what is
/// missing is made up with zeros and said.
/// </summary>
internal sealed unsafe class ContentReader : IDisposable
{
    /// <summary>A sparse file of more bytes gets no hash of its flat content, only one of its data.</summary>
    public const long MaxFlatSparseBytes = 4L << 30;

    /// <summary>Bytes of holes hashed in one run: beyond that too, only data is.</summary>
    public const long MaxHashedHoleBytes = 16L << 30;

    private const int BufferBytes = 1024 * 1024;
    private const long ReadAheadFrom = 1024 * 1024;

    private static readonly byte[] Zeros = new byte[64 * 1024];

    private readonly IncrementalHash flat = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash extents = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[]? scratch;
    private long hashedHoleBytes;

    /// <summary>Looks for holes. Must come before the header of a tar member, which names them.</summary>
    public static void Map(int descriptor, in StatX stat, ContentDigest digest)
    {
        digest.Clear();

        // Space allocated but never written counts as a hole too, though its blocks are taken: worth two calls for a large file.
        bool mayHaveHoles = stat.stx_blocks * 512 < stat.stx_size || stat.stx_size >= ReadAheadFrom;
        digest.IsSparse = mayHaveHoles && stat.stx_size > 0 && digest.Map.Scan(descriptor, (long)stat.stx_size);
    }

    /// <summary>Reads, hashes and stores the content of a file whose map is made and whose member is begun.</summary>
    /// <param name="descriptor">The file, open for reading.</param>
    /// <param name="sizeBytes">Its size when it was opened.</param>
    /// <param name="tar">Where the bytes go; null to hash only.</param>
    /// <param name="digest">Holds the map; gets the hashes.</param>
    /// <param name="ct">Looked at for every buffer.</param>
    public void Read(int descriptor, long sizeBytes, PaxWriter? tar, ContentDigest digest, CancellationToken ct)
    {
        digest.IsPresent = true;
        if (sizeBytes >= ReadAheadFrom)
        {
            _ = Libc.posix_fadvise(descriptor, 0, 0, Libc.POSIX_FADV_SEQUENTIAL);
        }

        if (!digest.IsSparse)
        {
            ReadStretch(descriptor, 0, sizeBytes, tar, flat, null, digest, ct);
            digest.HasFlat = flat.TryGetHashAndReset(digest.Flat, out _);
        }
        else
        {
            ReadSparse(descriptor, sizeBytes, tar, digest, ct);
        }

        tar?.EndMember();
    }

    public void Dispose()
    {
        flat.Dispose();
        extents.Dispose();
    }

    private void ReadSparse(int descriptor, long sizeBytes, PaxWriter? tar, ContentDigest digest, CancellationToken ct)
    {
        long holeBytes = sizeBytes - digest.Map.DataBytes;
        bool hashFlat = sizeBytes <= MaxFlatSparseBytes && hashedHoleBytes + holeBytes <= MaxHashedHoleBytes && digest.Map.CutAt < 0;
        hashedHoleBytes += hashFlat ? holeBytes : 0;
        long position = 0;
        foreach ((long start, long length) in digest.Map.Extents)
        {
            if (hashFlat)
            {
                HashZeros(start - position);
            }

            ReadStretch(descriptor, start, length, tar, extents, hashFlat ? flat : null, digest, ct);
            position = start + length;
        }

        if (hashFlat)
        {
            HashZeros(sizeBytes - position);
            digest.HasFlat = flat.TryGetHashAndReset(digest.Flat, out _);
        }

        extents.TryGetHashAndReset(digest.OfExtents, out _);
        if (digest.Map.CutAt >= 0)
        {
            digest.Error ??= $"more than {SparseMap.MaxExtents} stretches of data: cut at offset {digest.Map.CutAt}";
        }
    }

    private void ReadStretch(int descriptor, long start, long length, PaxWriter? tar, IncrementalHash first, IncrementalHash? second, ContentDigest digest, CancellationToken ct)
    {
        for (long end = start + length; start < end;)
        {
            ct.ThrowIfCancellationRequested();
            Span<byte> room = tar is null ? (scratch ??= GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true)) : tar.GetSpan();
            room = room[..(int)Math.Min(room.Length, end - start)];
            int count = ReadAt(descriptor, room, start, digest);
            room = room[..count];
            first.AppendData(room);
            second?.AppendData(room);
            tar?.Advance(count);
            start += count;
        }
    }

    /// <summary>Fills the room from the file; once the file ends or fails, with zeros: then the hash is that of what is stored.</summary>
    private static int ReadAt(int descriptor, Span<byte> room, long offset, ContentDigest digest)
    {
        if (digest.Error is null)
        {
            fixed (byte* buffer = room)
            {
                nint count = Libc.pread(descriptor, buffer, (nuint)room.Length, offset);
                if (count > 0)
                {
                    return (int)count;
                }

                digest.Error = count == 0
                    ? $"ended at byte {offset}, before the size it was opened with: zeros follow"
                    : $"at byte {offset}: {Libc.Describe(Marshal.GetLastPInvokeError())}: zeros follow";
            }
        }

        room.Clear();
        return room.Length;
    }

    private void HashZeros(long count)
    {
        for (; count > 0; count -= Math.Min(count, Zeros.Length))
        {
            flat.AppendData(Zeros.AsSpan(0, (int)Math.Min(count, Zeros.Length)));
        }
    }
}
