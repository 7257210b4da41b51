using ContainerIR.Collectors.Layers;
using ContainerIR.Diffs;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Runtimes;
using ContainerIR.Runtimes.Stores;

namespace ContainerIR.Collectors;

/// <summary>
/// Copies what a container wrote: its writable layer as a tar that loses nothing, an entry for each object with what became of it against the layers below,
/// and the originals of what it changed or deleted.
/// </summary>
/// <remarks>
/// Source: the overlay's own directories on the host, named by the mount table of the container's first process and by the engine, read through private
/// mounts; nothing is asked of the engine's diff, which hides what keeps size and time.
/// </remarks>
internal sealed class RootFsDiffCollector(IContainerRuntime? runtime, Profile profile, TimeProvider clock, DiffLimits limits, Standstill? standstill = null) : ICollector
{
    public const string UpperItem = "upper.tar.zst";
    public const string EntriesItem = "entries.jsonl.zst";
    public const string BeforeItem = "before.tar.zst";
    public const string SummaryItem = "summary.json";

    public RootFsDiffCollector(CollectionContext context)
        : this(context.Runtime, context.Profile, context.Clock, new DiffLimits(), context.Choices.FreezeFiles ? StandstillOf(context, new Freezer(GuardLaunch.Self, context.Clock)) : null)
    {
    }

    public string Name => "rootfs-diff";

    public Volatility Volatility => Volatility.Disk;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        (LayerPaths? paths, string whyNot) = await LayerPaths.FindAsync(runtime, container, ct);
        if (paths is null)
        {
            await new WholeRoot(runtime, profile, clock, limits).CollectAsync(container, whyNot, sink, ct);
            return;
        }

        foreach (string disagreement in paths.Disagreements)
        {
            sink.AddGap("layers of the container", disagreement);
        }

        LayerStack stack;
        try
        {
            stack = LayerStack.Open(paths.Upper, paths.Lowers, paths.UserXattr);
        }
        catch (IOException failure)
        {
            sink.AddGap("writable layer", DisplayText.Escape(failure.Message));
            return;
        }

        using (stack)
        {
            IReadOnlyList<StoredLayer?> origins = LayerOrigins.Find(stack, await ImageAsync(container, ct));
            if (standstill is null || !container.HasProcesses)
            {
                await CollectAsync(stack, paths.FoundBy, new MountPoints(paths.MountPoints), sink, ct, origins);
                return;
            }

            FreezeReport report;
            await using (HeldContainer held = await standstill.BeginAsync(container, sink, ct))
            {
                report = held.Report;
                await CollectAsync(stack, paths.FoundBy, new MountPoints(paths.MountPoints), sink, ct, origins);
            }

            await standstill.AddReportAsync(report, sink, ct);
            standstill.Tell(report, sink);
        }
    }

    /// <summary>How the container is held while its files are copied.</summary>
    internal static Standstill StandstillOf(CollectionContext context, Freezer freezer) =>
        new(context.Choices.Freeze, "its files were copied as they changed", context.Runtime, freezer, context.Clock, MemoryCollector.DefaultMaxFrozen);

    /// <summary>Copies layers that are already open.</summary>
    internal async Task CollectAsync(LayerStack stack, string foundBy, MountPoints mountPoints, IEvidenceSink sink, CancellationToken ct, IReadOnlyList<StoredLayer?>? origins = null)
    {
        foreach (string missing in stack.Missing)
        {
            sink.AddGap("a lower layer", $"{missing}: what lies in it counts as never having been");
        }

        bool isPrivate = stack.Upper.IsPrivate && stack.Lowers.All(lower => lower.IsPrivate);
        if (!isPrivate)
        {
            string? why = stack.Upper.WhyNotPrivate ?? stack.Lowers.First(lower => !lower.IsPrivate).WhyNotPrivate;
            sink.AddEffect($"The layers of the container below {stack.Upper.DisplayPath} were read without a private mount ({why}), with O_NOATIME: "
                + "access times of symbolic links in them may have moved to the time of the capture; those of files and directories did not.");
        }

        DateTimeOffset startedAt = clock.GetUtcNow();
        GapBudget gaps = new(sink, limits.MaxGaps);
        bool hasContent = profile != Profile.Triage;
        string lowers = stack.Lowers.Count == 0 ? "no lower layers" : $"{stack.Lowers.Count} lower layers, the topmost {stack.Lowers[0].DisplayPath}";
        await using ItemWriter entries = sink.Create(EntriesItem, new($"{stack.Upper.DisplayPath} against {lowers}", ItemForm.Frames));
        await using ItemWriter? upper = hasContent ? sink.Create(UpperItem, new(stack.Upper.DisplayPath, ItemForm.Frames)) : null;
        await using ItemWriter? before = hasContent ? sink.Create(BeforeItem, new(lowers, ItemForm.Frames)) : null;
        using DiffRun run = new(stack, mountPoints, new DiffOutputs(entries, upper, before), limits, gaps, clock);

        // One thread reads, hashes and writes: its calls block for as long as the disk does, so it is none of the pool's.
        await Task.Factory.StartNew(() => run.Run(ct), ct, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        gaps.Complete(EntriesItem);
        await entries.CompleteAsync(null, ct);
        if (upper is not null)
        {
            await upper.CompleteAsync(null, ct);
        }

        if (before is not null)
        {
            await before.CompleteAsync(null, ct);
        }

        DiffSummary summary = run.Fill(new()
        {
            FoundBy = foundBy,
            Upper = stack.Upper.DisplayPath,
            Lowers = [.. stack.Lowers.Select(lower => lower.DisplayPath)],
            IsPrivate = isPrivate,
            HasContent = hasContent,
            StartedAt = startedAt,
            EndedAt = clock.GetUtcNow(),
        });
        byte[] document = summary.Write([.. stack.Lowers.Select(lower => lower.Path)], origins is null ? null : (json, index) => LayerOrigins.Write(json, origins, index));
        await sink.AddAsync(SummaryItem, document, new(EntriesItem), ct);
    }

    /// <summary>The image on disk; null where it cannot be read: then originals have their layer's directory alone, and the layers collector has the gap.</summary>
    private async Task<StoredImage?> ImageAsync(ContainerRef container, CancellationToken ct)
    {
        try
        {
            string prefix = runtime is null ? "" : EngineProcess.Find(runtime.Endpoint)?.PathPrefix() ?? "";
            return await EngineRootAsync(ct) is { } root ? StoredImage.Read(prefix + root, container.StorageDriver ?? "", container.ImageId) : null;
        }
        catch (Exception failure) when (failure is HostFileException or InvalidDataException)
        {
            return null;
        }
    }

    private async Task<string?> EngineRootAsync(CancellationToken ct)
    {
        try
        {
            return runtime is null ? null : (await runtime.ReadFactsAsync(ct)).RootDirectory;
        }
        catch (Exception failure) when (failure is IOException or OperatorException)
        {
            // Only relative mount options need it; without it the gap says that the layers were not found.
            return null;
        }
    }
}
