using System.Security.Cryptography;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Evidence.Encryption;

/// <summary>
/// The content of an age file. Every byte given out is authenticated; the end of the stream is given out only after the last chunk was.
/// Holds two chunks, whatever the file claims.
/// </summary>
internal sealed class AgeDecryptStream : ReadOnlyStream
{
    private readonly Stream source;
    private readonly byte[] ahead = new byte[AgeChunks.SealedBytes + 1];
    private readonly byte[] plain = new byte[AgeChunks.PlainBytes];
    private AgeChunks? chunks;
    private int aheadCount;
    private int start;
    private int end;
    private bool ended;

    private AgeDecryptStream(Stream source)
    {
        this.source = source;
    }

    /// <summary>Reads the header; the source stays open when this stream is disposed.</summary>
    /// <exception cref="InvalidDataException">It is no age file, or its header was changed.</exception>
    /// <exception cref="OperatorException">No identity fits.</exception>
    public static async Task<AgeDecryptStream> OpenAsync(Stream source, IReadOnlyCollection<AgeIdentity> identities, CancellationToken ct)
    {
        AgeDecryptStream stream = new(source);
        using MemoryStream header = new();
        while (!await stream.MoveHeaderLineAsync(header, ct))
        {
        }

        byte[] fileKey = AgeHeader.Open(header.GetBuffer().AsSpan(0, (int)header.Length), identities);
        byte[] nonce = new byte[AgeKeys.NonceBytes];
        await stream.FillAsync(ct);
        if (stream.aheadCount < nonce.Length)
        {
            throw new InvalidDataException("the age file is cut: it ends in its nonce");
        }

        stream.ahead.AsSpan(0, nonce.Length).CopyTo(nonce);
        stream.Consume(nonce.Length);
        stream.chunks = new AgeChunks(fileKey, nonce);
        CryptographicOperations.ZeroMemory(fileKey);
        return stream;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (start == end && !ended && buffer.Length > 0)
        {
            await FillAsync(cancellationToken);
            OpenChunk();
        }

        return Give(buffer.Span);
    }

    public override int Read(Span<byte> buffer)
    {
        if (start == end && !ended && buffer.Length > 0)
        {
            aheadCount += source.ReadAtLeast(ahead.AsSpan(aheadCount), ahead.Length - aheadCount, throwOnEndOfStream: false);
            OpenChunk();
        }

        return Give(buffer);
    }

    protected override void Dispose(bool disposing)
    {
        CryptographicOperations.ZeroMemory(plain);
        chunks?.Dispose();
        base.Dispose(disposing);
    }

    private async Task FillAsync(CancellationToken ct) =>
        aheadCount += await source.ReadAtLeastAsync(ahead.AsMemory(aheadCount), ahead.Length - aheadCount, throwOnEndOfStream: false, ct);

    // One byte is read beyond a chunk: whether it is there tells whether the chunk must be the last.
    private void OpenChunk()
    {
        ended = aheadCount <= AgeChunks.SealedBytes;
        int count = Math.Min(aheadCount, AgeChunks.SealedBytes);
        start = end = 0;
        end = chunks!.Open(ahead.AsSpan(0, count), ended, plain);
        Consume(count);
    }

    private int Give(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, end - start);
        plain.AsSpan(start, count).CopyTo(buffer);
        start += count;
        return count;
    }

    private void Consume(int count)
    {
        ahead.AsSpan(count, aheadCount - count).CopyTo(ahead);
        aheadCount -= count;
    }

    /// <summary>Moves the next line of the header there.</summary>
    /// <returns>Whether it was the last one.</returns>
    private async Task<bool> MoveHeaderLineAsync(MemoryStream header, CancellationToken ct)
    {
        int feed = ahead.AsSpan(0, aheadCount).IndexOf((byte)'\n');
        if (feed < 0)
        {
            await FillAsync(ct);
            feed = ahead.AsSpan(0, aheadCount).IndexOf((byte)'\n');
        }

        if (feed < 0 || header.Length + feed >= AgeHeader.MaxBytes || (header.Length == 0 && !ahead.AsSpan(0, feed).SequenceEqual("age-encryption.org/v1"u8)))
        {
            throw new InvalidDataException("it is no age file of version 1");
        }

        header.Write(ahead, 0, feed + 1);
        bool last = ahead.AsSpan(0, feed).StartsWith("---"u8);
        Consume(feed + 1);
        return last;
    }
}
