using System.Security.Cryptography;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Evidence.Transport;

/// <summary>The parts as one stream, in order. Each is hashed again as it passes: what is used is what was checked.</summary>
internal sealed class PartsReader(string directory, PartsList list) : ReadOnlyStream
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private FileStream? current;
    private int next;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (current is not null || next < list.Parts.Count)
        {
            current ??= RegularFile.Open(Path.Combine(directory, list.Parts[next].FileName));
            int count = await current.ReadAsync(buffer, cancellationToken);
            hash.AppendData(buffer.Span[..count]);
            if (count > 0 || buffer.IsEmpty)
            {
                return count;
            }

            EndPart();
        }

        return 0;
    }

    public override int Read(Span<byte> buffer) => throw new NotSupportedException("asynchronous only");

    protected override void Dispose(bool disposing)
    {
        current?.Dispose();
        hash.Dispose();
        base.Dispose(disposing);
    }

    private void EndPart()
    {
        current!.Dispose();
        current = null;
        PartsList.Part part = list.Parts[next++];
        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != part.Sha256)
        {
            throw new InvalidDataException($"{part.FileName} was changed after it had been checked");
        }
    }
}
