using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ContainerIR.Evidence.Encryption;

/// <summary>The STREAM of c2sp.org/age: chunks of 64 KiB, each sealed under its number and whether it is the last.</summary>
internal sealed class AgeChunks : IDisposable
{
    public const int PlainBytes = 64 * 1024;
    public const int SealedBytes = PlainBytes + AgeKeys.TagBytes;

    private readonly ChaCha20Poly1305 aead;

    public AgeChunks(byte[] fileKey, byte[] nonce)
    {
        byte[] key = AgeKeys.Payload(fileKey, nonce);
        aead = new ChaCha20Poly1305(key);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>Number of the next chunk.</summary>
    public long Next { get; private set; }

    /// <returns>Bytes written to <paramref name="target"/>.</returns>
    public int Seal(ReadOnlySpan<byte> plain, bool last, Span<byte> target)
    {
        Span<byte> nonce = stackalloc byte[12];
        WriteNonce(nonce, last);
        aead.Encrypt(nonce, plain, target[..plain.Length], target.Slice(plain.Length, AgeKeys.TagBytes));
        Next++;
        return plain.Length + AgeKeys.TagBytes;
    }

    /// <returns>Bytes written to <paramref name="target"/>.</returns>
    /// <exception cref="InvalidDataException">The chunk is not what was sealed at this place.</exception>
    public int Open(ReadOnlySpan<byte> chunk, bool last, Span<byte> target)
    {
        int count = chunk.Length - AgeKeys.TagBytes;
        if (count < 0 || (count == 0 && Next > 0))
        {
            throw new InvalidDataException("the age file is cut: it ends before its last chunk");
        }

        Span<byte> nonce = stackalloc byte[12];
        WriteNonce(nonce, last);
        try
        {
            aead.Decrypt(nonce, chunk[..count], chunk[count..], target[..count]);
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new InvalidDataException(last
                ? $"the age file is cut or its chunk {Next} was changed"
                : $"chunk {Next} of the age file was changed or is out of place");
        }

        Next++;
        return count;
    }

    public void Dispose() => aead.Dispose();

    private void WriteNonce(Span<byte> nonce, bool last)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64BigEndian(nonce[3..11], Next);
        nonce[11] = last ? (byte)1 : (byte)0;
    }
}
