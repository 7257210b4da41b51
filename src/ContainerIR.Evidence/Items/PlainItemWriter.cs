using ContainerIR.Evidence.Files;

namespace ContainerIR.Evidence.Items;

/// <summary>An item stored byte for byte. Small writes are gathered; nothing else is held.</summary>
internal sealed class PlainItemWriter : BundleItemWriter
{
    private const int GatherBytes = 64 * 1024;
    private const long SyncEveryBytes = 64L * 1024 * 1024;
    private const long ReportEveryBytes = 4L * 1024 * 1024;

    private readonly HashedFile file;
    private byte[]? gathered;
    private int gatheredCount;
    private long rawBytes;
    private long syncedBytes;
    private long reportedBytes;

    public PlainItemWriter(SectionSink section, string path, ItemOptions options)
        : base(section, path, options)
    {
        file = new HashedFile(Bundle.Folder.CreateFile(PartialPath));
    }

    public override long RawBytes => rawBytes;

    protected override long StoredBytes => file.Position;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ThrowIfEnded();
        rawBytes += buffer.Length;
        if (gatheredCount + buffer.Length > GatherBytes)
        {
            WriteGathered();
        }

        if (buffer.Length >= GatherBytes)
        {
            file.Write(buffer);
        }
        else
        {
            buffer.CopyTo((gathered ??= new byte[GatherBytes]).AsSpan(gatheredCount));
            gatheredCount += buffer.Length;
        }

        if (file.Position - syncedBytes >= SyncEveryBytes)
        {
            file.Sync();
            syncedBytes = file.Position;
        }

        if (rawBytes - reportedBytes >= ReportEveryBytes)
        {
            reportedBytes = rawBytes;
            Report(isClosed: false);
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    protected override ValueTask DrainAsync(CancellationToken ct)
    {
        WriteGathered();
        return ValueTask.CompletedTask;
    }

    protected override (IReadOnlyList<WrittenFile> Files, string RawSha256) FinishFiles()
    {
        WrittenFile written = file.Finish(ItemPath);
        return ([written], written.Sha256);
    }

    protected override void ReleaseFiles() => file.Dispose();

    private void WriteGathered()
    {
        file.Write(gathered.AsSpan(0, gatheredCount));
        gatheredCount = 0;
    }
}
