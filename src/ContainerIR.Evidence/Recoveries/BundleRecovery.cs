using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Journals;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Evidence.Recoveries;

/// <summary>
/// Seals what an interrupted acquisition can prove: journal lines up to the first that does not fit the chain; items whose bytes are as they were
/// closed; of items under way, the frames the chunk list proves. Everything else is moved beside the bundle, never deleted. It may itself be
/// interrupted and run again.
/// </summary>
public sealed class BundleRecovery
{
    private readonly string path;
    private readonly RecoveryOptions options;
    private readonly BundleTree tree;
    private readonly BundleFolder folder;
    private readonly List<EvidenceItem> items = [];
    private readonly List<EvidenceItem> changed = [];
    private readonly List<WrittenFile> payload = [];
    private bool hasUnproven;

    private BundleRecovery(string path, RecoveryOptions options, BundleTree tree)
    {
        this.path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        (this.options, this.tree) = (options, tree);
        folder = new BundleFolder(this.path);
    }

    private string UnprovenFolder => path + "-unproven";

    /// <summary>Recovers and seals.</summary>
    /// <param name="path">Directory of the unsealed bundle.</param>
    /// <param name="identity">The keys.</param>
    /// <param name="options">Decoder, policy, clock.</param>
    /// <param name="ct">Cancels between items.</param>
    /// <exception cref="OperatorException">It is sealed, is still being written, holds links, proves nothing, or the seal its policy demands cannot be had.</exception>
    /// <exception cref="BundleWriteException">The bundle cannot be written.</exception>
    public static async Task<RecoveredBundle> RecoverAsync(string path, ResponderIdentity identity, RecoveryOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(options);
        using BundleTree tree = BundleTree.Open(path);
        return await new BundleRecovery(path, options, tree).RunAsync(identity, ct);
    }

    private async Task<RecoveredBundle> RunAsync(ResponderIdentity identity, CancellationToken ct)
    {
        IReadOnlyList<TreeEntry> entries = CheckTree();
        CheckNobodyWrites();
        InterruptedJournal known = InterruptedJournal.Read(tree, path);
        SealPolicy policy = options.Policy ?? known.Policy ?? new SealPolicy();

        // Before anything is cut or moved: a seal that cannot be made is not begun.
        BundleSealer.CheckMeans(identity, policy, options.Authorities);
        long droppedBytes = KeepTailOf(BundleLayout.Journal, known.ProvenBytes);
        using JournalWriter journal = JournalWriter.Continue(folder, options.Clock, known.Lines);
        journal.Append("recover", json =>
        {
            json.WriteString("agent", options.Agent);
            json.WriteNumber("journal_lines_kept", known.Lines.Count);
            json.WriteNumber("journal_bytes_dropped", droppedBytes);
        });
        using (IFrameDecoder decoder = options.MakeFrameDecoder())
        {
            foreach (OpenedItem item in known.Opened)
            {
                ct.ThrowIfCancellationRequested();
                Settle(item, known.Closed.GetValueOrDefault(item.Path), decoder, journal);
            }
        }

        List<Gap> gaps = known.Gaps;
        foreach (EvidenceItem item in changed)
        {
            Gap gap = new(item.Collector, item.Source, item.Error ?? "", options.Clock.GetUtcNow());
            gaps.Add(gap);
            journal.Append("gap", json => BundleWriter.WriteGapFields(json, gap));
        }

        ClearTheRest(entries);
        BundleSealer sealer = new(folder, journal, options.Clock)
        {
            BundleId = known.BundleId,
            Name = known.Name,
            CaseId = known.CaseId,
            Agent = options.Agent,
            Items = items,
            Payload = payload,
            Gaps = gaps,
            Effects = known.Effects,
            Recovered = true,
            Authorities = options.Authorities,
        };
        CustodyRecord custody = known.Custody ?? new CustodyRecord
        {
            Identity = new() { Case = known.CaseId },
            Who = new() { Name = identity.Name },
            Tool = new() { Name = known.Agent, Version = "" },
        };
        SealedBundle bundle = await sealer.SealAsync(custody, identity, policy);
        return new RecoveredBundle(
            bundle,
            [.. items.Where(item => item.Status == ItemStatus.TruncatedSalvaged)],
            [.. items.Where(item => item.Status == ItemStatus.Lost)],
            hasUnproven ? UnprovenFolder : null);
    }

