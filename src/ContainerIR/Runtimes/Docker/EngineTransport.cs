using System.Net;
using Docker.DotNet.Handler.Abstractions;
using Microsoft.Extensions.Logging;

namespace ContainerIR.Runtimes.Docker;

/// <summary>
/// The way to an engine for HTTP, the same for the typed client (Docker.DotNet) and for raw documents. Our own, because the client's default handler for
/// Unix sockets throws on synchronous reads, and every reader of archives and hashes reads synchronously.
/// </summary>
internal sealed class EngineTransport(EngineAddress address) : IDockerHandlerFactory<EngineAddress>
{
    /// <summary>Base of all request addresses; the host name in it means nothing to an engine behind a socket.</summary>
    public Uri BaseAddress { get; } = address.SocketPath is null
        ? new UriBuilder(address.CertificateDirectory is null ? "http" : "https", address.Host, address.Port).Uri
        : new Uri("http://engine/");

    /// <summary>Makes a handler with a connection pool of its own.</summary>
    public SocketsHttpHandler CreateHandler()
    {
        SocketsHttpHandler handler = new()
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
            ConnectCallback = (_, _) => ValueTask.FromResult<Stream>(new System.Net.Sockets.NetworkStream(EngineConnection.Open(address), ownsSocket: true)),
        };
        if (EngineConnection.Tls(address) is { } tls)
        {
            handler.SslOptions = tls;
        }

        return handler;
    }

    public ResolvedTransport CreateHandler(EngineAddress transportOptions, ResolvedClientOptions clientOptions, ILogger logger) => new(CreateHandler(), BaseAddress);

    public ResolvedTransport CreateHandler(ResolvedClientOptions clientOptions, ILogger logger) => new(CreateHandler(), BaseAddress);

    public Task<WriteClosableStream> HijackStreamAsync(HttpContent content) =>
        throw new NotSupportedException("attaching to a process is not part of acquiring");
}
