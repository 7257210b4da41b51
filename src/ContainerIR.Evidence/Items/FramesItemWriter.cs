using System.Security.Cryptography;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Evidence.Items;

/// <summary>
/// An item stored as independent zstd frames. Three stages overlap: the producer fills and hashes a chunk; pool threads compress; whichever of them
/// finishes the next frame in order hashes and writes it, with its line in the chunk list.
/// </summary>
internal sealed class FramesItemWriter : BundleItemWriter
{
    private const long SyncEveryBytes = 64L * 1024 * 1024;

    private readonly FramePool pool;
    private readonly HashedFile file;
    private readonly HashedFile chunks;
    private readonly IncrementalHash rawHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<(int FrameBytes, int RawBytes)> frames = [];
    private readonly Dictionary<int, FrameJob> ready = [];
    private readonly Lock gate = new();
    private byte[]? filling;
    private int fillingCount;
    private long rawBytes;
    private long writtenRawBytes;
    private long syncedBytes;
    private int handedOver;
    private int written;
    private bool isWriting;
    private TaskCompletionSource? drained;
    private Exception? failure;

    public FramesItemWriter(SectionSink section, string path, ItemOptions options)
        : base(section, path, options)
    {
        pool = Bundle.Frames;
        file = new HashedFile(Bundle.Folder.CreateFile(PartialPath));
        try
        {
            chunks = new HashedFile(Bundle.Folder.CreateFile(ItemPath + ItemName.ChunksSuffix));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public override long RawBytes => rawBytes;

    protected override long StoredBytes => file.Position;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ThrowIfEnded();
        while (!buffer.IsEmpty)
        {
            int count = Fill(buffer);
            buffer = buffer[count..];
            if (fillingCount == FramePool.ChunkBytes)
            {
                pool.FreeSlots.Wait();
                HandOver();
            }
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfEnded();
        while (!buffer.IsEmpty)
        {
            int count = Fill(buffer.Span);
            buffer = buffer[count..];
            if (fillingCount == FramePool.ChunkBytes)
            {
                // Not cancellable: the bytes counted as taken must reach the file.
                await pool.FreeSlots.WaitAsync(CancellationToken.None);
                HandOver();
            }
        }
    }

    /// <summary>Called by a pool thread. Whatever happens, the slot is given back.</summary>
    internal void Compress(FrameJob job, IFrameCodec codec)
    {
        try
        {
            ReadOnlySpan<byte> raw = job.Raw.AsSpan(0, job.RawCount);
            job.FrameCount = codec.Compress(raw, job.Frame);
            job.RawSha256 = Convert.ToHexStringLower(SHA256.HashData(raw));
        }
        catch (Exception broken)
        {
            failure ??= broken;
        }

        lock (gate)
        {
            ready.Add(job.Index, job);
            if (isWriting)
            {
                return;
            }

            isWriting = true;
        }

        WriteReady();
    }

    protected override async ValueTask DrainAsync(CancellationToken ct)
    {
        if (fillingCount > 0)
        {
            await pool.FreeSlots.WaitAsync(ct);
            HandOver();
        }

        Task? wait = null;
        lock (gate)
        {
            if (written < handedOver)
            {
                drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                wait = drained.Task;
            }
        }

        if (wait is not null)
        {
            await wait.WaitAsync(ct);
        }

        ThrowIfFailed();
    }

    protected override (IReadOnlyList<WrittenFile> Files, string RawSha256) FinishFiles()
    {
        file.Write(SeekTable.Write(frames));
        WrittenFile payload = file.Finish(ItemPath);
        WrittenFile list = chunks.Finish(ItemPath + ItemName.ChunksSuffix);
        string rawSha256 = Convert.ToHexStringLower(rawHash.GetHashAndReset());
        ReleaseFiles();
        return ([payload, list], rawSha256);
    }

    protected override void ReleaseFiles()
    {
        file.Dispose();
        chunks.Dispose();
        rawHash.Dispose();
        if (filling is not null)
        {
            pool.ReturnRaw(filling);
            filling = null;
        }
    }

    private int Fill(ReadOnlySpan<byte> buffer)
    {
        filling ??= pool.RentRaw();
        int count = Math.Min(buffer.Length, FramePool.ChunkBytes - fillingCount);
        buffer[..count].CopyTo(filling.AsSpan(fillingCount));
        fillingCount += count;
        rawBytes += count;
        return count;
    }

    /// <summary>Gives the filled buffer to the pool; a slot is held for it.</summary>
    private void HandOver()
    {
        if (failure is not null)
        {
            pool.FreeSlots.Release();
            ThrowIfFailed();
        }

        rawHash.AppendData(filling!, 0, fillingCount);
        FrameJob job = new(this, handedOver, filling!, fillingCount);
        (filling, fillingCount) = (null, 0);
        lock (gate)
        {
            handedOver++;
        }

        pool.Enqueue(job);
        Report(isClosed: false);
    }

    private void WriteReady()
    {
        while (true)
        {
            FrameJob? job;
            lock (gate)
            {
                if (!ready.Remove(written, out job))
                {
                    isWriting = false;
                    return;
                }
            }

            if (failure is null)
            {
                try
                {
                    WriteFrame(job);
                }
                catch (Exception broken)
                {
                    failure = broken;
                }
            }

            pool.ReturnRaw(job.Raw);
            pool.ReturnFrame(job.Frame!);
            pool.FreeSlots.Release();
            lock (gate)
            {
                written++;
                if (written == handedOver)
                {
                    drained?.TrySetResult();
                    drained = null;
                }
            }
        }
    }

    private void WriteFrame(FrameJob job)
    {
        ReadOnlySpan<byte> frame = job.Frame.AsSpan(0, job.FrameCount);
        ChunkRecord record = new(
            job.Index, file.Position, frame.Length, writtenRawBytes, job.RawCount, Convert.ToHexStringLower(SHA256.HashData(frame)), job.RawSha256);
        file.Write(frame);
        chunks.Write(record.ToLine());
        file.StartWriteback(record.Offset, record.Length);
        frames.Add((frame.Length, job.RawCount));
        writtenRawBytes += job.RawCount;
        if (file.Position - syncedBytes >= SyncEveryBytes)
        {
            file.Sync();
            chunks.Sync();
            syncedBytes = file.Position;
        }
    }

    private void ThrowIfFailed()
    {
        if (failure is not null)
        {
            throw new BundleWriteException(failure.Message, failure);
        }
    }
}
