using ContainerIR.Evidence.Items;

namespace ContainerIR.Tests.Collectors.Traffic;

/// <summary>A sink whose items take nothing until they are released: a disk that stands still.</summary>
internal sealed class BlockedSink(IEvidenceSink inner) : IEvidenceSink
{
    private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release() => released.SetResult();

    public ItemWriter Create(string name, ItemOptions options) => new Writer(inner.Create(name, options), released.Task);

    public void AddGap(string sought, string reason) => inner.AddGap(sought, reason);

    public void AddEffect(string what) => inner.AddEffect(what);

    private sealed class Writer(ItemWriter item, Task released) : ItemWriter
    {
        public override string ItemPath => item.ItemPath;

        public override long RawBytes => item.RawBytes;

        public override void Flush() => item.Flush();

        public override void Write(byte[] buffer, int offset, int count) => item.Write(buffer, offset, count);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await released;
            await item.WriteAsync(buffer, cancellationToken);
        }

        public override ValueTask<EvidenceItem> CompleteAsync(string? error, CancellationToken ct) => item.CompleteAsync(error, ct);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                item.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
