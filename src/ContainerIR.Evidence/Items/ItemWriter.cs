namespace ContainerIR.Evidence.Items;

/// <summary>
/// The open end of one item: a write-only stream that hashes what passes and stores it. Nothing evidence-sized is held in memory.
/// <see cref="CompleteAsync"/> ends it; disposing before that keeps what was written as <see cref="ItemStatus.Partial"/>.
/// </summary>
public abstract class ItemWriter : Stream
{
    /// <summary>Path inside the bundle, for example <c>data/0007-rootfs-diff/upper.tar.zst</c>.</summary>
    public abstract string ItemPath { get; }

    /// <summary>Raw bytes written so far.</summary>
    public abstract long RawBytes { get; }

    /// <summary>Flushes, syncs, renames and journals the item.</summary>
    /// <param name="error">Null when the source was read to its end; else why not: the item becomes <see cref="ItemStatus.Partial"/>.</param>
    /// <param name="ct">Cancels the wait, not the record: a cancelled item is closed as partial by disposal.</param>
    /// <returns>The record of the item.</returns>
    /// <exception cref="BundleWriteException">The bundle cannot be written.</exception>
    public abstract ValueTask<EvidenceItem> CompleteAsync(string? error, CancellationToken ct);

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => RawBytes;

    /// <inheritdoc/>
    public override long Position { get => RawBytes; set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
