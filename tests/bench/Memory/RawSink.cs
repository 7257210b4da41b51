using ContainerIR.Evidence.Items;

namespace ContainerIR.MemoryBench;

/// <summary>Items as raw files, synced when complete: what the floor does too. No hash, no compression.</summary>
internal sealed class RawSink(string folder) : IEvidenceSink
{
    public long RawBytes { get; private set; }

    public int Gaps { get; private set; }

    public List<string> Effects { get; } = [];

    public ItemWriter Create(string name, ItemOptions options)
    {
        string path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return new Writer(this, name, new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0));
    }

    public void AddGap(string sought, string reason) => Gaps++;

    public void AddEffect(string what) => Effects.Add(what);

    private sealed class Writer(RawSink sink, string name, FileStream file) : ItemWriter
    {
        private readonly DateTimeOffset openedAt = DateTimeOffset.UtcNow;

        public override string ItemPath => name;

        public override long RawBytes => file.Position;

        public override void Flush() => file.Flush();

        public override void Write(byte[] buffer, int offset, int count) => file.Write(buffer, offset, count);

        public override void Write(ReadOnlySpan<byte> buffer) => file.Write(buffer);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            file.Write(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public override ValueTask<EvidenceItem> CompleteAsync(string? error, CancellationToken ct)
        {
            file.Flush(flushToDisk: true);
            sink.RawBytes += file.Length;
            return ValueTask.FromResult(new EvidenceItem
            {
                Path = name,
                Collector = "bench",
                Source = "",
                VolatilityRank = 0,
                Status = ItemStatus.Complete,
                StoredBytes = file.Length,
                Sha256 = "",
                Sha512 = "",
                RawBytes = file.Length,
                RawSha256 = "",
                OpenedAt = openedAt,
                ClosedAt = DateTimeOffset.UtcNow,
            });
        }

        protected override void Dispose(bool disposing)
        {
            file.Dispose();
            base.Dispose(disposing);
        }
    }
}
