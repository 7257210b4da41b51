using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Linux.Trees;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Images;

/// <summary>A layer of an image as Docker stores it.</summary>
internal sealed record StoredLayer
{
    /// <summary>From 1, the lowest.</summary>
    public required int Number { get; init; }

    /// <summary>Digest of its uncompressed tar.</summary>
    public required string DiffId { get; init; }

    /// <summary>Name of the chain of layers that ends with it (OCI image-spec, config.md, ChainID).</summary>
    public required string ChainId { get; init; }

    /// <summary>Its directory, which with the driver vfs holds all below it too; null when not found.</summary>
    public byte[]? Directory { get; init; }

    /// <summary>Its tar-split.json.gz; null when not found.</summary>
    public string? TarSplit { get; init; }

    /// <summary>Compressed forms known of it: digest and the repository it came from.</summary>
    public IReadOnlyList<(string Digest, string Repository)> Blobs { get; init; } = [];
}

/// <summary>Files of a layer, counted.</summary>
internal sealed record LayerCounts(long Files, long Directories, long Others, long Bytes, bool IsCut);

/// <summary>Docker's layer store (image/DRIVER/layerdb, distribution): where each layer of an image lies.</summary>
/// <param name="engineRoot">The engine's data directory, true for us.</param>
/// <param name="driver">Storage driver.</param>
internal sealed class LayerStore(string engineRoot, string driver)
{
    private const int MaxEntries = 5_000_000;
    private const int MaxDepth = 4096;

    /// <summary>Finds the layers.</summary>
    public List<StoredLayer> Find(IReadOnlyList<string> diffIds)
    {
        List<StoredLayer> layers = [];
        string chain = "";
        foreach (string diffId in diffIds)
        {
            chain = chain.Length == 0 ? diffId : "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{chain} {diffId}")));
            string entry = $"{engineRoot}/image/{driver}/layerdb/sha256/{Hex(chain)}";
            string? cache = Line(entry + "/cache-id");
            string tarSplit = entry + "/tar-split.json.gz";
            layers.Add(new()
            {
                Number = layers.Count + 1,
                DiffId = diffId,
                ChainId = chain,
                Directory = cache is not null && cache.All(char.IsAsciiLetterOrDigit) ? Encoding.UTF8.GetBytes(driver == "vfs" ? $"{engineRoot}/vfs/dir/{cache}" : $"{engineRoot}/{driver}/{cache}/diff") : null,
                TarSplit = HostFile.TryStat(tarSplit) is null ? null : tarSplit,
                Blobs = BlobsOf(diffId),
            });
        }

        return layers;
    }

    /// <summary>Counts what is in a layer's directory.</summary>
    public static unsafe LayerCounts Count(PrivateTree layer, CancellationToken ct)
    {
        long files = 0, directories = 0, others = 0, bytes = 0;
        Stack<(int Descriptor, int Depth)> open = new();
        fixed (byte* dot = ".\0"u8)
        {
            open.Push((Libc.openat(layer.Descriptor, dot, layer.ReadFlags | Libc.O_DIRECTORY, 0), 0));
        }

        DirectoryReader reader = new();
        bool isCut = false;
        while (open.TryPop(out (int Descriptor, int Depth) directory))
        {
            List<byte[]> inner = [];
            reader.Start(0);
            while (directory.Descriptor >= 0 && reader.Next(directory.Descriptor, out _))
            {
                ct.ThrowIfCancellationRequested();
                isCut |= files + directories + others >= MaxEntries;
                if (isCut)
                {
                    break;
                }

                StatX stat = default;
                int isKnown = Libc.statx(directory.Descriptor, reader.Name, Libc.AT_SYMLINK_NOFOLLOW | Libc.AT_STATX_DONT_SYNC, StatX.STATX_BASIC_STATS, &stat);
                if (isKnown == 0 && Nodes.IsRegular(stat))
                {
                    (files, bytes) = (files + 1, bytes + (long)stat.stx_size);
                }
                else if (isKnown == 0 && Nodes.IsDirectory(stat))
                {
                    directories++;
                    inner.Add([.. reader.NameBytes, 0]);
                }
                else
                {
                    others++;
                }
            }

            // Descriptors wait on the stack: a tree of very many directories side by side is cut, not all opened at once.
            foreach (byte[] name in inner)
            {
                if (isCut || directory.Depth >= MaxDepth || open.Count > 8192)
                {
                    isCut = true;
                    break;
                }

                fixed (byte* text = name)
                {
                    open.Push((Nodes.OpenBelow(directory.Descriptor, text, layer.ReadFlags | Libc.O_DIRECTORY), directory.Depth + 1));
                }
            }

            Nodes.Close(directory.Descriptor);
        }

        return new(files, directories, others, bytes, isCut);
    }

    /// <summary>Docker notes for each layer the compressed blobs it was pulled or pushed as.</summary>
    private List<(string Digest, string Repository)> BlobsOf(string diffId)
    {
        List<(string, string)> blobs = [];
        try
        {
            using JsonDocument document = ContainerInspect.Parse(HostFile.ReadSmall($"{engineRoot}/image/{driver}/distribution/v2metadata-by-diffid/sha256/{Hex(diffId)}"));
            foreach (JsonElement blob in document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement.EnumerateArray() : default)
            {
                blobs.Add((blob.Text("Digest") ?? "", blob.Text("SourceRepository") ?? ""));
            }
        }
        catch (Exception failure) when (failure is HostFileException or InvalidDataException)
        {
            // An image made on this host was never a blob.
        }

        return blobs;
    }

    private static string? Line(string path)
    {
        try
        {
            return Encoding.ASCII.GetString(HostFile.ReadSmall(path, 4096)).Trim();
        }
        catch (HostFileException)
        {
            return null;
        }
    }

    /// <summary>The digits of a digest; what is none names nothing.</summary>
    private static string Hex(string digest)
    {
        string hex = digest[(digest.IndexOf(':') + 1)..];
        return hex.Length == 64 && hex.All(char.IsAsciiHexDigitLower) ? hex : "none-" + DisplayText.Shorten(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(hex))), 20);
    }
}
