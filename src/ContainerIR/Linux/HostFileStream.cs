using ContainerIR.Evidence.Files;

namespace ContainerIR.Linux;

/// <summary>A read-only stream over an open <see cref="HostFile"/>; reads are synchronous system calls at its own place. It does not close the file.</summary>
internal sealed class HostFileStream(HostFile file, long limitBytes) : ReadOnlyStream
{
    private long position;

    public override long Position { get => position; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, limitBytes - position);
        if (count <= 0)
        {
            return 0;
        }

        count = file.ReadAt(buffer[..count], position);
        position += count;
        return count;
    }
}
