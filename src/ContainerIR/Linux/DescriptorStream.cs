namespace ContainerIR.Linux;

/// <summary>Reads a descriptor from its first byte by offset, to its end or a limit. Owns the descriptor.</summary>
internal sealed class DescriptorStream(Descriptor file, long limitBytes = long.MaxValue) : Stream
{
    private long position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

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

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        file.Dispose();
        base.Dispose(disposing);
    }
}
