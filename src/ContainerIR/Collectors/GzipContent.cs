using System.Buffers.Binary;
using System.IO.Compression;
using ContainerIR.Evidence.Files;
using ContainerIR.Linux;

namespace ContainerIR.Collectors;

/// <summary>
/// What a gzip file of the host holds. One that was cut off ends like a whole one for a decompressor that has no more input, so the size at its end
/// (RFC 1952: the last four bytes) is compared with what came.
/// </summary>
/// <param name="file">The file; stays open.</param>
/// <param name="limitBytes">Compressed bytes read at most.</param>
internal sealed class GzipContent(HostFile file, long limitBytes) : ReadOnlyStream
{
    private readonly GZipStream inner = new(file.OpenStream(limitBytes), CompressionMode.Decompress);
    private long total;

    public override long Position { get => total; set => throw new NotSupportedException(); }

    /// <summary>Reads on.</summary>
    /// <exception cref="InvalidDataException">The file is broken or cut off.</exception>
    public override int Read(Span<byte> buffer)
    {
        int count = inner.Read(buffer);
        total += count;
        return count > 0 || buffer.IsEmpty || DeclaredSize(file) == (uint)total
            ? count
            : throw new InvalidDataException($"it gives {total} bytes and ends with another count: it was cut off, or put together of several");
    }

    /// <summary>The uncompressed size modulo 2^32 the file ends with; 0 where it is too short for one.</summary>
    public static uint DeclaredSize(HostFile file)
    {
        Span<byte> end = stackalloc byte[4];
        long size = (long)file.Stat.stx_size;
        return size >= 18 && file.ReadAt(end, size - 4) == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(end) : 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
