using System.Buffers;
using System.Security.Cryptography;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using SharpCompress.Compressors.ZStandard;
using SharpCompress.Compressors.ZStandard.Unsafe;

namespace ContainerIR.Cases;

/// <summary>
/// The files of a sealed bundle, for reading only. A bundle may come from anywhere: paths are those a bundle can have, links are not followed,
/// decompression ends where the sealed record says the content ends. Whether the bundle is as it was sealed is the verifier's question; here only
/// the documents the index rests on are held against the signed root.
/// </summary>
internal sealed class SealedBundleFiles
{
    private const string TagManifest = "tagmanifest-sha256.txt";
    private const long MaxDocumentBytes = 256L << 20;

    /// <summary>Frames hold 4 MiB (docs/evidence-format.md 4.2); nothing needs a larger window.</summary>
    private const int MaxWindowLog = 23;

    private static readonly SearchValues<char> PathCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/");

    private readonly Dictionary<string, string> sealedDigests;

    private SealedBundleFiles(string folder, string rootSha256, Dictionary<string, string> sealedDigests)
    {
        Folder = folder;
        RootSha256 = rootSha256;
        this.sealedDigests = sealedDigests;
    }

    /// <summary>Absolute path.</summary>
    public string Folder { get; }

    /// <summary>SHA-256 of the tag manifest.</summary>
    public string RootSha256 { get; }

    /// <summary>Whether a bundle is sealed: one that is not was interrupted, or is being written now.</summary>
    public static bool IsSealed(string folder) => File.Exists(Path.Combine(folder, TagManifest));

    /// <exception cref="OperatorException">It is no bundle, or not sealed.</exception>
    public static SealedBundleFiles Open(string folder)
    {
        string shown = DisplayText.Escape(folder);
        if (!Directory.Exists(folder) || !File.Exists(Path.Combine(folder, "bagit.txt")))
        {
            throw new OperatorException($"{shown} is not a bundle.", "Name the folder that holds bagit.txt and tagmanifest-sha256.txt.");
        }

        if (!IsSealed(folder))
        {
            throw new OperatorException($"{shown} is not sealed: its acquisition was interrupted.", $"Seal what is provable of it, then: cir bundle recover {shown}");
        }

        byte[] manifest = ReadDocument(folder, TagManifest);
        Dictionary<string, string> digests = new(StringComparer.Ordinal);
        foreach (string line in System.Text.Encoding.UTF8.GetString(manifest).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // "<64 hex>  <path>", RFC 8493 section 2.1.3.
            if (line.Length > 66)
            {
                digests[line[66..]] = line[..64];
            }
        }

        return new SealedBundleFiles(Path.GetFullPath(folder), Convert.ToHexStringLower(SHA256.HashData(manifest)), digests);
    }

    /// <summary>A document the signed root fixes, whole.</summary>
    /// <exception cref="OperatorException">It is missing, too large, or not as it was sealed.</exception>
    public byte[] ReadSealed(string name)
    {
        byte[] bytes = ReadDocument(Folder, name);
        return sealedDigests.TryGetValue(name, out string? digest) && digest == Convert.ToHexStringLower(SHA256.HashData(bytes)) ? bytes : throw NotAsSealed(name);
    }

    /// <summary>Opens a file for reading; its path must be one a bundle can have.</summary>
    /// <exception cref="IOException">It cannot be opened, or its path leads through a link.</exception>
    public FileStream OpenStored(string path)
    {
        if (path.Length is 0 or > 512 || path[0] == '/' || path.AsSpan().ContainsAnyExcept(PathCharacters))
        {
            throw new IOException("not a path a bundle can have");
        }

        string reached = Folder;
        foreach (string part in path.Split('/'))
        {
            reached = part is "" or "." or ".." ? throw new IOException("not a path a bundle can have") : Path.Combine(reached, part);
            if (File.GetAttributes(reached).HasFlag(FileAttributes.ReparsePoint))
            {
                throw new IOException("its path leads through a symbolic link");
            }
        }

        return new FileStream(reached, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.SequentialScan);
    }

    /// <summary>Opens the content of an item as it was read from its source: what is stored as frames comes decompressed.</summary>
    /// <param name="path">Path inside the bundle.</param>
    /// <param name="storedSha256">Digest the sealed record gives of the stored file.</param>
    /// <param name="rawBytes">Size the sealed record gives of the content.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public SealedContent OpenContent(string path, string storedSha256, long rawBytes)
    {
        HashedStream stored = new(OpenStored(path));
        if (!path.EndsWith(".zst", StringComparison.Ordinal))
        {
            return new SealedContent(stored, stored, storedSha256, rawBytes);
        }

        DecompressionStream frames = new(stored, bufferSize: 128 * 1024, checkEndOfStream: false, leaveOpen: true);
        frames.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
        return new SealedContent(frames, stored, storedSha256, rawBytes);
    }

    public OperatorException NotAsSealed(string name) => new(
        $"{DisplayText.Escape(name)} in {DisplayText.Escape(Folder)} is not as it was sealed.", $"See every difference: cir verify {DisplayText.Escape(Folder)}");

    private static byte[] ReadDocument(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        try
        {
            FileInfo file = new(path);
            return file.LinkTarget is not null || file.Length > MaxDocumentBytes
                ? throw new IOException(file.LinkTarget is null ? $"larger than {MaxDocumentBytes} bytes" : "a symbolic link")
                : File.ReadAllBytes(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{DisplayText.Escape(path)} cannot be read: {failure.Message}", $"See what is wrong with the bundle: cir verify {DisplayText.Escape(folder)}", failure);
        }
    }
}
