using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence.Encryption;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Evidence.Transport;

/// <summary>
/// The way back from parts to a bundle directory. Nothing is extracted before every part has the digest of its list; the bundle appears under its name
/// only when it is whole. That the parts are those the sender made says nothing about the bundle: verify it.
/// </summary>
public static class BundleUnpacker
{
    private const int CopyBytes = 256 * 1024;
    private const int MaxNamed = 100;

    /// <summary>Checks the parts: all that are missing or damaged are named, nothing is extracted.</summary>
    /// <param name="parts">The directory of the parts, or their <c>NAME.parts.sha256</c>.</param>
    /// <param name="ct">Stops.</param>
    /// <exception cref="OperatorException">There is no single list of parts, or it is malformed.</exception>
    public static async Task<PartsCheck> CheckAsync(string parts, CancellationToken ct)
    {
        (string directory, PartsList list, _) = Find(parts);
        return await CheckAsync(directory, list, ct);
    }

    /// <summary>Unpacks. Parts that were damaged are sent again and the same call repeated; an interrupted extraction is taken up again.</summary>
    /// <param name="parts">The directory of the parts, or their <c>NAME.parts.sha256</c>.</param>
    /// <param name="outputDirectory">Where the bundle directory is made; it must not hold one of that name.</param>
    /// <param name="identities">Secrets to open an encrypted transport with, tried in order.</param>
    /// <param name="ct">Leaves what can be taken up again.</param>
    /// <returns>The directory of the bundle.</returns>
    /// <exception cref="OperatorException">Parts are missing or damaged (all are named), no identity opens them, or they hold no bundle.</exception>
    /// <exception cref="BundleWriteException">The output cannot be written.</exception>
    public static async Task<string> UnpackAsync(string parts, string outputDirectory, IReadOnlyCollection<AgeIdentity> identities, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(identities);
        (string directory, PartsList list, string listSha256) = Find(parts);
        string output = Path.GetFullPath(outputDirectory);
        string final = Path.Combine(output, list.Name);
        if (RegularFile.KindOf(final) != FileKind.Absent)
        {
            throw new OperatorException($"{final} stands there already.", "Choose another directory with --out DIR; nothing is overwritten.");
        }

        if (list.IsEncrypted && identities.Count == 0)
        {
            throw new OperatorException($"{list.Name} is encrypted.", "Give the identity it was encrypted to: --identity FILE.");
        }

        PartsCheck check = await CheckAsync(directory, list, ct);
        if (check.Damaged.Count + check.Missing.Count > 0)
        {
            throw new OperatorException(
                $"{Named("missing", check.Missing)}{Named("damaged", check.Damaged)}{check.PartCount - check.Missing.Count - check.Damaged.Count} of {check.PartCount} parts are good.",
                $"Have these sent again, put them into {directory} and run the same command.");
        }

        try
        {
            Directory.CreateDirectory(output);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The output directory {output} cannot be made: {failure.Message}", "Choose a directory you may write to with --out DIR.", failure);
        }

        try
        {
            await using PartsReader joined = new(directory, list);
            await using Stream tar = list.IsEncrypted ? await AgeFile.OpenAsync(joined, identities, ct) : joined;
            using StagedFolder staged = StagedFolder.Open(output, $".{list.Name}.{listSha256[..16]}.unpacking");
            await ExtractAsync(tar, list.Name, staged, ct);
            staged.MoveTo(final);
            return final;
        }
        catch (InvalidDataException failure)
        {
            throw new OperatorException(
                $"The parts are as their list says, but {failure.Message}.", "Ask the sender to pack the bundle again; nothing was put under its name.", failure);
        }
        catch (IOException failure) when (failure is not BundleWriteException)
        {
            throw new OperatorException($"A part cannot be read any more: {failure.Message}.", "Run the same command again: it goes on where it stopped.", failure);
        }
    }

