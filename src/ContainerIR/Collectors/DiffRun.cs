using System.Runtime.InteropServices;
using ContainerIR.Diffs;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Linux.Tar;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Collectors;

/// <summary>Where a run puts what it reads.</summary>
/// <param name="Entries">entries.jsonl.</param>
/// <param name="Upper">upper.tar; null to read metadata alone.</param>
/// <param name="Before">before.tar; null when <paramref name="Upper"/> is, and for a tree that is no layer.</param>
internal sealed record DiffOutputs(Stream Entries, Stream? Upper, Stream? Before);

/// <summary>
/// Goes once through the writable layer and writes each object down: its member in upper.tar, its line in entries.jsonl with the verdict against the
/// layers below, its original in before.tar. One thread; hashing is of the buffers that are written.
/// </summary>
internal sealed unsafe class DiffRun : IDisposable
{
    private readonly LayerStack stack;
    private readonly MountPoints mountPoints;
    private readonly GapBudget gaps;
    private readonly TimeProvider clock;
    private readonly OverlayWalk walk;
    private readonly OriginFinder origins;
    private readonly DiffLineWriter lines;
    private readonly PaxWriter? tar;
    private readonly PaxWriter? before;
    private readonly ContentReader? reader;
    private readonly OriginalReader originals;
    private readonly HardLinks hardLinks = new();
    private readonly DiffLine line = new();
    private readonly LowerHit source = new();
    private readonly long[] byVerdict = new long[Enum.GetValues<DiffVerdict>().Length];
    private readonly long[] byKind = new long[Enum.GetValues<DiffKind>().Length];
    private readonly long maxBeforeBytes;
    private readonly long maxContentBytes;
    private long contentOverLimit;
    private StatX statAfter;
    private long entries;
    private long contentBytes;
    private long withSigns;
    private long changedDuringRead;
    private long withErrors;

    public DiffRun(LayerStack stack, MountPoints mountPoints, DiffOutputs outputs, DiffLimits limits, GapBudget gaps, TimeProvider clock)
    {
        (this.stack, this.mountPoints, this.gaps, this.clock) = (stack, mountPoints, gaps, clock);
        (maxBeforeBytes, maxContentBytes) = (limits.MaxBeforeBytes, limits.MaxContentBytes);
        walk = new(stack, limits.Walk, mountPoints.Contains, gaps.Add);
        origins = new(stack);
        lines = new(outputs.Entries);
        tar = outputs.Upper is null ? null : new(outputs.Upper);
        before = outputs.Before is null ? null : new(outputs.Before);
        reader = tar is null ? null : new();
        originals = new(stack, reader, before, limits.MaxBeforeBytes);
    }

    /// <summary>Does all of it.</summary>
    /// <exception cref="ContainerIR.Evidence.BundleWriteException">An output cannot be written.</exception>
    public void Run(CancellationToken ct)
    {
        while (walk.MoveNext())
        {
            ct.ThrowIfCancellationRequested();
            line.Clear();
            if (!walk.IsInUpper)
            {
                VisitHidden(ct);
            }
            else if (walk.Descriptor < 0)
            {
                (line.Kind, line.Verdict) = (DiffLineWriter.KindOf(walk.Stat), DiffVerdict.Unreadable);
                line.AddError(walk.Error);
            }
            else
            {
                VisitUpper(ct);
            }

            Write();
        }

        tar?.Complete();
        before?.Complete();
        lines.Flush();
        AddLimitGaps();
    }