    private IReadOnlyList<TreeEntry> CheckTree()
    {
        IReadOnlyList<TreeEntry> entries = tree.Walk();
        if (entries.FirstOrDefault(entry => entry.Kind == TreeEntryKind.Special || !entry.IsSafeName) is TreeEntry strange)
        {
            throw new OperatorException(
                $"{path} holds {strange.Path}, which no acquisition writes: somebody else was here.", "Look at it; recover only after you moved it away yourself.");
        }

        return entries.Any(entry => entry.Path == BundleLayout.TagManifest)
            ? throw new OperatorException($"{path} is sealed: there is nothing to recover.", $"Verify it: cir verify {path}")
            : entries;
    }

    private void CheckNobodyWrites()
    {
        using FileStream? journal = tree.OpenRead(BundleLayout.Journal);
        if (journal is not null
            && Posix.flock((int)journal.SafeFileHandle.DangerousGetHandle(), Posix.LOCK_EX | Posix.LOCK_NB) != 0
            && Marshal.GetLastPInvokeError() == Posix.EAGAIN)
        {
            throw new OperatorException($"{path} is being written at this moment.", "Wait for the acquisition to end, or end it.");
        }
    }

    /// <summary>Decides what becomes of one item and journals it where that differs from what the journal said.</summary>
    private void Settle(OpenedItem opened, ClosedItem? closed, IFrameDecoder decoder, JournalWriter journal)
    {
        if (closed is { Item.Status: ItemStatus.Lost or ItemStatus.Refused })
        {
            items.Add(closed.Item);
            return;
        }

        WrittenFile? whole = closed is null ? null : HashOf(opened.Path);
        if (closed is not null && whole?.Sha256 == closed.Item.Sha256 && whole.Sha512 == closed.Item.Sha512)
        {
            WrittenFile? list = closed.ChunksSha256 is null ? null : ChunkListOf(opened.Path, closed.ChunksSha256, decoder);
            if (list is not null || !opened.IsFrames)
            {
                items.Add(closed.Item);
                payload.Add(whole);
                if (list is not null)
                {
                    payload.Add(list);
                }

                return;
            }
        }

        (EvidenceItem item, IReadOnlyList<WrittenFile> files) = opened.IsFrames ? Salvage(opened, decoder) : Lose(opened);
        items.Add(item);
        changed.Add(item);
        payload.AddRange(files);
        journal.Append("item.recovered", json => BundleWriter.WriteItem(json, item, files));
    }

    /// <summary>The chunk list of a whole item. It follows from the item itself: where the file is damaged, it is made again and must have the digest journaled.</summary>
    private WrittenFile? ChunkListOf(string item, string sha256, IFrameDecoder decoder)
    {
        string chunks = item + ItemName.ChunksSuffix;
        WrittenFile? standing = HashOf(chunks);
        if (standing?.Sha256 == sha256)
        {
            return standing;
        }

        byte[]? made = FrameSalvage.ListOf(tree, item, decoder);
        if (made is null || Convert.ToHexStringLower(SHA256.HashData(made)) != sha256)
        {
            return null;
        }

        MoveAway(chunks);
        return folder.WriteWhole(chunks, made);
    }

    private (EvidenceItem Item, IReadOnlyList<WrittenFile> Files) Salvage(OpenedItem opened, IFrameDecoder decoder)
    {
        string partial = opened.Path + ItemName.PartialSuffix;
        string chunks = opened.Path + ItemName.ChunksSuffix;
        bool isPartial = Exists(partial);
        string source = isPartial ? partial : opened.Path;
        FrameSalvage salvage = FrameSalvage.Find(tree, source, chunks, decoder);
        if (salvage.Chunks.Count == 0)
        {
            return Lose(opened);
        }

        if (!salvage.EndsWithSeekTable)
        {
            KeepTailOf(source, salvage.StoredBytes);
            using DurableFile file = DurableFile.Continue(folder.PathOf(source), salvage.StoredBytes);
            file.Write(salvage.SeekTable);
            file.Sync();
        }

        if (isPartial)
        {
            folder.Rename(partial, opened.Path);
        }

        WrittenFile list = folder.WriteWhole(chunks, salvage.ChunkList());
        WrittenFile stored = HashOf(opened.Path) ?? throw new BundleWriteException($"{folder.PathOf(opened.Path)} is gone");
        string error = salvage.EndsWithSeekTable
            ? "the acquisition was interrupted before the item was closed; all its frames are there"
            : $"the acquisition was interrupted; the first {salvage.RawBytes} bytes are proven";
        return (Record(opened, ItemStatus.TruncatedSalvaged, stored, salvage.RawBytes, salvage.RawSha256, error), [stored, list]);
    }

