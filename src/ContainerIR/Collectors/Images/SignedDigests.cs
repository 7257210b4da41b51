namespace ContainerIR.Collectors.Images;

/// <summary>Digests by which the container's image may be signed, and what says that they are its.</summary>
/// <param name="imageId">The image's id: the digest of its configuration, or of its manifest where the engine keeps images in containerd's store.</param>
/// <param name="repositoryDigests">Digests the engine says it was pulled by.</param>
internal sealed class SignedDigests(string imageId, IEnumerable<string> repositoryDigests)
{
    /// <summary>What <see cref="BindingOf"/> says of a digest that is none of the image's.</summary>
    public const string OfAnother = "not known to be of this image";

    private readonly HashSet<string> repository = [.. repositoryDigests.Select(static digest => digest[(digest.IndexOf('@') + 1)..])];
    private readonly Dictionary<string, string> proven = [];

    /// <summary>Learns what manifests at hand prove: one that names the configuration is the image's, and so is an index that names that one.</summary>
    public void Learn(IReadOnlyDictionary<string, ManifestFacts> manifests)
    {
        foreach (ManifestFacts manifest in manifests.Values)
        {
            if (manifest.Digest == imageId)
            {
                proven.TryAdd(manifest.Digest, "the image's id");
            }
            else if (manifest.ConfigDigest == imageId && imageId.Length > 0)
            {
                proven.TryAdd(manifest.Digest, "of a manifest at hand that names the image's configuration");
            }
        }

        foreach (ManifestFacts index in manifests.Values.Where(manifest => manifest.Members.Any(member => proven.ContainsKey(member))))
        {
            proven.TryAdd(index.Digest, "of an index at hand that names the image's manifest");
        }
    }

    /// <summary>What ties a signed digest to the image.</summary>
    public string BindingOf(string digest) =>
        proven.TryGetValue(digest, out string? how) ? how
        : repository.Contains(digest) ? "of the repository digest the engine notes for the image; the manifest itself is not kept here"
        : OfAnother;

    /// <summary>Whether a digest is of the image, by proof or by the engine's word.</summary>
    public bool Has(string digest) => proven.ContainsKey(digest) || repository.Contains(digest);
}
