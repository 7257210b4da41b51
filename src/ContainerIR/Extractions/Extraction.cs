using System.Security.Cryptography;
using System.Text;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Extractions;

/// <summary>What is to be read out of a bundle.</summary>
public sealed record ExtractionRequest
{
    /// <summary>The sealed bundle.</summary>
    public required string BundlePath { get; init; }

    /// <summary>An item, from data/ on; or the path of a tar item, a slash, and an entry in it, as bytes in UTF-8 or in display form.</summary>
    public required string Source { get; init; }

    /// <summary>More is not written. Default: 64 GiB.</summary>
    public long MaxBytes { get; init; } = 64L << 30;
}

/// <summary>What was read out.</summary>
/// <param name="ItemPath">The item.</param>
/// <param name="Entry">The entry of a tar, in display form; null where it was the item itself.</param>
/// <param name="SizeBytes">How much was written.</param>
/// <param name="Sha256">SHA-256 of what was written, lower-case hexadecimal.</param>
/// <param name="Problem">Why what was written is not what was sealed; null when it is. Then it must not be used.</param>
public sealed record ExtractedContent(string ItemPath, string? Entry, long SizeBytes, string Sha256, string? Problem);

/// <summary>
/// Reads an item, or one entry of a tar in it, as a stream with limits. Names found in evidence are compared and shown, never used as names of files.
/// </summary>
public static class Extraction
{
    private const int CopyBytes = 256 * 1024;

    /// <summary>Reads it out.</summary>
    /// <param name="request">What.</param>
    /// <param name="target">Gets the bytes; holes of a sparse file are left out by seeking where it can seek.</param>
    /// <param name="ct">Stops; what was written is then not to be used.</param>
    /// <exception cref="OperatorException">There is no such item or entry, it is no file, or it is larger than allowed.</exception>
    /// <exception cref="IOException">The target cannot be written.</exception>
    public static Task<ExtractedContent> RunAsync(ExtractionRequest request, Stream target, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(target);

        // Decompressing is work for a processor, for minutes: a thread of its own, so that no pool thread is held.
        return Task.Factory.StartNew(() => Run(request, target, ct), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private static ExtractedContent Run(ExtractionRequest request, Stream target, CancellationToken ct)
    {
        SealedBundleFiles bundle = SealedBundleFiles.Open(request.BundlePath);
        (SealedItem item, string? entry) = Find(bundle, SealedRecord.Read(bundle).Items, request.Source);
        if (item.Status is "lost" or "refused")
        {
            throw new OperatorException($"{item.Path} has no bytes: its status is {DisplayText.Shorten(item.Status, 40)}. {DisplayText.Shorten(item.Error ?? "", 300)}".TrimEnd(), "custody.json says why.");
        }

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Output output = new(target, hash, request.MaxBytes, request.Source, ct);
        string? problem = null;
        TarMember? member = null;
        try
        {
            using SealedContent content = bundle.OpenContent(item.Path, item.Sha256, item.RawBytes);
            try
            {
                member = entry is null ? null : FindMember(content, entry, item.Path, output);
                if (entry is null)
                {
                    output.Announce(item.RawBytes);
                    CopyAll(content, output, ct);
                    problem = output.Written != item.RawBytes ? "it ends early" : null;
                }
            }
            catch (Exception failure) when (failure is FormatException or IOException && failure is not TargetException)
            {
                problem = failure.Message;
            }

            catch (OperatorException) when (!content.IsAsSealed())
            {
                // "No such entry" is no answer from a file that was exchanged.
            }

            // Before anything else that is wrong: is this the file that was sealed at all?
            problem = !content.IsAsSealed() ? "the stored item is not the one that was sealed" : problem;
        }
        catch (IOException failure) when (failure is not TargetException)
        {
            problem = $"the item cannot be read: {failure.Message}";
        }

        output.Flush();
        string digest = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (problem is null && entry is null && digest != item.RawSha256)
        {
            problem = "the content is not the one that was sealed";
        }

        return new ExtractedContent(item.Path, member is null ? entry : DisplayText.Escape(member.Name), output.Written, digest, problem);
    }

    private static (SealedItem Item, string? Entry) Find(SealedBundleFiles bundle, IReadOnlyList<SealedItem> items, string source)
    {
        foreach (SealedItem item in items)
        {
            if (source == item.Path)
            {
                return (item, null);
            }

            if (source.StartsWith(item.Path + "/", StringComparison.Ordinal))
            {
                return item.Path.EndsWith(".tar.zst", StringComparison.Ordinal) || item.Path.EndsWith(".tar", StringComparison.Ordinal)
                    ? (item, source[(item.Path.Length + 1)..])
                    : throw new OperatorException($"{item.Path} is no tar: it has no entries.", "Extract the item itself: leave out what follows its path.");
            }
        }

        throw new OperatorException(
            $"{DisplayText.Escape(bundle.Folder)} holds no item '{DisplayText.Shorten(source, 200)}'.", "Items are listed in manifest-sha256.txt; give the whole path, from data/ on.");
    }

    /// <summary>Goes to the first member of that name and copies it.</summary>
    private static TarMember FindMember(Stream content, string entry, string itemPath, Output output)
    {
        TarMembers tar = new(content);
        byte[] wanted = Encoding.UTF8.GetBytes(Trim(entry));
        string shown = Trim(entry);
        while (tar.Next() is { } member)
        {
            output.Cancelled.ThrowIfCancellationRequested();
            ReadOnlySpan<byte> name = Trim(member.Name);
            if (!name.SequenceEqual(wanted) && DisplayText.Escape(name) != shown)
            {
                continue;
            }

            if (member.Kind != TarMemberKind.File)
            {
                throw NoFile(member, itemPath);
            }

            output.Announce(member.SizeBytes);
            Copy(tar, member, output);
            return member;
        }

        throw new OperatorException(
            $"{itemPath} has no entry '{DisplayText.Shorten(entry, 300)}'.", "Entries are listed in entries.jsonl.zst beside it; give the path from the top of the tar, in display form where it is not plain text.");
    }

    private static OperatorException NoFile(TarMember member, string itemPath) => member.Kind switch
    {
        TarMemberKind.HardLink => new OperatorException($"The entry is a hard link to {DisplayText.Shorten(DisplayText.Escape(member.Link), 300)}.", $"Extract that: {itemPath}/{DisplayText.Shorten(DisplayText.Escape(member.Link), 300)}"),
        TarMemberKind.SymbolicLink => new OperatorException($"The entry is a symbolic link to {DisplayText.Shorten(DisplayText.Escape(member.Link), 300)}.", "A link is not followed: extract what it points to, where that is in the bundle."),
        TarMemberKind.Directory => new OperatorException("The entry is a directory.", "Extract a file in it; or all: zstd -dc ITEM | tar -x, as README.txt says, on a scratch disk."),
        _ => new OperatorException("The entry is a device, a pipe or of a kind that holds no bytes.", "entries.jsonl.zst beside the tar describes it."),
    };

    private static void Copy(TarMembers tar, TarMember member, Output output)
    {
        byte[] buffer = new byte[CopyBytes];
        IReadOnlyList<(long Start, long Length)> map = member.IsSparse ? tar.ReadSparseMap(member.SizeBytes) : [(0, member.SizeBytes)];
        foreach ((long start, long length) in map)
        {
            output.Hole(start - output.Written);
            for (long left = length; left > 0;)
            {
                int count = tar.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, left)));
                if (count == 0)
                {
                    throw new FormatException("a member of the tar is shorter than its size");
                }

                output.Write(buffer.AsSpan(0, count));
                left -= count;
            }
        }

