using System.Collections.Concurrent;

namespace ContainerIR.Evidence.Items;

/// <summary>One chunk on its way through the pool.</summary>
internal sealed class FrameJob(FramesItemWriter item, int index, byte[] raw, int rawCount)
{
    public FramesItemWriter Item => item;

    public int Index => index;

    public byte[] Raw => raw;

    public int RawCount => rawCount;

    public byte[]? Frame { get; set; }

    public int FrameCount { get; set; }

    public string RawSha256 { get; set; } = "";
}

/// <summary>
/// The threads that compress and the bound on memory for all items of a bundle: at most <see cref="Slots"/> chunks are between a producer and
/// the disk, whatever the number of items. A producer fills its own buffer while those are under way.
/// </summary>
internal sealed class FramePool : IDisposable
{
    /// <summary>Raw bytes of a full frame. The smallest unit that can be salvaged, decoded alone, or proven alone.</summary>
    public const int ChunkBytes = 4 * 1024 * 1024;

    private const int Workers = 2;
    private const int Slots = 4;

    private readonly Func<IFrameCodec> makeCodec;
    private readonly ConcurrentBag<byte[]> rawBuffers = [];
    private readonly ConcurrentBag<byte[]> frameBuffers = [];
    private readonly BlockingCollection<FrameJob> queue = new(Slots);
    private readonly List<Thread> threads = [];
    private readonly Lock gate = new();

    public FramePool(Func<IFrameCodec> makeCodec) => this.makeCodec = makeCodec;

    /// <summary>Free places; taken by the producer before <see cref="Enqueue"/>, given back by the item once the frame is in the file.</summary>
    public SemaphoreSlim FreeSlots { get; } = new(Slots, Slots);

    public byte[] RentRaw() => rawBuffers.TryTake(out byte[]? buffer) ? buffer : GC.AllocateUninitializedArray<byte>(ChunkBytes);

    public void ReturnRaw(byte[] buffer)
    {
        if (rawBuffers.Count <= Slots)
        {
            rawBuffers.Add(buffer);
        }
    }

    /// <summary>Hands a chunk to the workers. Never blocks: a slot was taken for it.</summary>
    public void Enqueue(FrameJob job)
    {
        lock (gate)
        {
            if (threads.Count == 0)
            {
                for (int i = 0; i < Workers; i++)
                {
                    Thread thread = new(Work) { IsBackground = true, Name = "cir-zstd-" + i };
                    thread.Start();
                    threads.Add(thread);
                }
            }
        }

        queue.Add(job);
    }

    public void ReturnFrame(byte[] buffer) => frameBuffers.Add(buffer);

    public void Dispose()
    {
        queue.CompleteAdding();
        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        queue.Dispose();
        FreeSlots.Dispose();
    }

    private void Work()
    {
        using IFrameCodec codec = makeCodec();
        foreach (FrameJob job in queue.GetConsumingEnumerable())
        {
            if (!frameBuffers.TryTake(out byte[]? frame))
            {
                frame = GC.AllocateUninitializedArray<byte>(codec.MaxFrameBytes(ChunkBytes));
            }

            job.Frame = frame;
            job.Item.Compress(job, codec);
        }
    }
}
