using System.Security.Cryptography;

namespace ContainerIR.Evidence.Files;

/// <summary>A new file that hashes what it is given, so that nothing need be read back for the manifests.</summary>
internal sealed class HashedFile(DurableFile file) : IDisposable
{
    private readonly IncrementalHash sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash sha512 = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);

    public long Position => file.Position;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        file.Write(bytes);
        sha256.AppendData(bytes);
        sha512.AppendData(bytes);
    }

    public void Lock() => file.Lock();

    public void Sync() => file.Sync();

    public void StartWriteback(long offset, long count) => file.StartWriteback(offset, count);

    /// <summary>Syncs, closes, and says what was written under the name the file is to have.</summary>
    public WrittenFile Finish(string path)
    {
        file.Sync();
        WrittenFile written = new(
            path, file.Position, Convert.ToHexStringLower(sha256.GetHashAndReset()), Convert.ToHexStringLower(sha512.GetHashAndReset()));
        Dispose();
        return written;
    }

    public void Dispose()
    {
        file.Dispose();
        sha256.Dispose();
        sha512.Dispose();
    }
}
