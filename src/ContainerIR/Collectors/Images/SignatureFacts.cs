using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Images;

/// <summary>What this host knows of the image's signatures: attachments of cosign that were pulled, settings that demand signatures, keys of content trust. Registries are not asked.</summary>
internal static class SignatureFacts
{
    private const int FileLimitBytes = 4 * 1024 * 1024;

    private static readonly string[] TrustFolders = ["/root/.docker/trust", "/etc/docker/certs.d", "/etc/containers/registries.d", "/var/lib/docker/trust"];

    /// <summary>Writes what there is, and that nothing was verified: an engine keeps no manifest to verify a signature over.</summary>
    public static async Task CollectAsync(ContainerRef container, IReadOnlyList<string> repoDigests, IReadOnlyList<string> allTags, string prefix, int? enginePid, IEvidenceSink sink, CancellationToken ct)
    {
        // cosign stores a signature as an image tagged by the digest it signs (github.com/sigstore/cosign, SIGNATURE_SPEC).
        HashSet<string> digests = [.. repoDigests.Select(digest => digest[(digest.IndexOf('@') + 1)..].Replace(':', '-'))];
        List<string> attached = [.. allTags.Where(tag => digests.Any(digest => tag.Contains(digest + ".", StringComparison.Ordinal)))];
        List<string> files = [];
        foreach ((string path, string item) in new[] { ("/etc/containers/policy.json", "signatures/policy.json"), ("/etc/docker/daemon.json", "signatures/daemon.json") })
        {
            if (HostFile.TryStat(prefix + path, followLast: true) is not null && await sink.AddHostFileAsync(item, prefix + path, FileLimitBytes, ct))
            {
                files.Add(path);
            }
        }

        List<string> trust = [.. TrustFolders.Where(path => HostFile.TryStat(prefix + path, followLast: true) is not null)];
        await sink.AddJsonAsync(
            "signatures.json", "labels, tags and settings of this host",
            json =>
            {
                json.WriteTexts("attached_images", attached);
                json.WriteTexts("labels", container.Labels.Where(label => label.Key.Contains("sigstore", StringComparison.OrdinalIgnoreCase) || label.Key.Contains("cosign", StringComparison.OrdinalIgnoreCase)
                    || label.Key.Contains("notary", StringComparison.OrdinalIgnoreCase)).Select(label => $"{label.Key}={label.Value}"));
                json.WriteString("engine_content_trust_variable", enginePid is { } pid ? ContentTrust(pid) : null);
                json.WriteTexts("policy_files", files);
                json.WriteTexts("trust_folders", trust);
                json.WriteString("verified", "nothing: no key was given, and signatures are over a registry's manifest, which the engine does not keep. Repository digests, if any, stand in image.json: "
                    + "fetch the signature for them from the registry and verify it there (cosign verify --key).");
            },
            ct);
    }

    private static string? ContentTrust(int pid)
    {
        try
        {
            byte[] environment = HostFile.ReadSmall($"/proc/{pid}/environ", FileLimitBytes);
            return Encoding.UTF8.GetString(environment).Split('\0').Where(variable => variable.StartsWith("DOCKER_CONTENT_TRUST=", StringComparison.Ordinal)).Select(DisplayText.Escape).FirstOrDefault() ?? "not set";
        }
        catch (HostFileException)
        {
            return null;
        }
    }

    /// <summary>Names of all images in the engine's list.</summary>
    public static List<string> Tags(JsonElement list) =>
        [.. (list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : default).SelectMany(image => image.Texts("RepoTags"))];
}
