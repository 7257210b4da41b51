using System.Security.Cryptography;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Evidence.Time;

/// <summary>The token over the responder's signature: at the seal, or later for a bundle sealed offline.</summary>
public static class SealTimestamp
{
    /// <summary>Has the signature of a sealed bundle stamped and puts the token beside it: <c>seal/0001-responder.p7s.tsr</c>, <c>seal/tsa-certs.pem</c>.</summary>
    /// <exception cref="OperatorException">The bundle is not sealed, has a token, or no authority gave a good one.</exception>
    /// <exception cref="BundleWriteException">The token cannot be written.</exception>
    public static async Task<TimestampToken> AddAsync(string bundleDirectory, TimestampClient authorities, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(authorities);
        byte[] digest;
        using (BundleTree tree = BundleTree.Open(bundleDirectory))
        {
            using FileStream? root = tree.OpenRead(BundleLayout.TagManifest);
            using FileStream? signature = tree.OpenRead(BundleLayout.ResponderSignature);
            if (root is null || signature is null || signature.Length > CadesSignature.MaxBytes)
            {
                throw new OperatorException($"{bundleDirectory} is not sealed: there is no signature to stamp.", $"Look at it with: cir verify {bundleDirectory}");
            }

            using FileStream? standing = tree.OpenRead(BundleLayout.ResponderToken);
            if (standing is not null)
            {
                throw new OperatorException($"{bundleDirectory} has a token already.", "Nothing in a bundle is overwritten; one token is enough.");
            }

            digest = await SHA256.HashDataAsync(signature, ct);
        }

        TimestampToken token = await authorities.RequestAsync(digest, ct);
        Put(new BundleFolder(bundleDirectory), token);
        return token;
    }

    /// <summary>Writes the token, its certificates first: where the token is, they are.</summary>
    internal static void Put(BundleFolder folder, TimestampToken token)
    {
        folder.WriteWhole(BundleLayout.TokenCertificates, CertificateFile.Write(token.Certificates));
        folder.WriteWhole(BundleLayout.ResponderToken, token.Encoded.Span);
    }
}