    /// <summary>What was found; the caller knows the rest of the summary.</summary>
    public DiffSummary Fill(DiffSummary summary) => summary with
    {
        Entries = entries,
        ByVerdict = Enum.GetValues<DiffVerdict>().Where(verdict => byVerdict[(int)verdict] > 0).ToDictionary(DiffWords.Of, verdict => byVerdict[(int)verdict]),
        ByKind = Enum.GetValues<DiffKind>().Where(kind => byKind[(int)kind] > 0).ToDictionary(DiffWords.Of, kind => byKind[(int)kind]),
        ContentBytes = contentBytes,
        WithSigns = withSigns,
        ChangedDuringRead = changedDuringRead,
        WithErrors = withErrors,
        OriginalsStored = originals.Stored,
        OriginalsNotStored = originals.NotStored,
        MaxBeforeBytes = maxBeforeBytes,
    };

    public void Dispose()
    {
        source.Clear();
        walk.Dispose();
        lines.Dispose();
        reader?.Dispose();
    }

    private void Write()
    {
        entries++;
        byVerdict[(int)line.Verdict]++;
        byKind[(int)line.Kind]++;
        withSigns += line.Signs != DiffSigns.None ? 1 : 0;
        changedDuringRead += line.ChangedDuringRead ? 1 : 0;
        string? error = line.Error ?? line.Original.Error ?? line.Replaced.Error;
        if (error is not null)
        {
            withErrors++;
            gaps.Add("/" + DisplayText.Escape(walk.Path), error);
        }

        lines.Write(walk, line);
    }

    private void VisitHidden(CancellationToken ct)
    {
        line.Kind = DiffLineWriter.KindOf(walk.Original.Stat);
        line.Verdict = DiffVerdict.Deleted;
        originals.Read(walk.Original, walk.OriginalPath, line.Original, withContent: false, ct);
        originals.Store(walk.Original, walk.OriginalPath ?? walk.Path, line.Original, ct);
    }

    private void VisitUpper(CancellationToken ct)
    {
        ref readonly StatX stat = ref walk.Stat;
        line.HasObject = true;
        line.Kind = walk.IsWhiteout ? DiffKind.Whiteout : walk.IsOpaque ? DiffKind.OpaqueDirectory : DiffLineWriter.KindOf(stat);
        line.AddError(walk.Error);
        if (Nodes.Type(stat) == Libc.S_IFLNK)
        {
            int length = Nodes.ReadLink(walk.Descriptor, line.Link);
            line.LinkBytes = Math.Max(length, 0);
            line.AddError(length < 0 ? "link: " + Libc.Describe(Marshal.GetLastPInvokeError()) : null);
        }

        if (tar is not null)
        {
            Store(tar, ct);
        }

        Judge(ct);
        line.Signs = walk.IsWhiteout || Nodes.IsDirectory(stat) ? DiffSigns.None : DiffComparison.SignsOf(stat, line, Now());
    }

    // The time of reading, not that of the start: what a living container writes meanwhile is not of the future.
    private UnixTime Now()
    {
        DateTimeOffset now = clock.GetUtcNow();
        return new(now.ToUnixTimeSeconds(), (uint)(now.Ticks % TimeSpan.TicksPerSecond * 100));
    }

