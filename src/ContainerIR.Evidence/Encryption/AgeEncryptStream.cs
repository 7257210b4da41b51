using System.Security.Cryptography;

namespace ContainerIR.Evidence.Encryption;

/// <summary>
/// The open end of an age file: what is written here arrives encrypted at the destination. Only <see cref="CompleteAsync"/> writes the last chunk:
/// a stream disposed before that leaves a file every reader calls cut. Holds two chunks.
/// </summary>
internal sealed class AgeEncryptStream : Stream
{
    private readonly Stream destination;
    private readonly AgeChunks chunks;
    private readonly byte[] plain = new byte[AgeChunks.PlainBytes];
    private readonly byte[] sealedChunk = new byte[AgeChunks.SealedBytes];
    private int filled;
    private long length;
    private bool complete;

    private AgeEncryptStream(Stream destination, AgeChunks chunks)
    {
        this.destination = destination;
        this.chunks = chunks;
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => length;

    public override long Position { get => length; set => throw new NotSupportedException(); }

    /// <summary>Size of the encrypted file for so many bytes.</summary>
    public static long EncryptedBytes(long plainBytes, IReadOnlyCollection<AgeRecipient> recipients)
    {
        int header = AgeHeader.Write(new byte[AgeHeader.FileKeyBytes], recipients).Length;
        long count = Math.Max(1, (plainBytes + AgeChunks.PlainBytes - 1) / AgeChunks.PlainBytes);
        return header + AgeKeys.NonceBytes + plainBytes + (count * AgeKeys.TagBytes);
    }

    /// <summary>Writes the header; the destination stays open when this stream is disposed.</summary>
    public static async Task<AgeEncryptStream> CreateAsync(Stream destination, IReadOnlyCollection<AgeRecipient> recipients, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfZero(recipients.Count);
        byte[] fileKey = RandomNumberGenerator.GetBytes(AgeHeader.FileKeyBytes);
        byte[] nonce = RandomNumberGenerator.GetBytes(AgeKeys.NonceBytes);
        await destination.WriteAsync(AgeHeader.Write(fileKey, recipients), ct);
        await destination.WriteAsync(nonce, ct);
        AgeEncryptStream stream = new(destination, new AgeChunks(fileKey, nonce));
        CryptographicOperations.ZeroMemory(fileKey);
        return stream;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (Take(ref buffer))
        {
            await destination.WriteAsync(Seal(last: false), cancellationToken);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count)
    {
        ReadOnlyMemory<byte> rest = buffer.AsMemory(offset, count);
        while (Take(ref rest))
        {
            destination.Write(Seal(last: false).Span);
        }
    }

    /// <summary>Writes the last chunk.</summary>
    public async Task CompleteAsync(CancellationToken ct)
    {
        complete = true;
        await destination.WriteAsync(Seal(last: true), ct);
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        CryptographicOperations.ZeroMemory(plain);
        chunks.Dispose();
        base.Dispose(disposing);
    }

    // A full chunk is sealed only when another byte follows: it may be the last.
    private bool Take(ref ReadOnlyMemory<byte> rest)
    {
        ObjectDisposedException.ThrowIf(complete, this);
        int count = Math.Min(plain.Length - filled, rest.Length);
        rest.Span[..count].CopyTo(plain.AsSpan(filled));
        rest = rest[count..];
        filled += count;
        length += count;
        return rest.Length > 0;
    }

    private ReadOnlyMemory<byte> Seal(bool last)
    {
        int count = chunks.Seal(plain.AsSpan(0, filled), last, sealedChunk);
        filled = 0;
        return sealedChunk.AsMemory(0, count);
    }
}
