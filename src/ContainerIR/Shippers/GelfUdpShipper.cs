using System.Net.Sockets;
using System.Security.Cryptography;

namespace ContainerIR.Shippers;

/// <summary>GELF over UDP in chunks. Nobody acknowledges a datagram: what a network or receiver drops is lost, and nothing here can know it.</summary>
internal sealed class GelfUdpShipper : IShipper
{
    /// <summary>Fits a datagram of an Ethernet frame.</summary>
    private const int ChunkBytes = 1400;

    private const int MaxChunks = 128;
    private const int HeaderBytes = 12;

    private readonly UdpClient socket = new();
    private readonly ShipTarget target;

    public GelfUdpShipper(ShipTarget target)
    {
        this.target = target;
        try
        {
            socket.Connect(target.Address.IdnHost, target.Address.Port);
        }
        catch (SocketException failure)
        {
            throw new Evidence.OperatorException($"{target.Shown}: {failure.Message}", "Check the receiver's name.", failure);
        }
    }

    public TimeSpan InDoubt => TimeSpan.Zero;

    public async Task<IReadOnlyList<string>> SendAsync(IReadOnlyList<ShippedEvent> batch, CancellationToken ct)
    {
        List<string> refused = [];
        try
        {
            foreach (ShippedEvent each in batch)
            {
                byte[] message = GelfMessage.ToBytes(each);
                if (message.Length <= ChunkBytes)
                {
                    await socket.SendAsync(message, ct);
                    continue;
                }

                int chunks = (message.Length + ChunkBytes - 1) / ChunkBytes;
                if (chunks > MaxChunks)
                {
                    refused.Add($"{each.Id}: longer than {MaxChunks} chunks");
                    continue;
                }

                byte[] datagram = new byte[HeaderBytes + ChunkBytes];
                (datagram[0], datagram[1]) = (0x1e, 0x0f);
                RandomNumberGenerator.Fill(datagram.AsSpan(2, 8));
                datagram[11] = (byte)chunks;
                for (int i = 0; i < chunks; i++)
                {
                    datagram[10] = (byte)i;
                    int count = Math.Min(ChunkBytes, message.Length - (i * ChunkBytes));
                    message.AsSpan(i * ChunkBytes, count).CopyTo(datagram.AsSpan(HeaderBytes));
                    await socket.SendAsync(datagram.AsMemory(0, HeaderBytes + count), ct);
                }
            }
        }
        catch (SocketException failure)
        {
            throw new DeliveryException($"{target.Shown}: {failure.Message}", failure);
        }

        return refused;
    }

    public Task ProbeAsync(CancellationToken ct) => Task.CompletedTask;

    public void Dispose() => socket.Dispose();
}