    private void Store(PaxWriter archive, CancellationToken ct)
    {
        ref readonly StatX stat = ref walk.Stat;
        bool isFile = Nodes.IsRegular(stat);
        if (isFile && stat.stx_blocks > 0 && contentBytes + Math.Min((long)stat.stx_size, (long)stat.stx_blocks * 512) > maxContentBytes)
        {
            contentOverLimit++;
            line.AddError($"content not stored: {maxContentBytes} bytes of files were already");
            return;
        }

        bool cannotStore = Nodes.Type(stat) == Libc.S_IFSOCK || (isFile && walk.IsPathDescriptor) || (Nodes.Type(stat) == Libc.S_IFLNK && line.LinkBytes == 0);
        if (cannotStore)
        {
            return;
        }

        FirstName? first = Nodes.IsDirectory(stat) ? null : hardLinks.Find(stat);
        if (isFile && first is null)
        {
            ContentReader.Map(walk.Descriptor, stat, line.Content);
        }

        line.TarOffset = archive.Offset;
        archive.WriteHeader(new PaxEntry
        {
            Path = walk.Path,
            Type = first is null ? PaxEntry.TypeOf(stat) : PaxEntry.HardLink,
            Stat = ref stat,
            LinkTarget = first is null ? line.Link.AsSpan(0, line.LinkBytes) : first.Path,
            SizeBytes = (long)stat.stx_size,
            Sparse = line.Content.IsSparse ? line.Content.Map : null,
            Xattrs = first is null ? walk.Xattrs : null,
        });
        if (first is not null)
        {
            line.HardLinkTo = first.Path;
            if (first.Sha256 is not null)
            {
                first.Sha256.CopyTo(line.Content.Flat, 0);
                (line.Content.HasFlat, line.Content.IsPresent) = (true, true);
            }

            return;
        }

        if (isFile)
        {
            StoreContent(archive, ct);
        }

        if (!Nodes.IsDirectory(stat) && stat.stx_nlink > 1)
        {
            hardLinks.Remember(stat, walk.Path, line.Content is { IsPresent: true, HasFlat: true } ? [.. line.Content.Flat] : null);
        }
    }

    private void StoreContent(PaxWriter archive, CancellationToken ct)
    {
        ref readonly StatX stat = ref walk.Stat;
        reader!.Read(walk.Descriptor, (long)stat.stx_size, archive, line.Content, ct);
        contentBytes += line.Content.StoredBytes(stat);
        line.AddError(line.Content.Error);
        if (!Nodes.Stat(walk.Descriptor, ref statAfter))
        {
            line.AddError("after reading: " + Libc.Describe(Marshal.GetLastPInvokeError()));
            return;
        }

        // A change of the link count alone (a name removed or added) moves ctime too: it is a change all the same.
        line.ChangedDuringRead = statAfter.stx_size != stat.stx_size
            || UnixTime.From(statAfter.stx_mtime) != UnixTime.From(stat.stx_mtime)
            || UnixTime.From(statAfter.stx_ctime) != UnixTime.From(stat.stx_ctime);
    }

    private void Judge(CancellationToken ct)
    {
        if (stack.IsPlain)
        {
            line.Verdict = DiffVerdict.Present;
            return;
        }

        ref readonly StatX stat = ref walk.Stat;
        LowerHit original = walk.Original;
        if (walk.IsWhiteout)
        {
            line.Verdict = original.IsFound ? DiffVerdict.Deleted : DiffVerdict.WhiteoutOfNothing;
            if (original.IsFound)
            {
                originals.Read(original, walk.OriginalPath, line.Original, withContent: false, ct);
                originals.Store(original, walk.OriginalPath ?? walk.Path, line.Original, ct);
            }

            return;
        }

        if (JudgeRename(ct))
        {
            return;
        }

        if (!original.IsFound)
        {
            line.Verdict = IsMountStub() ? DiffVerdict.MountStub : DiffVerdict.Added;
            line.AddError(original.Error);
            return;
        }

        // A file of another size or type differs for sure: its original is read once, into before.tar. Else the hash decides first.
        bool isMetacopy = stack.Marks.IsMetacopy(walk.Xattrs);
        bool mayBeSame = Nodes.IsRegular(stat) && Nodes.IsRegular(original.Stat) && stat.stx_size == original.Stat.stx_size;
        originals.Read(original, walk.OriginalPath, line.Original, mayBeSame, ct);
        line.Changes = DiffComparison.Compare(stat, line, line.Original, isMetacopy);
        line.Changes |= DiffComparison.SameXattrs(walk.Xattrs, originals.Xattrs, stack.Marks) ? 0 : DiffChanges.Xattrs;
        line.Verdict = walk.IsRedirected ? DiffVerdict.Renamed : DiffComparison.VerdictOf(line.Changes, Nodes.IsDirectory(stat));
        if (line.Verdict == DiffVerdict.Modified)
        {
            originals.Store(original, walk.OriginalPath ?? walk.Path, line.Original, ct);
        }
    }

