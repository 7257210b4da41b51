using System.Security.Cryptography;
using System.Text;

namespace ContainerIR.Exporters;

/// <summary>A file of a derived bag: hashed while it is written, counted when it is closed.</summary>
internal sealed class DerivedFile : Stream
{
    private const int BufferBytes = 128 * 1024;

    private readonly FileStream file;
    private readonly Action<DerivedFile> closed;
    private readonly IncrementalHash sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash sha512 = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
    private readonly byte[] buffer = new byte[BufferBytes];
    private int used;
    private long length;
    private bool isClosed;

    public DerivedFile(FileStream file, Action<DerivedFile> closed) => (this.file, this.closed) = (file, closed);

    /// <summary>Digest; once it is closed.</summary>
    public string Sha256 { get; private set; } = "";

    /// <summary>Digest; once it is closed.</summary>
    public string Sha512 { get; private set; } = "";

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => length;

    public override long Position { get => length; set => throw new NotSupportedException(); }

    /// <summary>Writes text as UTF-8.</summary>
    public void Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    public override void Write(ReadOnlySpan<byte> bytes)
    {
        length += bytes.Length;
        if (bytes.Length > buffer.Length - used)
        {
            Drain();
        }

        if (bytes.Length > buffer.Length)
        {
            Put(bytes);
            return;
        }

        bytes.CopyTo(buffer.AsSpan(used));
        used += bytes.Length;
    }

    public override void Write(byte[] bytes, int offset, int count) => Write(bytes.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] bytes, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !isClosed)
        {
            isClosed = true;
            using (file)
            using (sha256)
            using (sha512)
            {
                Drain();
                file.Flush(flushToDisk: true);
                Sha256 = Convert.ToHexStringLower(sha256.GetHashAndReset());
                Sha512 = Convert.ToHexStringLower(sha512.GetHashAndReset());
                closed(this);
            }
        }

        base.Dispose(disposing);
    }

    private void Drain()
    {
        Put(buffer.AsSpan(0, used));
        used = 0;
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        file.Write(bytes);
        sha256.AppendData(bytes);
        sha512.AppendData(bytes);
    }
}
