using ContainerIR.Diffs;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux.Overlays;

namespace ContainerIR.Collectors.Mounts;

/// <summary>What was copied of a tree.</summary>
/// <param name="Name">Start of the names of its items: <c>NAME.tar.zst</c>, <c>NAME.entries.jsonl.zst</c>.</param>
/// <param name="Summary">What was found.</param>
internal sealed record TreeCopy(string Name, DiffSummary Summary);

/// <summary>
/// Copies a whole tree that is no layer of an overlay: a volume, a tmpfs, the root of a container whose driver keeps no layers. Same walk, same tar and
/// same entries as for a writable layer; every verdict is <c>present</c>.
/// </summary>
internal sealed class TreeCopier(DiffLimits limits, bool hasContent, TimeProvider clock)
{
    /// <summary>Bytes of files taken of one tree unless said otherwise.</summary>
    public const long MaxTreeBytes = 16L << 30;

    /// <summary>Copies a tree.</summary>
    /// <param name="tree">It becomes the copier's.</param>
    /// <param name="name">Start of the names of its items.</param>
    /// <param name="source">Where it was read, for people.</param>
    /// <param name="mountPoints">Paths in it that other file systems are mounted over: what is found there is hidden in the container.</param>
    /// <param name="sink">Where it goes.</param>
    /// <param name="ct">Looked at for every buffer.</param>
    public async Task<TreeCopy> CopyAsync(PrivateTree tree, string name, string source, MountPoints mountPoints, IEvidenceSink sink, CancellationToken ct)
    {
        using var stack = LayerStack.Of(tree);
        if (!tree.IsPrivate)
        {
            sink.AddEffect($"{source} was read without a private mount ({tree.WhyNotPrivate}), with O_NOATIME: "
                + "access times of symbolic links in it may have moved to the time of the capture; those of files and directories did not.");
        }

        DateTimeOffset startedAt = clock.GetUtcNow();
        GapBudget gaps = new(sink, limits.MaxGaps);
        string entriesName = name + ".entries.jsonl.zst";
        await using ItemWriter entries = sink.Create(entriesName, new(source, ItemForm.Frames));
        await using ItemWriter? tar = hasContent ? sink.Create(name + ".tar.zst", new(source, ItemForm.Frames)) : null;
        using DiffRun run = new(stack, mountPoints, new DiffOutputs(entries, tar, null), limits, gaps, clock);
        await Task.Factory.StartNew(() => run.Run(ct), ct, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        gaps.Complete(entriesName);
        await entries.CompleteAsync(null, ct);
        if (tar is not null)
        {
            await tar.CompleteAsync(null, ct);
        }

        return new(name, run.Fill(new()
        {
            FoundBy = "tree",
            Upper = source,
            Lowers = [],
            IsPrivate = tree.IsPrivate,
            HasContent = hasContent,
            StartedAt = startedAt,
            EndedAt = clock.GetUtcNow(),
        }));
    }
}
