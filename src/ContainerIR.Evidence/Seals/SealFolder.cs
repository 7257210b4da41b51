using System.Security.Cryptography;
using System.Text.RegularExpressions;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Evidence.Seals;

/// <summary>
/// The only folder of a bundle that grows after sealing. Nothing in it is overwritten but the two certificate files, which are always the certificates
/// of all signatures and of all tokens, in the order of their paths, each once.
/// </summary>
internal static partial class SealFolder
{
    public const string TokenSuffix = ".tsr";
    private const string SignatureSuffix = ".p7s";

    /// <summary>Signatures over the root, <c>NNNN-responder.p7s</c> and <c>NNNN-witness.p7s</c>.</summary>
    public static bool IsRootSignature(string path) => RootSignature().IsMatch(path);

    /// <summary>Every ECDSA signature: those over the root and those over transfer records.</summary>
    public static bool IsSignature(string path) =>
        path.StartsWith(BundleLayout.SealPrefix, StringComparison.Ordinal) && path.EndsWith(SignatureSuffix, StringComparison.Ordinal) && path != MlDsaSignature.BundlePath;

    public static bool IsToken(string path) =>
        path.StartsWith(BundleLayout.SealPrefix, StringComparison.Ordinal) && path.EndsWith(SignatureSuffix + TokenSuffix, StringComparison.Ordinal);

    /// <summary>Whether seal/ can have a file of this path.</summary>
    public static bool IsKnown(string path) => KnownFile().IsMatch(path);

    /// <summary>What grows with every addition and so is in no list of digests.</summary>
    public static bool IsCertificateFile(string path) => path is BundleLayout.Certificates or BundleLayout.TokenCertificates;

    /// <summary>Number of a signature over the root; the path must be one.</summary>
    public static int NumberOf(string rootSignature) => int.Parse(rootSignature.AsSpan(BundleLayout.SealPrefix.Length, 4), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Regular files in seal/, by path.</summary>
    public static IReadOnlyList<string> Files(BundleTree tree) =>
    [
        .. tree.Walk()
            .Where(entry => entry is { Kind: TreeEntryKind.File, IsSafeName: true } && entry.Path.StartsWith(BundleLayout.SealPrefix, StringComparison.Ordinal))
            .Select(entry => entry.Path)
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Certificates of all, each once, in their order.</summary>
    public static IReadOnlyList<byte[]> Union(IEnumerable<IReadOnlyList<byte[]>> all)
    {
        List<byte[]> union = [];
        foreach (byte[] der in all.SelectMany(certificates => certificates))
        {
            if (!union.Exists(known => known.AsSpan().SequenceEqual(der)))
            {
                union.Add(der);
            }
        }

        return union;
    }

    /// <summary>Adds files: signatures, tokens, records. The certificate files are brought up to date first: where a signature is, its certificate is.</summary>
    /// <exception cref="OperatorException">One of them stands there already, or what is there cannot be read.</exception>
    /// <exception cref="BundleWriteException">They cannot be written.</exception>
    public static void Add(string bundleDirectory, IReadOnlyList<SealAddition> additions)
    {
        SortedDictionary<string, byte[]> all = new(StringComparer.Ordinal);
        Dictionary<string, byte[]> before = new(StringComparer.Ordinal);
        using (BundleTree tree = BundleTree.Open(bundleDirectory))
        {
            foreach (string path in Files(tree).Where(path => IsSignature(path) || IsToken(path) || IsCertificateFile(path) || additions.Any(addition => addition.Path == path)))
            {
                byte[] content = Read(tree, path) ?? throw Unreadable(bundleDirectory, path, "it is too large");
                if (IsCertificateFile(path))
                {
                    before[path] = content;
                }
                else
                {
                    all[path] = content;
                }
            }
        }

        foreach (SealAddition addition in additions)
        {
            if (!all.TryAdd(addition.Path, addition.Content))
            {
                throw new OperatorException($"{addition.Path} stands in {bundleDirectory} already.", "Nothing in a bundle is overwritten.");
            }
        }

        BundleFolder folder = new(bundleDirectory);
        WriteCertificates(BundleLayout.Certificates, all.Where(file => IsSignature(file.Key)).Select(file => OfSignature(file.Key, file.Value)));
        WriteCertificates(
            BundleLayout.TokenCertificates,
            all.Where(file => IsToken(file.Key)).Select(file => OfToken(file.Key, file.Value, all.GetValueOrDefault(file.Key[..^TokenSuffix.Length]))));
        foreach (SealAddition addition in additions)
        {
            folder.WriteWhole(addition.Path, addition.Content);
        }

        void WriteCertificates(string path, IEnumerable<IReadOnlyList<byte[]>> certificates)
        {
            byte[] pem = CertificateFile.Write(Union(certificates));
            if (pem.Length > 0 && !(before.TryGetValue(path, out byte[]? present) && present.AsSpan().SequenceEqual(pem)))
            {
                folder.WriteWhole(path, pem);
            }
        }

        IReadOnlyList<byte[]> OfSignature(string path, byte[] file)
        {
            try
            {
                return CadesSignature.CertificatesOf(file);
            }
            catch (FormatException failure)
            {
                throw Unreadable(bundleDirectory, path, failure.Message);
            }
        }

        IReadOnlyList<byte[]> OfToken(string path, byte[] file, byte[]? stamped)
        {
            try
            {
                return TimestampToken.Verify(file, SHA256.HashData(stamped ?? throw new FormatException("what it stamps is missing"))).Certificates;
            }
            catch (FormatException failure)
            {
                throw Unreadable(bundleDirectory, path, failure.Message);
            }
        }
    }

    /// <summary>A file of seal/, whole; null where it is none or larger than any honest one.</summary>
    public static byte[]? Read(BundleTree tree, string path)
    {
        using FileStream? file = tree.OpenRead(path);
        if (file is null || file.Length > CertificateFile.MaxBytes)
        {
            return null;
        }

        byte[] content = new byte[file.Length];
        return file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) == content.Length ? content : null;
    }

    private static OperatorException Unreadable(string bundle, string path, string why) =>
        new($"{path} in {bundle} is not as it must be: {why}.", $"See all that is wrong: cir verify {bundle}");

    [GeneratedRegex(
        @"\Aseal/([0-9]{4}-(responder|witness)\.p7s(\.tsr)?|0001-responder\.mldsa65\.p7s|certs\.pem|tsa-certs\.pem|custody-[0-9]{4}\.json(\.(giver|receiver)\.p7s(\.tsr)?)?)\z")]
    private static partial Regex KnownFile();

    [GeneratedRegex(@"\Aseal/[0-9]{4}-(responder|witness)\.p7s\z")]
    private static partial Regex RootSignature();
}

/// <summary>A file to be added to seal/.</summary>
internal sealed record SealAddition(string Path, byte[] Content);
