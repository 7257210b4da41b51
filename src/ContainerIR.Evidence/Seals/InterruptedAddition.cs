using System.Security.Cryptography;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Evidence.Seals;

/// <summary>
/// Undoes the beginning of an addition to seal/ that was killed: temporary files, and certificates written before the signature they belong to. Nothing
/// that proves anything is touched: signatures, tokens and records stay, and what is wrong with them stays for the verifier to say.
/// </summary>
public static class InterruptedAddition
{
    private const string TemporarySuffix = ".tmp";

    /// <summary>Looks for such a beginning and undoes it.</summary>
    /// <returns>What was done, a sentence each; empty for a bundle nobody was interrupted in.</returns>
    /// <exception cref="OperatorException">There is no bundle.</exception>
    /// <exception cref="BundleWriteException">It cannot be written.</exception>
    public static IReadOnlyList<string> Mend(string bundleDirectory)
    {
        List<string> done = [];
        BundleFolder folder = new(bundleDirectory);
        Dictionary<string, byte[]> files = new(StringComparer.Ordinal);
        using (BundleTree tree = BundleTree.Open(bundleDirectory))
        {
            foreach (string path in SealFolder.Files(tree))
            {
                if (path.EndsWith(TemporarySuffix, StringComparison.Ordinal) && SealFolder.IsKnown(path[..^TemporarySuffix.Length]))
                {
                    folder.Remove(path);
                    done.Add($"{path} was left by an addition that was interrupted: removed.");
                }
                else if (SealFolder.Read(tree, path) is { } content)
                {
                    files[path] = content;
                }
            }
        }

        Trim(BundleLayout.Certificates, SealFolder.IsSignature, (_, file) => CadesSignature.CertificatesOf(file));
        Trim(BundleLayout.TokenCertificates, SealFolder.IsToken, (path, file) =>
            TimestampToken.Verify(file, SHA256.HashData(files.GetValueOrDefault(path[..^SealFolder.TokenSuffix.Length]) ?? [])).Certificates);
        return done;

        void Trim(string pemPath, Func<string, bool> belongs, Func<string, byte[], IReadOnlyList<byte[]>> certificatesOf)
        {
            try
            {
                IReadOnlyList<byte[]> needed = SealFolder.Union(files.Where(file => belongs(file.Key)).OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => certificatesOf(file.Key, file.Value)));
                if (!files.TryGetValue(pemPath, out byte[]? pem))
                {
                    return;
                }

                // Only the very state an interruption leaves: all that is needed and something more, encoded as always.
                IReadOnlyList<byte[]> present = CertificateFile.Read(System.Text.Encoding.Latin1.GetString(pem));
                bool isOurs = CertificateFile.Write(present).AsSpan().SequenceEqual(pem);
                if (isOurs && present.Count > needed.Count && needed.All(der => present.Any(other => other.AsSpan().SequenceEqual(der))))
                {
                    if (needed.Count > 0)
                    {
                        folder.WriteWhole(pemPath, CertificateFile.Write(needed));
                    }
                    else
                    {
                        folder.Remove(pemPath);
                    }

                    done.Add($"{pemPath} held certificates of an addition that was interrupted: they are taken out.");
                }
            }
            catch (FormatException)
            {
                // Something in seal/ is not as it must be; the verifier names it.
            }
        }
    }
}
