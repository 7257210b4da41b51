using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace ContainerIR.Shippers;

/// <summary>
/// Messages in frames over TCP or TLS (syslog, GELF): protocols without an acknowledgement. A connection carries one batch; then our side is closed and the
/// receiver's close is waited for: it comes after the receiver has read all, and a reset comes instead when it has not (RFC 9293 section 3.6). What it had
/// read and not yet stored when it died is why <see cref="InDoubt"/> is not zero.
/// </summary>
internal sealed class StreamShipper(ShipTarget target, Action<Stream, ShippedEvent> frame) : IShipper
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public TimeSpan InDoubt => TimeSpan.FromSeconds(3);

    public async Task<IReadOnlyList<string>> SendAsync(IReadOnlyList<ShippedEvent> batch, CancellationToken ct)
    {
        using MemoryStream body = new();
        foreach (ShippedEvent each in batch)
        {
            frame(body, each);
        }

        await TalkAsync(body.GetBuffer().AsMemory(0, (int)body.Length), ct);
        return [];
    }

    public Task ProbeAsync(CancellationToken ct) => TalkAsync(ReadOnlyMemory<byte>.Empty, ct);

    public void Dispose()
    {
    }

    private async Task TalkAsync(ReadOnlyMemory<byte> body, CancellationToken ct)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Patience);
        try
        {
            using Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(target.Address.IdnHost, target.Address.Port, limit.Token);
            await using NetworkStream plain = new(socket, ownsSocket: false);
            if (target.IsEncrypted)
            {
                await using SslStream secure = new(plain, leaveInnerStreamOpen: true);
                await secure.AuthenticateAsClientAsync(SecureTransport.OptionsFor(target), limit.Token);
                await secure.WriteAsync(body, limit.Token);
                await secure.ShutdownAsync();
                socket.Shutdown(SocketShutdown.Send);
                await DrainAsync(secure, limit.Token);
            }
            else
            {
                await plain.WriteAsync(body, limit.Token);
                socket.Shutdown(SocketShutdown.Send);
                await DrainAsync(plain, limit.Token);
            }
        }
        catch (AuthenticationException failure)
        {
            throw HttpShipper.NotTrusted(target, failure);
        }
        catch (Exception failure) when (failure is SocketException or IOException || (failure is OperationCanceledException && !ct.IsCancellationRequested))
        {
            throw new DeliveryException($"{target.Shown}: {failure.Message}", failure);
        }
    }

    private static async Task DrainAsync(Stream stream, CancellationToken ct)
    {
        byte[] said = new byte[1024];
        while (await stream.ReadAsync(said, ct) > 0)
        {
        }
    }
}
