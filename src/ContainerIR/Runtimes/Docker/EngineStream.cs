using System.Globalization;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Runtimes.Docker;

/// <summary>
/// The body of an engine's answer. All reads are blocking, whichever way they are asked for, so that the socket stays a blocking one. A body over the limit and
/// every failure of HTTP become an <see cref="IOException"/>.
/// </summary>
internal sealed class EngineStream(HttpResponseMessage response, Stream body, string path, long limitBytes) : ReadOnlyStream
{
    private long position;

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

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            response.Dispose();
        }

        base.Dispose(disposing);
    }
}
