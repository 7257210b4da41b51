using System.Globalization;

namespace ContainerIR.Runtimes.Docker;

/// <summary>
/// The body of an engine's answer. All reads are blocking, whichever way they are asked for, so that the socket stays a blocking one. A body over the limit and
/// every failure of HTTP become an <see cref="IOException"/>.
/// </summary>
internal sealed class EngineStream(HttpResponseMessage response, Stream body, string path, long limitBytes) : Stream
{
    private long position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => position; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        int count;
        try
        {
            count = body.Read(buffer);
        }
        catch (Exception failure) when (EngineHttp.AsIOException(failure, path, CancellationToken.None) is { } told)
        {
            throw told;
        }

        position += count;
        return position <= limitBytes
            ? count
            : throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{path}: the answer is longer than the limit of {limitBytes} bytes"));
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Read(buffer.AsSpan(offset, count)));
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            response.Dispose();
        }

        base.Dispose(disposing);
    }
}
