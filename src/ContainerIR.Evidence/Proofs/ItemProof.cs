using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Journals;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Evidence.Proofs;

/// <summary>
/// One item of a bundle, provable without the rest: its bytes, the journal line that closed it, the path of that line in the journal's tree
/// (RFC 6962, written as c2sp.org/tlog-proof), the checkpoint of that tree, and the signature over the root that lists the checkpoint.
/// </summary>
public static class ItemProof
{
    private const int CopyBytes = 256 * 1024;

    /// <summary>Exports the proof of one item of a sealed bundle. The bundle is checked only as far as the proof goes.</summary>
    /// <param name="bundleDirectory">The sealed bundle.</param>
    /// <param name="itemPath">Path of the item in it, for example <c>data/0006-logs/json.log</c>.</param>
    /// <param name="outputDirectory">Made; must not be there.</param>
    /// <param name="ct">Stops; what was written is no proof yet, its <c>item.tlog-proof</c> comes last.</param>
    /// <returns>The directory of the proof.</returns>
    /// <exception cref="OperatorException">There is no such item, it has no bytes, or the bundle does not prove it.</exception>
    /// <exception cref="BundleWriteException">The proof cannot be written.</exception>
    public static async Task<string> ExportAsync(string bundleDirectory, string itemPath, string outputDirectory, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(itemPath);
        using BundleTree bundle = BundleTree.Open(Path.GetFullPath(bundleDirectory));
        byte[] note = ReadSmall(bundle, BundleLayout.Checkpoint, bundleDirectory);
        byte[] verifierKey = ReadSmall(bundle, BundleLayout.CheckpointKey, bundleDirectory);
        Checkpoint checkpoint;
        try
        {
            checkpoint = Checkpoint.Verify(Encoding.UTF8.GetString(note), Encoding.UTF8.GetString(verifierKey));
        }
        catch (FormatException failure)
        {
            throw Unproven(bundleDirectory, $"{BundleLayout.Checkpoint}: {failure.Message}");
        }

        (ItemLine item, byte[] line, InclusionProof proof, byte[] root) = Find(bundle, itemPath, checkpoint.Size, bundleDirectory);
        if (!root.AsSpan().SequenceEqual(checkpoint.Root))
        {
            throw Unproven(bundleDirectory, "the journal is not the one the checkpoint signs");
        }

        if (item.Status is "lost" or "refused")
        {
            throw new OperatorException($"{itemPath} has no bytes to prove: its status is {item.Status}.", $"The journal says why: grep {itemPath} {Path.Combine(bundleDirectory, BundleLayout.Journal)}");
        }

        string output = Path.TrimEndingDirectorySeparator(Path.GetFullPath(outputDirectory));
        BundleFolder folder = MakeFolder(output);
        await CopyItemAsync(bundle, item, folder, bundleDirectory, ct);
        folder.WriteWhole(ItemProofLayout.Line, line);
        folder.WriteWhole(BundleLayout.CheckpointKey, verifierKey);
        foreach (string path in (string[])[BundleLayout.TagManifest, BundleLayout.ResponderSignature])
        {
            Write(folder, path, ReadSmall(bundle, path, bundleDirectory));
        }

        foreach (string path in (string[])[BundleLayout.Certificates, BundleLayout.ResponderToken, BundleLayout.TokenCertificates])
        {
            if (TryReadSmall(bundle, path) is { } bytes)
            {
                Write(folder, path, bytes);
            }
        }

        folder.WriteWhole(ItemProofLayout.Readme, Encoding.ASCII.GetBytes(ItemProofLayout.ReadmeText));
        folder.WriteWhole(ItemProofLayout.Proof, Encoding.UTF8.GetBytes(new TlogProof(proof, Encoding.UTF8.GetString(note)).Write()));
        return folder.Root;
    }

