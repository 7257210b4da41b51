using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors;

/// <summary>
/// The files whose unchanged pages no core holds, each once, with the SHA-256 of the file. Hashed after the thaw, and only through the image layer
/// the file is in: nobody inside can see that. Others are named by inode, size and time.
/// </summary>
internal sealed class SkippedFiles(OverlayLayers layers)
{
    private const int MaxFiles = 16_384;
    private const long MaxHashedFileBytes = 128L * 1024 * 1024;
    private const long MaxHashedBytes = 1024L * 1024 * 1024;
    private readonly Dictionary<FileIdentity, int> known = [];
    private readonly List<(MappedFile File, string? Sha256, string? Problem)> files = [];

    /// <summary>Number of a file; -1 when there are too many.</summary>
    public int Add(MappedFile file)
    {
        FileIdentity identity = FileIdentity.Of(file.Stat);
        if (known.TryGetValue(identity, out int index))
        {
            return index;
        }

        if (files.Count == MaxFiles)
        {
            return -1;
        }

        known[identity] = files.Count;
        files.Add((file, null, null));
        return files.Count - 1;
    }

    /// <summary>Hashes what can be hashed unseen, within a bound.</summary>
    public void Hash(CancellationToken ct)
    {
        byte[] buffer = new byte[256 * 1024];
        long left = MaxHashedBytes;
        for (int i = 0; i < files.Count; i++)
        {
            ct.ThrowIfCancellationRequested();
            MappedFile file = files[i].File;
            string? problem = null, sha256 = null;
            if ((long)file.Stat.stx_size > Math.Min(MaxHashedFileBytes, left))
            {
                problem = "larger than what is hashed here";
            }
            else
            {
                sha256 = Hash(file, buffer, ref left, out problem);
            }

            files[i] = (file, sha256, problem);
        }
    }

    /// <summary>Writes the properties of one.</summary>
    public void Write(Utf8JsonWriter json, int index)
    {
        if (index < 0)
        {
            json.WriteString("problem", "more files than are kept");
            return;
        }

        (MappedFile file, string? sha256, string? problem) = files[index];
        ByteJson.Write(json, "path", file.Path);
        json.WriteString("device", string.Create(CultureInfo.InvariantCulture, $"{file.Stat.stx_dev_major}:{file.Stat.stx_dev_minor}"));
        json.WriteNumber("inode", file.Stat.stx_ino);
        json.WriteNumber("size_bytes", file.Stat.stx_size);
        json.WriteString("modified_ns", string.Create(CultureInfo.InvariantCulture, $"{file.Stat.stx_mtime.tv_sec}.{file.Stat.stx_mtime.tv_nsec:d9}"));
        json.WriteString("sha256", sha256);
        json.WriteString("problem", problem);
    }

    private string? Hash(MappedFile file, byte[] buffer, ref long left, out string? problem)
    {
        problem = null;
        using Descriptor? content = layers.OpenQuietly(file.Path, file.Stat);
        if (content is null)
        {
            problem = "in no layer of the image: opening it could be seen in the container";
            return null;
        }

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long at = 0; ;)
        {
            int count = content.ReadAt(buffer, at, out int errno);
            if (count < 0 || at > MaxHashedFileBytes)
            {
                problem = count < 0 ? Libc.Describe(errno) : "grew while it was hashed";
                return null;
            }

            if (count == 0)
            {
                return Convert.ToHexStringLower(hash.GetHashAndReset());
            }

            hash.AppendData(buffer, 0, count);
            at += count;
            left -= count;
        }
    }
}
