using System.Security.Cryptography;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Evidence.Transport;

/// <summary>A write-only stream cut into files of equal size, each hashed as it is written. Holds nothing.</summary>
internal sealed class PartsWriter(BundleFolder folder, string name, bool isEncrypted, long partBytes) : Stream
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<PartsList.Part> parts = [];
    private DurableFile? current;
    private long length;

    public IReadOnlyList<PartsList.Part> Parts => parts;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => length;

    public override long Position { get => length; set => throw new NotSupportedException(); }

    private string CurrentName => PartsList.PartName(name, isEncrypted, parts.Count + 1);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            current ??= folder.CreateFile(CurrentName);
            int count = (int)Math.Min(partBytes - current.Position, buffer.Length);
            current.Write(buffer[..count]);
            hash.AppendData(buffer[..count]);
            buffer = buffer[count..];
            length += count;
            if (current.Position == partBytes)
            {
                EndPart();
            }
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Ends the last part.</summary>
    public void Complete()
    {
        if (current is not null)
        {
            EndPart();
        }
    }

    /// <summary>Removes what was written: an interrupted packing is of no use to anybody.</summary>
    public void RemoveAll()
    {
        foreach (PartsList.Part part in parts)
        {
            folder.Remove(part.FileName);
        }

        if (current is not null)
        {
            current.Dispose();
            current = null;
            folder.Remove(CurrentName);
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        current?.Dispose();
        hash.Dispose();
        base.Dispose(disposing);
    }

    private void EndPart()
    {
        current!.Sync();
        current.Dispose();
        string fileName = CurrentName;
        current = null;
        parts.Add(new PartsList.Part(fileName, Convert.ToHexStringLower(hash.GetHashAndReset())));
    }
}