    private (EvidenceItem Item, IReadOnlyList<WrittenFile> Files) Lose(OpenedItem opened)
    {
        foreach (string name in (string[])[opened.Path, opened.Path + ItemName.PartialSuffix, opened.Path + ItemName.ChunksSuffix])
        {
            MoveAway(name);
        }

        EvidenceItem item = Record(opened, ItemStatus.Lost, null, 0, "", "the acquisition was interrupted; nothing of the item can be proven");
        return (item, []);
    }

    private EvidenceItem Record(OpenedItem opened, ItemStatus status, WrittenFile? stored, long rawBytes, string rawSha256, string error) => new()
    {
        Path = opened.Path,
        Collector = opened.Collector,
        Source = opened.Source,
        VolatilityRank = opened.VolatilityRank,
        Status = status,
        StoredBytes = stored?.SizeBytes ?? 0,
        Sha256 = stored?.Sha256 ?? "",
        Sha512 = stored?.Sha512 ?? "",
        RawBytes = rawBytes,
        RawSha256 = rawSha256,
        OpenedAt = opened.At,
        ClosedAt = options.Clock.GetUtcNow(),
        Error = error,
    };

    /// <summary>What no item claims goes beside the bundle; what an interrupted seal left goes away, for it is made anew.</summary>
    private void ClearTheRest(IReadOnlyList<TreeEntry> entries)
    {
        HashSet<string> kept = [.. payload.Select(file => file.Path), BundleLayout.Journal];
        foreach (TreeEntry entry in entries.Where(entry => entry.Kind == TreeEntryKind.File && !kept.Contains(entry.Path)))
        {
            if (BundleLayout.TagFiles.Contains(entry.Path) || entry.Path.StartsWith(BundleLayout.SealPrefix, StringComparison.Ordinal)
                || (entry.Path.EndsWith(".tmp", StringComparison.Ordinal) && !entry.Path.StartsWith(BundleLayout.DataPrefix, StringComparison.Ordinal)))
            {
                folder.Remove(entry.Path);
            }
            else
            {
                MoveAway(entry.Path);
            }
        }

        foreach (TreeEntry entry in entries.Where(entry => entry.Kind == TreeEntryKind.Directory).Reverse())
        {
            folder.RemoveEmptyDirectory(entry.Path);
        }
    }

    private bool Exists(string relative)
    {
        using FileStream? file = tree.OpenRead(relative);
        return file is not null;
    }

    private WrittenFile? HashOf(string relative)
    {
        using FileStream? file = tree.OpenRead(relative);
        if (file is null)
        {
            return null;
        }

        using IncrementalHash sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IncrementalHash sha512 = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        byte[] buffer = new byte[1024 * 1024];
        long size = 0;
        for (int count = file.Read(buffer); count > 0; count = file.Read(buffer))
        {
            sha256.AppendData(buffer, 0, count);
            sha512.AppendData(buffer, 0, count);
            size += count;
        }

        return new WrittenFile(relative, size, Convert.ToHexStringLower(sha256.GetHashAndReset()), Convert.ToHexStringLower(sha512.GetHashAndReset()));
    }

    private void MoveAway(string relative)
    {
        if (Exists(relative))
        {
            PutBeside(relative, () => File.Move(folder.PathOf(relative), FreeName(relative)));
        }
    }

    /// <summary>Copies what comes after the proven part of a file beside the bundle.</summary>
    /// <returns>How many bytes that were.</returns>
    private long KeepTailOf(string relative, long provenBytes)
    {
        using FileStream? file = tree.OpenRead(relative);
        if (file is null || file.Length <= provenBytes)
        {
            return 0;
        }

        file.Position = provenBytes;
        PutBeside(relative, () =>
        {
            using FileStream tail = new(FreeName($"{relative}.from-{provenBytes}"), FileMode.CreateNew, FileAccess.Write);
            file.CopyTo(tail);
        });
        return file.Length - provenBytes;
    }

    private void PutBeside(string relative, Action put)
    {
        try
        {
            new BundleFolder(UnprovenRoot()).EnsureDirectoryOf(relative);
            put();
        }
        catch (Exception failure) when (failure is IOException and not BundleWriteException or UnauthorizedAccessException)
        {
            throw new BundleWriteException($"What cannot be proven cannot be put into {UnprovenFolder}: {failure.Message}", failure);
        }
    }

    private string UnprovenRoot()
    {
        hasUnproven = true;
        Directory.CreateDirectory(UnprovenFolder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return UnprovenFolder;
    }

    /// <summary>A name in the folder of unproven bytes that an earlier, interrupted recovery has not used.</summary>
    private string FreeName(string relative)
    {
        string name = Path.Combine(UnprovenFolder, relative);
        for (int i = 2; File.Exists(name); i++)
        {
            name = Path.Combine(UnprovenFolder, $"{relative}.{i}");
        }

        return name;
    }
}
