using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using ContainerIR.Runtimes.Stores;

namespace ContainerIR.Collectors.Images;

/// <summary>What a manifest names, be it an image's, a signature's, or an index of several.</summary>
internal sealed record ManifestFacts
{
    public required string Digest { get; init; }

    public required byte[] Content { get; init; }

    public string ConfigDigest { get; init; } = "";

    public string ConfigType { get; init; } = "";

    public string ArtifactType { get; init; } = "";

    /// <summary>Digest of the manifest this one is attached to (OCI image-spec 1.1).</summary>
    public string Subject { get; init; } = "";

    public IReadOnlyList<ManifestLayer> Layers { get; init; } = [];

    /// <summary>Manifests an index names.</summary>
    public IReadOnlyList<string> Members { get; init; } = [];
}

/// <summary>A blob a manifest names.</summary>
internal sealed record ManifestLayer(string MediaType, string Digest, IReadOnlyDictionary<string, string> Annotations);

/// <summary>
/// A folder <c>blobs/sha256</c> of files named by their digest: of an OCI layout (OCI image-spec, image-layout.md) or of containerd's content store. A blob that
/// is not what its name says is not read.
/// </summary>
/// <param name="path">The folder above <c>blobs</c>.</param>
internal sealed class BlobFolder(string path)
{
    private const int MaxBlobs = 50_000;
    private const int MaxManifests = 10_000;
    private const int ManifestLimitBytes = 1024 * 1024;

    /// <summary>The folder.</summary>
    public string Path => path;

    /// <summary>containerd's content stores an engine may use: its own, and the one beside it.</summary>
    /// <param name="engineRoot">The engine's data directory, true for us.</param>
    public static IEnumerable<BlobFolder> StoresOf(string engineRoot) =>
        ContainerdSnapshots.HomesOf(engineRoot).Select(static folder => folder + "/io.containerd.content.v1.content").Where(IsAt)
            .Select(static folder => new BlobFolder(folder));

    /// <summary>Path of a blob; null for what is no digest.</summary>
    public string? PathOf(string digest) => digest.StartsWith("sha256:", StringComparison.Ordinal) && ContainerInspect.IsId(digest[7..]) ? $"{path}/blobs/sha256/{digest[7..]}" : null;

    /// <summary>Whether there is one.</summary>
    public static bool IsAt(string path) => HostFile.TryStat($"{path}/blobs/sha256", followLast: true) is not null;

    /// <summary>A blob; null when it is not there, too large, or not what its name says.</summary>
    /// <param name="digest"><c>sha256:…</c></param>
    /// <param name="limitBytes">How large it may be.</param>
    public byte[]? Read(string digest, int limitBytes = ManifestLimitBytes)
    {
        if (PathOf(digest) is not { } file)
        {
            return null;
        }

        try
        {
            byte[] content = HostFile.ReadSmall(file, limitBytes);
            return "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content)) == digest ? content : null;
        }
        catch (HostFileException)
        {
            return null;
        }
    }

    /// <summary>All manifests of the folder.</summary>
    /// <param name="gap">Told what was left out.</param>
    /// <param name="ct">Cancels.</param>
    public Dictionary<string, ManifestFacts> Manifests(Action<string, string> gap, CancellationToken ct)
    {
        Dictionary<string, ManifestFacts> found = [];
        List<string> names = HostDirectory.TextNames($"{path}/blobs/sha256", MaxBlobs + 1);
        if (names.Count > MaxBlobs)
        {
            gap($"signatures in {DisplayText.Escape(path)}", string.Create(CultureInfo.InvariantCulture, $"it has more than {MaxBlobs} blobs; the others were not looked at"));
        }

        foreach (string name in names.Take(MaxBlobs))
        {
            ct.ThrowIfCancellationRequested();
            if (HostFile.TryStat($"{path}/blobs/sha256/{name}") is not { stx_size: > 1 and <= ManifestLimitBytes })
            {
                continue;
            }

            if (Read("sha256:" + name) is [(byte)'{', ..] content && Parse("sha256:" + name, content) is { } manifest)
            {
                found[manifest.Digest] = manifest;
                if (found.Count >= MaxManifests)
                {
                    gap($"signatures in {DisplayText.Escape(path)}", string.Create(CultureInfo.InvariantCulture, $"it has more than {MaxManifests} manifests; the others were not looked at"));
                    break;
                }
            }
        }

        return found;
    }

    /// <summary>A manifest or an index; null when the document is neither (a configuration, a payload).</summary>
    internal static ManifestFacts? Parse(string digest, byte[] content)
    {
        try
        {
            using JsonDocument document = ContainerInspect.Parse(content);
            JsonElement root = document.RootElement;
            List<string> members = root.List("manifests", static member => member.Text("digest"));

            // An artifact manifest (OCI image-spec 1.1 release candidates, ORAS) calls its layers blobs.
            List<ManifestLayer> layers = [.. root.Items("layers").Concat(root.Items("blobs")).Take(1000)
                .Select(layer => new ManifestLayer(layer.Text("mediaType") ?? "", layer.Text("digest") ?? "", layer.TextMembers("annotations")))];
            return members.Count == 0 && layers.Count == 0 && root.Field("config") is null
                ? null
                : new()
                {
                    Digest = digest,
                    Content = content,
                    ConfigDigest = root.Object("config").Text("digest") ?? "",
                    ConfigType = root.Object("config").Text("mediaType") ?? "",
                    ArtifactType = root.Text("artifactType") ?? "",
                    Subject = root.Object("subject").Text("digest") ?? "",
                    Layers = layers,
                    Members = members,
                };
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