        output.Hole(member.SizeBytes - output.Written);
    }

    private static void CopyAll(Stream content, Output output, CancellationToken ct)
    {
        byte[] buffer = new byte[CopyBytes];
        for (int count = content.Read(buffer); count > 0; count = content.Read(buffer))
        {
            ct.ThrowIfCancellationRequested();
            output.Write(buffer.AsSpan(0, count));
        }
    }

    private static string Trim(string entry)
    {
        string rest = entry.TrimStart('/');
        while (rest.StartsWith("./", StringComparison.Ordinal))
        {
            rest = rest[2..];
        }

        return rest.TrimEnd('/');
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> name)
    {
        name = name.TrimStart((byte)'/');
        while (name.StartsWith("./"u8))
        {
            name = name[2..];
        }

        return name.TrimEnd((byte)'/');
    }

    /// <summary>The target could not be written: no fault of the evidence.</summary>
    private sealed class TargetException(IOException inner) : IOException(inner.Message, inner);

    private sealed class Output(Stream target, IncrementalHash hash, long maxBytes, string source, CancellationToken ct)
    {
        private static readonly byte[] Zeros = new byte[CopyBytes];

        public long Written { get; private set; }

        public CancellationToken Cancelled => ct;

        public void Announce(long size)
        {
            if (size > maxBytes)
            {
                throw new OperatorException($"{DisplayText.Shorten(source, 200)} has {size} bytes; at most {maxBytes} are written.", "Allow more: --max-bytes N");
            }
        }

        public void Write(ReadOnlySpan<byte> bytes)
        {
            ct.ThrowIfCancellationRequested();
            hash.AppendData(bytes);
            Written += bytes.Length;
            ToTarget(bytes);
        }

        /// <summary>Zeros: hashed as such, left out of a file.</summary>
        public void Hole(long length)
        {
            for (long left = length; left > 0;)
            {
                ct.ThrowIfCancellationRequested();
                int count = (int)Math.Min(Zeros.Length, left);
                hash.AppendData(Zeros.AsSpan(0, count));
                if (!target.CanSeek)
                {
                    ToTarget(Zeros.AsSpan(0, count));
                }

                left -= count;
                Written += count;
            }

            if (length > 0 && target.CanSeek)
            {
                try
                {
                    target.SetLength(Written);
                    target.Position = Written;
                }
                catch (IOException failure)
                {
                    throw new TargetException(failure);
                }
            }
        }

        public void Flush()
        {
            try
            {
                target.Flush();
            }
            catch (IOException failure)
            {
                throw new TargetException(failure);
            }
        }

        private void ToTarget(ReadOnlySpan<byte> bytes)
        {
            try
            {
                target.Write(bytes);
            }
            catch (IOException failure)
            {
                throw new TargetException(failure);
            }
        }
    }
}
