using ContainerIR.Evidence.Files;

namespace ContainerIR.Linux;

/// <summary>Reads a descriptor from its first byte by offset, to its end or a limit. Owns the descriptor.</summary>
internal sealed class DescriptorStream(Descriptor file, long limitBytes = long.MaxValue) : ReadOnlyStream
{
    private long position;

    public override long Position { get => position; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        int count = file.ReadAt(buffer[..(int)Math.Min(buffer.Length, limitBytes - position)], position, out int errno);
        if (count < 0)
        {
            throw new IOException($"read at {position}: {Libc.Describe(errno)}");
        }

        position += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        file.Dispose();
        base.Dispose(disposing);
    }
}
