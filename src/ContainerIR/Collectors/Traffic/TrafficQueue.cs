using System.Collections.Concurrent;
using System.Threading.Channels;
using ContainerIR.Evidence.Items;

namespace ContainerIR.Collectors.Traffic;

/// <summary>
/// What lies between the thread that reads the rings and the bundle: a fixed number of buffers. When the bundle is slower than the traffic the reader
/// waits, the rings fill, and the kernel counts what it drops: memory never grows.
/// </summary>
internal sealed class TrafficQueue : IDisposable
{
    /// <summary>Bytes of one buffer; nothing larger is ever appended at once.</summary>
    public const int BufferBytes = 512 * 1024;

    private const int BufferCount = 8;
    private readonly BlockingCollection<byte[]> free = [];
    private readonly Channel<(Lane Lane, byte[] Buffer, int Count)> filled = Channel.CreateUnbounded<(Lane, byte[], int)>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly CancellationTokenSource broken = new();

    public TrafficQueue()
    {
        for (int i = 0; i < BufferCount; i++)
        {
            free.Add(GC.AllocateUninitializedArray<byte>(BufferBytes));
        }
    }

    /// <summary>Opens a way to one item.</summary>
    public Lane To(ItemWriter item) => new(this, item);

    /// <summary>The reader's side: nothing more comes.</summary>
    public void Complete() => filled.Writer.Complete();

    /// <summary>The bundle's side: writes until nothing more comes.</summary>
    public async Task WriteAllAsync()
    {
        try
        {
            await foreach ((Lane lane, byte[] buffer, int count) in filled.Reader.ReadAllAsync())
            {
                await lane.Item.WriteAsync(buffer.AsMemory(0, count));
                free.Add(buffer);
            }
        }
        catch
        {
            broken.Cancel(); // the reader must not wait for buffers that never come back
            throw;
        }
    }

    public void Dispose()
    {
        free.Dispose();
        broken.Dispose();
    }

    /// <summary>The way to one item, filled by the reading thread only.</summary>
    internal sealed class Lane(TrafficQueue queue, ItemWriter item)
    {
        private byte[]? buffer;
        private int used;

        public ItemWriter Item => item;

        /// <summary>Bytes appended so far.</summary>
        public long TotalBytes { get; private set; }

        /// <summary>Room for so many bytes; waits for a buffer when all are on their way.</summary>
        /// <exception cref="OperationCanceledException">The bundle cannot be written.</exception>
        public Span<byte> Room(int bytes)
        {
            if (buffer is null || buffer.Length - used < bytes)
            {
                Flush();
                buffer = queue.free.Take(queue.broken.Token);
            }

            return buffer.AsSpan(used);
        }

        /// <summary>Says how much of the room was used.</summary>
        public void Advance(int bytes)
        {
            used += bytes;
            TotalBytes += bytes;
        }

        /// <summary>Sends what there is.</summary>
        public void Flush()
        {
            if (buffer is null)
            {
                return;
            }

            _ = queue.filled.Writer.TryWrite((this, buffer, used));
            (buffer, used) = (null, 0);
        }
    }
}
