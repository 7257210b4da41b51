using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Images;

/// <summary>
/// What this host knows of the image's signatures: those in the stores of containerd and Podman and in layouts the examiner brought, checked where keys are given;
/// attachments of cosign that were pulled, settings that demand signatures, keys of content trust. Registries are not asked.
/// </summary>
internal static class SignatureFacts
{
    private const int FileLimitBytes = 4 * 1024 * 1024;
    private const int MaxSignatures = 200;

    private static readonly string[] TrustFolders = ["/root/.docker/trust", "/etc/docker/certs.d", "/etc/containers/registries.d", "/var/lib/docker/trust"];

    /// <summary>Stores what there is and what came of checking it.</summary>
    /// <param name="container">The container.</param>
    /// <param name="repoDigests">Repository digests of its image.</param>
    /// <param name="allTags">Names of all images.</param>
    /// <param name="prefix">What makes a path of the engine true for us.</param>
    /// <param name="engineRoot">The engine's data directory, true for us; null when not known.</param>
    /// <param name="enginePid">The engine's process; null when not known.</param>
    /// <param name="search">Keys and layouts given.</param>
    /// <param name="sink">Gets the items.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task CollectAsync(
        ContainerRef container, IReadOnlyList<string> repoDigests, IReadOnlyList<string> allTags, string prefix, string? engineRoot, int? enginePid, SignatureSearch search, IEvidenceSink sink, CancellationToken ct)
    {
        // cosign stores a signature as an image tagged by the digest it signs (github.com/sigstore/cosign, SIGNATURE_SPEC).
        HashSet<string> names = [.. repoDigests.Select(digest => digest[(digest.IndexOf('@') + 1)..].Replace(':', '-'))];
        List<string> attached = [.. allTags.Where(tag => names.Any(digest => tag.Contains(digest + ".", StringComparison.Ordinal)))];
        List<string> files = [];
        foreach ((string path, string item) in new[] { ("/etc/containers/policy.json", "signatures/policy.json"), ("/etc/docker/daemon.json", "signatures/daemon.json") })
        {
            if (HostFile.TryStat(prefix + path, followLast: true) is not null && await sink.AddHostFileAsync(item, prefix + path, FileLimitBytes, ct))
            {
                files.Add(path);
            }
        }

        SignedDigests digests = new(container.ImageId, repoDigests);
        List<(ImageSignature Signature, List<string> Files)> signatures = [];
        foreach (ImageSignature signature in Find(container.ImageId, digests, engineRoot, search, sink, ct))
        {
            if (signatures.Count >= MaxSignatures)
            {
                sink.AddGap("more signatures of the image", $"{MaxSignatures} were found and stored");
                break;
            }

            signatures.Add((signature, await StoreAsync(signature, signatures.Count + 1, sink, ct)));
        }

        for (int i = 0; i < search.Keys.Count; i++)
        {
            await sink.AddAsync($"signatures/keys/{i + 1:0000}.pem", Encoding.ASCII.GetBytes(search.Keys[i].Pem), new ItemOptions($"given: {search.Keys[i].Source}"), ct);
        }

        if (search.Keys.Count > 0 && !signatures.Any(one => digests.Has(one.Signature.SignedDigest)))
        {
            sink.AddGap(
                "a signature of the image to verify with the keys given",
                "none lies in the stores of this host or in a layout given: fetch it (skopeo copy docker://REPOSITORY:sha256-….sig oci:DIR) and give it by --image-signatures DIR");
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
                json.WriteStartArray("signatures");
                foreach ((ImageSignature signature, List<string> stored) in signatures)
                {
                    signature.Write(json, stored, digests.BindingOf(signature.SignedDigest));
                }

                json.WriteEndArray();
                json.WriteStartArray("keys");
                foreach (SignatureKey key in search.Keys)
                {
                    json.WriteStartObject();
                    json.WriteString("file", key.Source);
                    json.WriteString("sha256", key.Sha256);
                    json.WriteString("certificate", key.Certificate is { } certificate ? DisplayText.Shorten(certificate.Subject, 500) : null);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteString("verified", Summary(signatures.ConvertAll(static one => one.Signature), digests, search.Keys.Count > 0));
            },
            ct);
    }

    private static string Summary(List<ImageSignature> signatures, SignedDigests digests, bool hasKeys)
    {
        List<ImageSignature> own = [.. signatures.Where(signature => digests.Has(signature.SignedDigest))];
        return own.Any(static signature => signature.Verdict == "verified")
            ? $"{own.Count(static signature => signature.Verdict == "verified")} of {own.Count} signatures of the image, by the keys given; signed_digest_is says what ties each to the image"
            : own.Count > 0 ? $"nothing: {own.Count} signatures of the image are here, {(hasKeys ? "and no key given verifies one" : "and no key was given (--image-key)")}"
            : "nothing: no signature of the image is kept on this host. Repository digests, if any, stand in image.json: "
                + "fetch the signature for them from the registry and verify it there (cosign verify --key), or give it by --image-signatures.";
    }

    /// <summary>Signatures of the image, and all of the layouts given: what signs another image explains why none verifies.</summary>
    private static IEnumerable<ImageSignature> Find(string imageId, SignedDigests digests, string? engineRoot, SignatureSearch search, IEvidenceSink sink, CancellationToken ct)
    {
        List<BlobFolder> given = [];
        foreach (string path in search.Folders)
        {
            if (BlobFolder.IsAt(path))
            {
                given.Add(new(path));
            }
            else
            {
                sink.AddGap($"signatures in {DisplayText.Escape(path)}", "it has no blobs/sha256, so it is no OCI layout");
            }
        }

        List<BlobFolder> stores = engineRoot is null ? [] : [.. BlobFolder.StoresOf(engineRoot)];
        List<(BlobFolder Folder, Dictionary<string, ManifestFacts> Manifests)> read = [.. given.Concat(stores).Select(folder => (folder, folder.Manifests(sink.AddGap, ct)))];
        Dictionary<string, ManifestFacts> all = [];
        foreach (ManifestFacts manifest in read.SelectMany(static folder => folder.Manifests.Values))
        {
            all.TryAdd(manifest.Digest, manifest);
        }

        StoredSignatures? stored = engineRoot is not null && new StoredSignatures(engineRoot, imageId) is { IsThere: true } podman ? podman : null;
        ManifestFacts? kept = stored?.Manifest();
        if (kept is not null)
        {
            all.TryAdd(kept.Digest, kept);
        }

        digests.Learn(all);
        foreach (ImageSignature signature in kept is null ? [] : stored!.Of(kept, search.Keys))
        {
            yield return signature;
        }

        foreach ((BlobFolder folder, Dictionary<string, ManifestFacts> manifests) in read)
        {
            foreach (ImageSignature signature in manifests.Values.OrderBy(static manifest => manifest.Digest, StringComparer.Ordinal)
                .SelectMany(manifest => CosignSignatures.Of(folder, manifest, search.Keys).Concat(NotationSignatures.Of(folder, manifest, search.Keys))))
            {
                if (given.Contains(folder) || digests.Has(signature.SignedDigest))
                {
                    yield return signature;
                }
            }
        }
    }

    private static async Task<List<string>> StoreAsync(ImageSignature signature, int number, IEvidenceSink sink, CancellationToken ct)
    {
        List<string> files = [];
        foreach ((string ending, byte[] content) in signature.Raw)
        {
            string name = $"signatures/{number:0000}-{ending}";
            await sink.AddAsync(name, content, new ItemOptions(DisplayText.Escape(signature.Place)), ct);
            files.Add(name);
        }

        return files;
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
