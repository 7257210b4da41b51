using System.Globalization;
using ContainerIR.Evidence.Encryption;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Evidence.Transport;

/// <summary>
/// Makes a bundle ready to travel: one tar, encrypted for the receivers, cut into parts. The tar of a bundle is always the same, byte for byte.
/// <c>cat NAME.tar.age.part-* | age -d -i IDENTITY | tar -x</c> is the way back without this program.
/// </summary>
public static class BundlePacker
{
    /// <summary>Size of a part unless said otherwise: 64 MB.</summary>
    public const long DefaultPartBytes = 64_000_000;

    private const long MinPartBytes = 1024;
    private const int CopyBytes = 256 * 1024;

    /// <summary>Packs a bundle. Memory does not grow with the bundle.</summary>
    /// <param name="bundleDirectory">The bundle; its last name becomes the name of the parts.</param>
    /// <param name="outputDirectory">Made if absent. Nothing there is overwritten; on failure what was begun is removed.</param>
    /// <param name="recipients">Each of them alone can open it. None: not encrypted.</param>
    /// <param name="partBytes">Size of each part but the last, 1 KiB or more.</param>
    /// <param name="ct">Removes what was begun.</param>
    /// <exception cref="OperatorException">The bundle cannot be read, parts of it stand there already, or there would be more than 9999.</exception>
    /// <exception cref="BundleWriteException">The parts cannot be written.</exception>
    public static async Task<PackedBundle> PackAsync(
        string bundleDirectory, string outputDirectory, IReadOnlyList<AgeRecipient> recipients, long partBytes, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(recipients);
        ArgumentOutOfRangeException.ThrowIfLessThan(partBytes, MinPartBytes);
        string bundle = Path.TrimEndingDirectorySeparator(Path.GetFullPath(bundleDirectory));
        string output = Path.GetFullPath(outputDirectory);
        if ((output + "/").StartsWith(bundle + "/", StringComparison.Ordinal))
        {
            throw new OperatorException($"{output} lies in the bundle itself.", "Choose a directory outside the bundle with --out DIR.");
        }

        string name = Path.GetFileName(bundle);
        using BundleTree tree = BundleTree.Open(bundle);
        IReadOnlyList<TarEntry> entries = BundleListing.Read(bundle, tree);
        long size = TarBytes(entries);
        long total = recipients.Count > 0 ? AgeEncryptStream.EncryptedBytes(size, recipients) : size;
        if ((total + partBytes - 1) / partBytes > PartsList.MaxParts)
        {
            throw new OperatorException(
                string.Create(CultureInfo.InvariantCulture, $"{total} bytes in parts of {partBytes} are more than {PartsList.MaxParts} parts."),
                string.Create(CultureInfo.InvariantCulture, $"Make the parts larger: --part-size {(total / PartsList.MaxParts) + 1} or more."));
        }

        string list = name + PartsList.Suffix;
        EnsureNothingStandsThere(output, name, list);
        BundleFolder folder = new(output);
        await using PartsWriter parts = new(folder, name, recipients.Count > 0, partBytes);
        bool done = false;
        try
        {
            if (recipients.Count == 0)
            {
                await WriteTarAsync(tree, entries, parts, ct);
            }
            else
            {
                await using AgeEncryptStream encrypted = await AgeEncryptStream.CreateAsync(parts, recipients, ct);
                await WriteTarAsync(tree, entries, encrypted, ct);
                await encrypted.CompleteAsync(ct);
            }

            parts.Complete();
            WrittenFile written = folder.WriteWhole(list, PartsList.Write(parts.Parts));
            done = true;
            return new PackedBundle(
                folder.PathOf(list), written.Sha256, [.. parts.Parts.Select(part => folder.PathOf(part.FileName))], parts.Length, recipients.Count > 0);
        }
        finally
        {
            if (!done)
            {
                parts.RemoveAll();
            }
        }
    }

    /// <summary>Writes the tar of these entries.</summary>
    internal static async Task WriteTarAsync(BundleTree tree, IEnumerable<TarEntry> entries, Stream tar, CancellationToken ct)
    {
        byte[] buffer = new byte[CopyBytes];
        foreach (TarEntry entry in entries)
        {
            await tar.WriteAsync(TarHeader.Write(entry.Path, entry.SizeBytes, entry.IsDirectory), ct);
            if (entry.IsDirectory)
            {
                continue;
            }

            string path = entry.Path[(entry.Path.IndexOf('/', StringComparison.Ordinal) + 1)..];
            long left = entry.SizeBytes;
            try
            {
                await using FileStream file = tree.OpenRead(path) ?? throw new IOException("it is gone, or no regular file any more");
                int count;
                while ((count = await file.ReadAsync(buffer, ct)) > 0 && left >= count)
                {
                    await tar.WriteAsync(buffer.AsMemory(0, count), ct);
                    left -= count;
                }

                if (left != 0 || count != 0)
                {
                    throw new IOException("its size changed while it was packed");
                }
            }
            catch (IOException failure) when (failure is not BundleWriteException)
            {
                throw new OperatorException($"{path} cannot be packed: {failure.Message}.", "Pack a sealed bundle that nothing writes to.", failure);
            }

            await tar.WriteAsync(new byte[TarHeader.PaddedBytes(entry.SizeBytes) - entry.SizeBytes], ct);
        }

        await tar.WriteAsync(new byte[2 * TarHeader.BlockBytes], ct);
    }

    private static long TarBytes(IEnumerable<TarEntry> entries) =>
        entries.Sum(entry => TarHeader.Write(entry.Path, entry.SizeBytes, entry.IsDirectory).Length + TarHeader.PaddedBytes(entry.SizeBytes)) + (2 * TarHeader.BlockBytes);

    private static void EnsureNothingStandsThere(string output, string name, string list)
    {
        try
        {
            Directory.CreateDirectory(output, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            string? standing = File.Exists(Path.Combine(output, list))
                ? list
                : Directory.EnumerateFiles(output, name + PartsList.PlainMark + "*").Select(Path.GetFileName).Order(StringComparer.Ordinal).FirstOrDefault();
            if (standing is not null)
            {
                throw new OperatorException(
                    $"{standing} stands in {output} already.",
                    $"Choose another directory with --out DIR{(standing == list ? "." : $"; without {list} those parts are of an interrupted packing and may be removed.")}");
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The output directory {output} cannot be used: {failure.Message}", "Choose a directory you may write to with --out DIR.", failure);
        }
    }
}