    /// <summary>Extracts files and directories below <c>NAME/</c> with names of the bundle alphabet, each once; anything else is an error.</summary>
    internal static async Task ExtractAsync(Stream tar, string name, StagedFolder staged, CancellationToken ct)
    {
        TarReader reader = new(tar);
        HashSet<string> seen = [];
        byte[] buffer = new byte[CopyBytes];
        byte[] standing = new byte[CopyBytes];
        while (await reader.NextAsync(ct) is { } entry)
        {
            string relative = entry.Path == name ? "" : entry.Path.StartsWith(name + "/", StringComparison.Ordinal) ? entry.Path[(name.Length + 1)..] : "..";
            if ((relative.Length == 0 ? !entry.IsDirectory : !ItemName.IsSafePath(relative)) || !seen.Add(relative))
            {
                throw new InvalidDataException($"the tar holds '{DisplayText.Shorten(entry.Path, 200)}', which no bundle does or which stands there twice");
            }

            if (seen.Count > BundleTree.MaxEntries)
            {
                throw new InvalidDataException($"the tar holds more than {BundleTree.MaxEntries} files");
            }

            if (entry.IsDirectory)
            {
                staged.MakeDirectory(relative);
                continue;
            }

            await using FileStream file = staged.OpenFile(relative);
            await BringToContentAsync(file, reader, buffer, standing, ct);
        }

        if (seen.Count == 0)
        {
            throw new InvalidDataException("the tar is empty");
        }
    }

    private static async Task BringToContentAsync(FileStream file, TarReader reader, byte[] buffer, byte[] standing, CancellationToken ct)
    {
        bool agrees = true;
        bool written = false;
        int count;
        while ((count = await reader.ReadAsync(buffer, ct)) > 0)
        {
            try
            {
                await PutAsync(count);
            }
            catch (IOException failure)
            {
                throw new BundleWriteException($"Cannot write an unpacked file: {failure.Message}", failure);
            }
        }

        if (written || file.Length != file.Position)
        {
            file.SetLength(file.Position);
            file.Flush(flushToDisk: true);
        }

        async Task PutAsync(int count)
        {
            if (agrees)
            {
                long at = file.Position;
                int there = await file.ReadAtLeastAsync(standing.AsMemory(0, count), count, throwOnEndOfStream: false, ct);
                agrees = there == count && standing.AsSpan(0, count).SequenceEqual(buffer.AsSpan(0, count));
                file.Position = agrees ? file.Position : at;
            }

            if (!agrees)
            {
                await file.WriteAsync(buffer.AsMemory(0, count), ct);
                written = true;
            }
        }
    }

    private static async Task<PartsCheck> CheckAsync(string directory, PartsList list, CancellationToken ct)
    {
        List<string> missing = [];
        List<string> damaged = [];
        foreach (PartsList.Part part in list.Parts)
        {
            try
            {
                await using FileStream file = RegularFile.Open(Path.Combine(directory, part.FileName));
                if (Convert.ToHexStringLower(await SHA256.HashDataAsync(file, ct)) != part.Sha256)
                {
                    damaged.Add(part.FileName);
                }
            }
            catch (FileNotFoundException)
            {
                missing.Add(part.FileName);
            }
            catch (IOException)
            {
                damaged.Add(part.FileName); // a link, a device, a bad sector: to be sent again all the same
            }
        }

        return new PartsCheck(list.Name, list.IsEncrypted, list.Parts.Count, missing, damaged);
    }

    private static (string Directory, PartsList List, string ListSha256) Find(string parts)
    {
        string path = Path.GetFullPath(parts);
        if (Directory.Exists(path))
        {
            string[] lists = [.. Directory.EnumerateFiles(path, "*" + PartsList.Suffix).Order(StringComparer.Ordinal).Take(10)];
            path = lists.Length == 1 ? lists[0] : throw new OperatorException(
                lists.Length == 0 ? $"{path} holds no list of parts (*{PartsList.Suffix})." : $"{path} holds several lists: {string.Join(", ", lists.Select(list => DisplayText.Shorten(Path.GetFileName(list), 120)))}.",
                lists.Length == 0 ? "Put the list the sender made beside the parts." : "Name the one to unpack.");
        }

        PartsList list = PartsList.Read(path);
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(PartsList.Write(list.Parts)));
        return (Path.GetDirectoryName(path)!, list, sha256);
    }

    private static string Named(string what, IReadOnlyList<string> names)
    {
        if (names.Count == 0)
        {
            return "";
        }

        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{names.Count} parts are {what}: {string.Join(", ", names.Take(MaxNamed))}");
        text.Append(names.Count > MaxNamed ? ", …. " : ". ");
        return text.ToString();
    }
}