    internal static byte[]? TryReadSmall(BundleTree tree, string path)
    {
        using FileStream? file = tree.OpenRead(path);
        if (file is null || file.Length > ItemProofLayout.MaxSmallFileBytes)
        {
            return null;
        }

        byte[] bytes = new byte[file.Length];
        return file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length ? bytes : null;
    }

    /// <summary>Reads the journal twice: the last line about an item counts (recovery has the last word), and only then is known which leaf to prove.</summary>
    private static (ItemLine Item, byte[] Line, InclusionProof Proof, byte[] Root) Find(BundleTree bundle, string itemPath, long treeSize, string bundleDirectory)
    {
        try
        {
            ItemLine? item = null;
            byte[] itemLine = [];
            long index = -1;
            foreach ((long number, byte[] line) in Lines(bundle, treeSize))
            {
                if (line.AsSpan().IndexOf("\"event\":\"item."u8) >= 0 && ItemLine.Of(JournalFormat.Parse(line.AsMemory(0, line.Length - 1), "")) is { } found && found.Path == itemPath)
                {
                    (item, itemLine, index) = (found, line, number);
                }
            }

            if (item is null)
            {
                throw new OperatorException(
                    $"{bundleDirectory} holds no item '{DisplayText.Shorten(itemPath, 200)}'.", $"Items are listed in {BundleLayout.ManifestSha256}; give the whole path, from data/ on.");
            }

            InclusionProofBuilder tree = new();
            foreach ((long number, byte[] line) in Lines(bundle, treeSize))
            {
                tree.Append(line, number == index);
            }

            (InclusionProof proof, byte[] root) = tree.Build();
            return (item, itemLine, proof, root);
        }
        catch (FormatException failure)
        {
            throw Unproven(bundleDirectory, $"{BundleLayout.Journal}: {failure.Message}");
        }
    }

    private static IEnumerable<(long Number, byte[] Line)> Lines(BundleTree bundle, long count)
    {
        using FileStream journal = bundle.OpenRead(BundleLayout.Journal) ?? throw new FormatException("it is missing");
        LineReader reader = new(journal, JournalFormat.MaxLineBytes);
        for (long number = 0; number < Math.Min(count, JournalFormat.MaxLines) && reader.Next() is { } line; number++)
        {
            yield return (number, [.. line.Span, (byte)'\n']);
        }
    }

    private static async Task CopyItemAsync(BundleTree bundle, ItemLine item, BundleFolder folder, string bundleDirectory, CancellationToken ct)
    {
        await using FileStream source = bundle.OpenRead(item.Path) ?? throw Unproven(bundleDirectory, $"{item.Path} is missing");
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using DurableFile copy = folder.CreateFile(item.Path);
        byte[] buffer = new byte[CopyBytes];
        int count;
        while ((count = await source.ReadAsync(buffer, ct)) > 0)
        {
            hash.AppendData(buffer.AsSpan(0, count));
            copy.Write(buffer.AsSpan(0, count));
        }

        copy.Sync();
        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != item.Sha256)
        {
            throw Unproven(bundleDirectory, $"{item.Path} is not what the journal closed: its SHA-256 differs");
        }
    }

    private static void Write(BundleFolder folder, string path, byte[] bytes)
    {
        folder.EnsureDirectoryOf(path);
        folder.WriteWhole(path, bytes);
    }

    private static BundleFolder MakeFolder(string output)
    {
        string name = Path.GetFileName(output);
        return ItemName.IsSafeSegment(name)
            ? BundleFolder.Create(Path.GetDirectoryName(output)!, name)
            : throw new OperatorException($"'{DisplayText.Shorten(name, 100)}' is no good name for a proof.", "Use letters, digits, '.', '_' and '-'.");
    }

    private static byte[] ReadSmall(BundleTree bundle, string path, string bundleDirectory) =>
        TryReadSmall(bundle, path) ?? throw Unproven(bundleDirectory, $"{path} is missing or too large");

    private static OperatorException Unproven(string bundle, string why) =>
        new($"{bundle} does not prove the item: {why}.", $"See all that is wrong with it: cir verify {bundle}");
}
