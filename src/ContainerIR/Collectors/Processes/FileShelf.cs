using System.Globalization;
using System.Security.Cryptography;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;

namespace ContainerIR.Collectors.Processes;

/// <summary>Digest of a file, or why there is none.</summary>
/// <param name="Sha256">Lower-case hexadecimal; null when it was not read to its end.</param>
/// <param name="Problem">Why not; null when it was.</param>
internal sealed record FileDigest(string? Sha256, string? Problem);

/// <summary>How much of files is read.</summary>
/// <param name="FileBytes">Of one file.</param>
/// <param name="TotalBytes">Of all.</param>
internal sealed record FileLimits(long FileBytes, long TotalBytes);

/// <summary>
/// Files found at processes: each distinct one is hashed once and kept once, held by descriptor from the moment it was found, so that it can be
/// copied after all processes were read, even when they have ended since.
/// </summary>
internal sealed class FileShelf(FileContents contents, IEvidenceSink sink, FileLimits limits) : IDisposable
{
    private const int MaxHeld = 512;
    private const int BufferBytes = 256 * 1024;
    private readonly Dictionary<FileIdentity, FileDigest> digests = [];
    private readonly Dictionary<(string Folder, FileIdentity Identity), string> names = [];
    private readonly List<(FileProbe File, string Name, int Order)> shelf = [];
    private readonly byte[] buffer = new byte[BufferBytes];
    private bool isFull;

    /// <summary>SHA-256 of a file; each distinct file is read once.</summary>
    public async Task<FileDigest> DigestAsync(FileProbe file, CancellationToken ct)
    {
        if (digests.TryGetValue(file.Identity, out FileDigest? known))
        {
            return known;
        }

        FileDigest digest;
        try
        {
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            await using Stream content = contents.Open(file);
            long total = 0;
            int count;
            while (total <= limits.FileBytes && (count = await content.ReadAsync(buffer, ct)) > 0)
            {
                hash.AppendData(buffer, 0, count);
                total += count;
            }

            digest = total > limits.FileBytes
                ? new FileDigest(null, $"larger than the limit of {limits.FileBytes} bytes")
                : new FileDigest(Convert.ToHexStringLower(hash.GetHashAndReset()), null);
        }
        catch (IOException failure) when (failure is not Evidence.BundleWriteException)
        {
            digest = new FileDigest(null, failure.Message);
        }

        if (digest.Problem is not null)
        {
            sink.AddGap($"digest of {DisplayText.Escape(file.Link)} ({file.ProcPath})", digest.Problem);
        }

        digests[file.Identity] = digest;
        return digest;
    }

    /// <summary>Takes a file over for copying; one already there under this folder is not taken twice.</summary>
    /// <returns>Name of the item it becomes; null when it cannot be taken.</returns>
    public string? Keep(FileProbe file, string folder, int order)
    {
        if (names.TryGetValue((folder, file.Identity), out string? known))
        {
            file.Dispose();
            return known;
        }

        if (shelf.Count >= MaxHeld)
        {
            if (!isFull)
            {
                sink.AddGap("bytes of further files of the processes", $"more than {MaxHeld} distinct files: the rest has digests only");
            }

            isFull = true;
            file.Dispose();
            return null;
        }

        string name = string.Create(CultureInfo.InvariantCulture, $"{folder}/{shelf.Count(entry => entry.Name.StartsWith(folder, StringComparison.Ordinal)) + 1:0000}.zst");
        names[(folder, file.Identity)] = name;
        shelf.Add((file, name, order));
        return name;
    }

    /// <summary>Copies everything kept, lowest order first.</summary>
    public async Task CopyAsync(CancellationToken ct)
    {
        long left = limits.TotalBytes;
        foreach ((FileProbe file, string name, _) in shelf.OrderBy(entry => entry.Order))
        {
            string source = $"{file.ProcPath} ({DisplayText.Escape(file.Link)})";
            if (left <= 0)
            {
                sink.AddGap($"bytes of {source}", $"the limit of {limits.TotalBytes} bytes for files of processes is reached");
                continue;
            }

            left -= await CopyAsync(file, name, source, Math.Min(left, limits.FileBytes), ct);
        }
    }

    public void Dispose() => shelf.ForEach(entry => entry.File.Dispose());

    private async Task<long> CopyAsync(FileProbe file, string name, string source, long limit, CancellationToken ct)
    {
        Stream content;
        try
        {
            content = contents.Open(file);
        }
        catch (IOException failure)
        {
            sink.AddGap($"bytes of {source}", failure.Message);
            return 0;
        }

        await using (content)
        {
            await using ItemWriter item = sink.Create(name, new ItemOptions(source, ItemForm.Frames));
            string? error = null;
            while (error is null)
            {
                int count;
                try
                {
                    count = await content.ReadAsync(buffer, ct);
                }
                catch (IOException failure)
                {
                    error = failure.Message;
                    break;
                }

                if (count == 0)
                {
                    break;
                }

                int taken = (int)Math.Min(count, limit - item.RawBytes);
                await item.WriteAsync(buffer.AsMemory(0, taken), ct);
                error = taken < count ? $"cut at the limit of {limit} bytes; the file says it has {file.Stat.stx_size}" : null;
            }

            if (error is not null)
            {
                sink.AddGap($"bytes of {source} after byte {item.RawBytes}", error);
            }

            long copied = item.RawBytes;
            await item.CompleteAsync(error, ct);
            return copied;
        }
    }
}