    /// <summary>Whether the object was copied up under another path, which now is gone from the writable layer's view.</summary>
    private bool JudgeRename(CancellationToken ct)
    {
        ref readonly StatX stat = ref walk.Stat;
        ReadOnlySpan<byte> origin = stack.Marks.Origin(walk.Xattrs);
        if (origin.IsEmpty || Nodes.IsDirectory(stat)
            || (walk.Original.IsFound && !walk.Original.IsDirectory && OriginFinder.Names(origin, walk.Original.Descriptor))
            || !origins.TryFind(origin, source, out byte[] sourcePath)
            || walk.Path.SequenceEqual(sourcePath) || IsStillThere(sourcePath))
        {
            source.Clear();
            return false;
        }

        line.Verdict = DiffVerdict.Renamed;
        if (walk.Original.IsFound)
        {
            originals.Read(walk.Original, walk.OriginalPath, line.Replaced, withContent: false, ct);
            originals.Store(walk.Original, walk.OriginalPath ?? walk.Path, line.Replaced, ct);
        }

        originals.Read(source, sourcePath, line.Original, withContent: true, ct);
        line.Changes = DiffComparison.Compare(stat, line, line.Original, stack.Marks.IsMetacopy(walk.Xattrs));
        line.Changes |= DiffComparison.SameXattrs(walk.Xattrs, originals.Xattrs, stack.Marks) ? 0 : DiffChanges.Xattrs;
        source.Clear();
        return true;
    }

    /// <summary>Whether the writable layer has this very object under its old path: then it is a further name, not a new one.</summary>
    private bool IsStillThere(byte[] sourcePath)
    {
        fixed (byte* path = (byte[])[.. sourcePath, 0])
        {
            int descriptor = Nodes.OpenPath(stack.Upper.Descriptor, path);
            bool same = descriptor >= 0 && Nodes.Stat(descriptor, ref statAfter) && ObjectKey.Of(statAfter) == ObjectKey.Of(walk.Stat);
            Nodes.Close(descriptor);
            return same;
        }
    }

    private bool IsMountStub() =>
        (Nodes.IsDirectory(walk.Stat) || (Nodes.IsRegular(walk.Stat) && walk.Stat.stx_size == 0)) && mountPoints.Contains(walk.Path);

    private void AddLimitGaps()
    {
        if (contentOverLimit > 0)
        {
            gaps.Add($"content of {contentOverLimit} files", $"more than {maxContentBytes} bytes of content: their metadata is in the entries");
        }

        if (originals.NotStored > 0)
        {
            gaps.Add($"bytes of {originals.NotStored} originals ({originals.NotStoredBytes} bytes)", $"before.tar is limited to {maxBeforeBytes} bytes; their hashes are in entries.jsonl");
        }

        if (hardLinks.Forgotten > 0)
        {
            gaps.Add($"hard links of {hardLinks.Forgotten} files", $"more than {HardLinks.MaxBytes} bytes of names with links: each name is stored as a file of its own; inode numbers are in entries.jsonl");
        }

        if (origins.IsCut)
        {
            gaps.Add("origins of renamed files", $"the lower layers have more than {OriginFinder.MaxIndexed} entries, or directories that cannot be opened: some old paths were not found");
        }
    }
}

/// <summary>What a run of the diff will not exceed.</summary>
internal sealed record DiffLimits
{
    /// <summary>Limits of the walk.</summary>
    public WalkLimits Walk { get; init; } = new();

    /// <summary>Size of before.tar.</summary>
    public long MaxBeforeBytes { get; init; } = 1L << 30;

    /// <summary>Bytes of files that are stored; beyond, a file has its metadata alone.</summary>
    public long MaxContentBytes { get; init; } = long.MaxValue;

    /// <summary>Gaps recorded one by one.</summary>
    public int MaxGaps { get; init; } = 200;
}
