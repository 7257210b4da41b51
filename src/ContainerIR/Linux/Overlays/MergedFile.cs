using System.Runtime.InteropServices;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Overlays;

/// <summary>A regular file of a merged tree, open for reading.</summary>
internal sealed class MergedFile(byte[] path, int layer, StatX stat, int descriptor) : IDisposable
{
    private const int ChunkBytes = 256 * 1024;

    private readonly int openErrno = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
    private int descriptor = descriptor;

    /// <summary>Path with links followed, without leading slash.</summary>
    public byte[] Path { get; } = path;

    /// <summary>Path for people, with leading slash.</summary>
    public string DisplayPath => "/" + DisplayText.Escape(Path);

    /// <summary>Index of the layer that shows it.</summary>
    public int Layer { get; } = layer;

    /// <summary>Its state when found.</summary>
    public StatX Stat { get; } = stat;

    /// <summary>Size when found.</summary>
    public long SizeBytes => (long)Stat.stx_size;

    /// <summary>Reads at a place; 0 at the end.</summary>
    /// <exception cref="HostFileException">It cannot be read.</exception>
    public int ReadAt(Span<byte> buffer, long offset)
    {
        if (descriptor < 0)
        {
            throw new HostFileException(DisplayPath, openErrno);
        }

        int count = Pread(buffer, offset);
        return count >= 0 ? count : throw new HostFileException(DisplayPath, Marshal.GetLastPInvokeError());
    }

    /// <summary>Reads it whole.</summary>
    /// <exception cref="HostFileException">It cannot be read or is larger than the limit.</exception>
    public byte[] ReadAll(int limitBytes)
    {
        if (SizeBytes > limitBytes)
        {
            throw new HostFileException(DisplayPath, 0, $"larger than the limit of {limitBytes} bytes");
        }

        byte[] content = new byte[SizeBytes];
        int filled = 0, count;
        while (filled < content.Length && (count = ReadAt(content.AsSpan(filled), filled)) > 0)
        {
            filled += count;
        }

        return filled == content.Length ? content : content[..filled];
    }

    /// <summary>Gives all bytes, in order, at most as many as the file had when found.</summary>
    /// <exception cref="HostFileException">It cannot be read.</exception>
    public void ReadThrough(byte[] buffer, Action<ReadOnlyMemory<byte>> take)
    {
        long at = 0;
        int count;
        while (at < SizeBytes && (count = ReadAt(buffer.AsSpan(0, (int)Math.Min(buffer.Length, SizeBytes - at)), at)) > 0)
        {
            take(buffer.AsMemory(0, count));
            at += count;
        }
    }

    /// <summary>A seekable stream over it; the file must outlive it.</summary>
    public Stream OpenStream() => new MergedFileStream(this);

    /// <summary>A buffer of the size that suits <see cref="ReadThrough"/>.</summary>
    public static byte[] NewBuffer() => new byte[ChunkBytes];

    public void Dispose()
    {
        Nodes.Close(descriptor);
        descriptor = -1;
    }

    private unsafe int Pread(Span<byte> buffer, long offset)
    {
        fixed (byte* target = buffer)
        {
            nint count;
            do
            {
                count = Libc.pread(descriptor, target, (nuint)buffer.Length, offset);
            }
            while (count < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);
            return (int)count;
        }
    }
}

/// <summary>Reads a <see cref="MergedFile"/> from any place: what a zip reader needs.</summary>
internal sealed class MergedFileStream(MergedFile file) : ReadOnlyStream
{
    public override bool CanSeek => true;

    public override long Length => file.SizeBytes;

    public override long Position { get; set; }

    public override int Read(Span<byte> buffer)
    {
        int room = (int)Math.Clamp(Length - Position, 0, buffer.Length);
        int count = room == 0 ? 0 : file.ReadAt(buffer[..room], Position);
        Position += count;
        return count;
    }

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => Length + offset,
    };
}
