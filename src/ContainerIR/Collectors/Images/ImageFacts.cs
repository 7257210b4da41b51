using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Images;

/// <summary>What is known of a container's image without reading a layer: its layers, its history, the images it shares layers with.</summary>
internal sealed record ImageFacts
{
    private const int MaxImages = 2000;
    private const int DocumentLimitBytes = 64 * 1024 * 1024;

    /// <summary>Layers, the lowest first, as digests of their uncompressed tars; empty when unknown.</summary>
    public IReadOnlyList<string> DiffIds { get; init; } = [];

    /// <summary>History, the oldest first.</summary>
    public IReadOnlyList<HistoryStep> History { get; init; } = [];

    /// <summary>Where the image it was built on ends.</summary>
    public required BaseBoundary Base { get; init; }

    /// <summary>The image's configuration as the engine stores it: its SHA-256 is the image's id; null when not found.</summary>
    public byte[]? Config { get; init; }

    /// <summary>Where <see cref="Config"/> lies.</summary>
    public string? ConfigPath { get; init; }

    /// <summary>The engine's data directory as it is true for us; null when unknown.</summary>
    public string? EngineRoot { get; init; }

    /// <summary>What was sought and not obtained.</summary>
    public IReadOnlyList<(string Sought, string Reason)> Gaps { get; init; } = [];

    /// <summary>Number of a layer from the bottom, 1 the lowest, by its index in the overlay's list (0 the writable one); 0 for the engine's own layer above the image and for the writable one.</summary>
    public int NumberOf(int index, int lowerLayers)
    {
        int number = lowerLayers - index + 1;
        return index > 0 && number <= DiffIds.Count ? number : 0;
    }

    /// <summary>Where a layer comes from: <c>run-time</c>, <c>engine</c> (Docker's own files), <c>base</c>, <c>application</c>, or <c>image</c> where the boundary is unknown.</summary>
    public string OriginOf(int index, int lowerLayers)
    {
        if (index == 0)
        {
            return "run-time";
        }

        int number = NumberOf(index, lowerLayers);
        return number == 0 ? (DiffIds.Count > 0 ? "engine" : "image") : Base.Layers == 0 ? "image" : number <= Base.Layers ? "base" : "application";
    }

    /// <summary>Reads it. What is missing is said, never thrown.</summary>
    /// <param name="runtime">The engine.</param>
    /// <param name="container">The container.</param>
    /// <param name="prefix">What makes a path of the engine true for us.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<ImageFacts> ReadAsync(IContainerRuntime runtime, ContainerRef container, string prefix, CancellationToken ct)
    {
        List<(string, string)> gaps = [];
        string id = container.ImageId;
        (byte[]? config, string? path, string? root) = await ReadConfigAsync(runtime, container, prefix, gaps, ct);
        (IReadOnlyList<string> diffIds, IReadOnlyList<HistoryStep> history) = ParseConfig(config ?? []);
        if (diffIds.Count == 0)
        {
            diffIds = await LayersAsync(runtime, id, ct) ?? [];
        }

        List<LocalImage> others = await OthersAsync(runtime, id, gaps, ct);
        return new()
        {
            DiffIds = diffIds,
            History = history,
            Config = config,
            ConfigPath = path,
            EngineRoot = root,
            Gaps = gaps,
            Base = BaseBoundary.Find(id, diffIds, history, others),
        };
    }

    /// <summary>Layers and history of an image's configuration (OCI image-spec, config.md).</summary>
    internal static (IReadOnlyList<string> DiffIds, IReadOnlyList<HistoryStep> History) ParseConfig(byte[] config)
    {
        try
        {
            using JsonDocument document = ContainerInspect.Parse(config);
            JsonElement rootfs = document.RootElement.Object("rootfs");
            return (
                rootfs.Texts("diff_ids"),
                [.. document.RootElement.Items("history").Take(4096).Select(step => new HistoryStep(step.Text("created_by") ?? "", step.Flag("empty_layer")))]);
        }
        catch (InvalidDataException)
        {
            return ([], []);
        }
    }

    private static async Task<(byte[]? Config, string? Path, string? Root)> ReadConfigAsync(
        IContainerRuntime runtime, ContainerRef container, string prefix, List<(string, string)> gaps, CancellationToken ct)
    {
        const string sought = "the image's configuration as stored";
        if (container.RuntimeKind != "docker" || !IsDigest(container.ImageId) || container.StorageDriver is not { Length: > 0 } driver || driver.Contains('/'))
        {
            return default;
        }

        string? root = null;
        try
        {
            root = prefix + (await runtime.ReadFactsAsync(ct)).RootDirectory;
            string path = $"{root}/image/{driver}/imagedb/content/sha256/{container.ImageId[7..]}";
            byte[] config = HostFile.ReadSmall(path, DocumentLimitBytes);
            string digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(config));
            if (digest != container.ImageId)
            {
                gaps.Add((sought, $"{path} has the digest {digest}, not its own name: it was changed"));
            }

            return (config, path, root);
        }
        catch (Exception failure) when (failure is HostFileException or OperatorException)
        {
            gaps.Add((sought, failure.Message));
            return (null, null, root);
        }
    }

    private static async Task<IReadOnlyList<string>?> LayersAsync(IContainerRuntime runtime, string id, CancellationToken ct)
    {
        try
        {
            await using Stream content = await runtime.OpenDocumentAsync(EngineDocument.ImageInspect, id, ct);
            using JsonDocument document = ContainerInspect.Parse(content.ReadAtMost(DocumentLimitBytes));
            return document.RootElement.Object("RootFS").Texts("Layers");
        }
        catch (Exception failure) when (failure is IOException or OperatorException or InvalidDataException)
        {
            return null;
        }
    }

    private static async Task<List<LocalImage>> OthersAsync(IContainerRuntime runtime, string own, List<(string, string)> gaps, CancellationToken ct)
    {
        List<LocalImage> images = [];
        try
        {
            await using Stream content = await runtime.OpenDocumentAsync(EngineDocument.ImageList, "", ct);
            using JsonDocument document = ContainerInspect.Parse(content.ReadAtMost(DocumentLimitBytes));
            foreach (JsonElement image in document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement.EnumerateArray() : default)
            {
                List<string> tags = [.. image.Texts("RepoTags").Concat(image.Texts("RepoDigests")).Where(tag => !tag.StartsWith("<none>", StringComparison.Ordinal))];
                if (image.Text("Id") is not { } id || id == own || tags.Count == 0)
                {
                    continue;
                }

                if (images.Count >= MaxImages)
                {
                    gaps.Add(("images to compare layers with", string.Create(CultureInfo.InvariantCulture, $"the host has more than {MaxImages} named ones")));
                    break;
                }

                images.Add(new(id, tags, await LayersAsync(runtime, id, ct) ?? []));
            }
        }
        catch (Exception failure) when (failure is IOException or OperatorException or InvalidDataException)
        {
            gaps.Add(("images to compare layers with", failure.Message));
        }

        return images;
    }

    private static bool IsDigest(string id) => id.Length == 71 && id.StartsWith("sha256:", StringComparison.Ordinal) && id.Skip(7).All(char.IsAsciiHexDigitLower);
}
