using System.Security.Cryptography;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Evidence.Time;

/// <summary>A token that was put beside a signature.</summary>
/// <param name="File">The token's file in the bundle.</param>
/// <param name="Token">The token.</param>
public sealed record StampedSignature(string File, TimestampToken Token);

/// <summary>Tokens over signatures: at the seal, or later for a bundle sealed offline.</summary>
public static class SealTimestamp
{
    /// <summary>
    /// Has every signature of a sealed bundle that has no token yet stamped, and puts the tokens beside them: <c>seal/NAME.p7s.tsr</c>,
    /// <c>seal/tsa-certs.pem</c>. The responder's signature is the first.
    /// </summary>
    /// <exception cref="OperatorException">The bundle is not sealed, has all tokens, or no authority gave a good one.</exception>
    /// <exception cref="BundleWriteException">A token cannot be written.</exception>
    public static async Task<IReadOnlyList<StampedSignature>> AddAsync(string bundleDirectory, TimestampClient authorities, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(authorities);
        Dictionary<string, byte[]> digests = new(StringComparer.Ordinal);
        using (BundleTree tree = BundleTree.Open(bundleDirectory))
        {
            using FileStream? root = tree.OpenRead(BundleLayout.TagManifest);
            IReadOnlyList<string> files = SealFolder.Files(tree);
            if (root is null || !files.Contains(BundleLayout.ResponderSignature))
            {
                throw new OperatorException($"{bundleDirectory} is not sealed: there is no signature to stamp.", $"Look at it with: cir verify {bundleDirectory}");
            }

            foreach (string path in files.Where(path => SealFolder.IsSignature(path) && !files.Contains(path + SealFolder.TokenSuffix)))
            {
                if (SealFolder.Read(tree, path) is byte[] signature)
                {
                    digests[path] = SHA256.HashData(signature);
                }
            }
        }

        if (digests.Count == 0)
        {
            throw new OperatorException($"Every signature in {bundleDirectory} has a token already.", "Nothing in a bundle is overwritten; one token for each is enough.");
        }

        List<StampedSignature> stamped = [];
        foreach ((string path, byte[] digest) in digests)
        {
            TimestampToken token = await authorities.RequestAsync(digest, ct);
            SealFolder.Add(bundleDirectory, [Of(path, token)]);
            stamped.Add(new StampedSignature(path + SealFolder.TokenSuffix, token));
        }

        return stamped;
    }

    /// <summary>Asks for a token over a signature that is not written yet.</summary>
    /// <returns>The token's file, to be added with the signature; none where nobody is to be asked.</returns>
    internal static async Task<IReadOnlyList<SealAddition>> RequestAsync(string signaturePath, byte[] signature, TimestampClient? authorities, CancellationToken ct) =>
        authorities is null ? [] : [Of(signaturePath, await authorities.RequestAsync(SHA256.HashData(signature), ct))];

    /// <summary>Writes the token over the responder's signature while the bundle is being sealed, its certificates first: where the token is, they are.</summary>
    internal static void Put(BundleFolder folder, TimestampToken token)
    {
        folder.WriteWhole(BundleLayout.TokenCertificates, CertificateFile.Write(SealFolder.Union([token.Certificates])));
        folder.WriteWhole(BundleLayout.ResponderToken, token.Encoded.Span);
    }

    private static SealAddition Of(string signaturePath, TimestampToken token) => new(signaturePath + SealFolder.TokenSuffix, token.Encoded.ToArray());
}
