using System.Security.Cryptography;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Cases;

/// <summary>Content of one item, read forward, never past the size the sealed record gives it.</summary>
internal sealed class SealedContent(Stream content, HashedStream stored, string storedSha256, long rawBytes) : ReadOnlyStream
{
    private long position;

    public override long Length => rawBytes;

    public override long Position { get => position; set => throw new NotSupportedException(); }

    /// <summary>Reads the stored file to its end and says whether it is the file that was sealed.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public bool IsAsSealed() => string.Equals(stored.DigestOfAll(), storedSha256, StringComparison.OrdinalIgnoreCase);

    public override int Read(Span<byte> buffer)
    {
        // Frame decoders report damage in their own words; to a reader of evidence it is all one: the file cannot be read further.
        try
        {
            int count = content.Read(buffer[..(int)Math.Min(buffer.Length, rawBytes - position)]);
            position += count;
            return count;
        }
        catch (Exception failure) when (failure is not IOException and not OutOfMemoryException)
        {
            throw new IOException($"it cannot be decompressed: {failure.Message}", failure);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            content.Dispose();
            stored.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>A file that is hashed as it is read.</summary>
internal sealed class HashedStream(FileStream file) : ReadOnlyStream
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public override long Length => file.Length;

    public override long Position { get => file.Position; set => throw new NotSupportedException(); }

    /// <summary>Digest of the whole file, lower-case hexadecimal; what was not read yet is read now.</summary>
    public string DigestOfAll()
    {
        byte[] rest = new byte[128 * 1024];
        while (Read(rest) > 0)
        {
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    public override int Read(Span<byte> buffer)
    {
        int count = file.Read(buffer);
        hash.AppendData(buffer[..count]);
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            hash.Dispose();
            file.Dispose();
        }

        base.Dispose(disposing);
    }
}
