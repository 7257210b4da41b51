using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Evidence.Items;

/// <summary>
/// What both forms share: the item's life. Opened in the journal; written under <c>.partial</c>; synced, renamed, the directory synced;
/// closed in the journal. A crash between any two of these leaves what recovery can tell apart.
/// </summary>
internal abstract class BundleItemWriter : ItemWriter
{
    private readonly SectionSink section;
    private readonly ItemOptions options;
    private readonly DateTimeOffset openedAt;
    private EvidenceItem? closed;
    private bool abandoned;

    protected BundleItemWriter(SectionSink section, string path, ItemOptions options)
    {
        (this.section, this.options, ItemPath) = (section, options, path);
        openedAt = Bundle.Clock.GetUtcNow();
        Bundle.Journal.Append("item.open", json =>
        {
            json.WriteString("path", path);
            json.WriteString("collector", section.Collector);
            json.WriteString("source", options.Source);
            json.WriteNumber("volatility_rank", section.VolatilityRank);
            json.WriteString("form", options.Form == ItemForm.Frames ? "frames" : "plain");
        });
        Bundle.ItemOpened(this);
    }

    public sealed override string ItemPath { get; }

    protected BundleWriter Bundle => section.Bundle;

    protected string PartialPath => ItemPath + ItemName.PartialSuffix;

    protected abstract long StoredBytes { get; }

    public sealed override async ValueTask<EvidenceItem> CompleteAsync(string? error, CancellationToken ct)
    {
        if (closed is null)
        {
            ObjectDisposedException.ThrowIf(abandoned, this);
            await DrainAsync(ct);
            Close(error);
        }

        return closed!;
    }

    /// <summary>Evidence is synced when the item is completed; a flush in between promises nothing.</summary>
    public sealed override void Flush()
    {
    }

    public sealed override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public sealed override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public sealed override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public sealed override async ValueTask DisposeAsync()
    {
        if (closed is null && !abandoned)
        {
            await EndUncompletedAsync();
        }

        await base.DisposeAsync();
    }

    /// <summary>Ends the item as it is when the bundle itself ends.</summary>
    internal void Abandon()
    {
        if (closed is null && !abandoned)
        {
            abandoned = true;
            ReleaseFiles();
            Bundle.ItemEnded(this);
        }
    }

    protected sealed override void Dispose(bool disposing)
    {
        if (disposing && closed is null && !abandoned)
        {
            EndUncompletedAsync().AsTask().GetAwaiter().GetResult();
        }

        base.Dispose(disposing);
    }

    protected void ThrowIfEnded() => ObjectDisposedException.ThrowIf(closed is not null || abandoned, this);

    /// <summary>Sees every byte given so far into the file.</summary>
    protected abstract ValueTask DrainAsync(CancellationToken ct);

    /// <summary>Syncs and closes what was drained. The first file is the item itself, others stand beside it.</summary>
    protected abstract (IReadOnlyList<WrittenFile> Files, string RawSha256) FinishFiles();

    /// <summary>Closes handles and gives buffers back without a further word.</summary>
    protected abstract void ReleaseFiles();

    protected void Report(bool isClosed) =>
        Bundle.Progress?.Report(new ItemProgress(section.Collector, ItemPath, RawBytes, StoredBytes, isClosed, options.ExpectedBytes));

    private async ValueTask EndUncompletedAsync()
    {
        try
        {
            await DrainAsync(CancellationToken.None);
            Close("its collector did not complete it");
        }
        catch (BundleWriteException)
        {
            // Whoever writes next, or seals, meets the same failure; disposal must not hide the exception that is under way.
            Abandon();
        }
    }

    private void Close(string? error)
    {
        (IReadOnlyList<WrittenFile> files, string rawSha256) = FinishFiles();
        Bundle.Folder.Rename(PartialPath, ItemPath);
        EvidenceItem item = new()
        {
            Path = ItemPath,
            Collector = section.Collector,
            Source = options.Source,
            VolatilityRank = section.VolatilityRank,
            Status = error is null ? ItemStatus.Complete : ItemStatus.Partial,
            StoredBytes = files[0].SizeBytes,
            Sha256 = files[0].Sha256,
            Sha512 = files[0].Sha512,
            RawBytes = RawBytes,
            RawSha256 = rawSha256,
            OpenedAt = openedAt,
            ClosedAt = Bundle.Clock.GetUtcNow(),
            Error = error,
        };
        Bundle.AddItem(item, files);
        closed = item;
        Bundle.ItemEnded(this);
        Report(isClosed: true);
    }
}
