using System.Security.Cryptography;
using ContainerIR.Evidence.Items;

namespace ContainerIR.Tests.Some;

/// <summary>A sink for tests of collectors: items become files in a temporary folder, raw, whatever their form; gaps and effects become lists.</summary>
internal sealed class FolderSink : IEvidenceSink, IDisposable
{
    private readonly Lock gate = new();

    public string Folder { get; } = Directory.CreateTempSubdirectory("cir-sink-").FullName;

    public List<EvidenceItem> Items { get; } = [];

    public List<(string Sought, string Reason)> Gaps { get; } = [];

    public List<string> Effects { get; } = [];

    public ItemWriter Create(string name, ItemOptions options) => new Writer(this, name, options);

    public void AddGap(string sought, string reason)
    {
        lock (gate)
        {
            Gaps.Add((sought, reason));
        }
    }

    public void AddEffect(string what)
    {
        lock (gate)
        {
            Effects.Add(what);
        }
    }

    public byte[] Read(string name) => File.ReadAllBytes(PathOf(name));

    public string PathOf(string name) => Path.Combine(Folder, name);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private sealed class Writer : ItemWriter
    {
        private readonly FolderSink sink;
        private readonly string name;
        private readonly ItemOptions options;
        private readonly FileStream file;
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly DateTimeOffset openedAt = DateTimeOffset.UtcNow;
        private bool closed;

        public Writer(FolderSink sink, string name, ItemOptions options)
        {
            (this.sink, this.name, this.options) = (sink, name, options);
            Directory.CreateDirectory(Path.GetDirectoryName(sink.PathOf(name))!);
            file = new FileStream(sink.PathOf(name), FileMode.CreateNew, FileAccess.Write);
        }

        public override string ItemPath => name;

        public override long RawBytes => file.CanWrite ? file.Length : 0;

        public override void Flush() => file.Flush();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            hash.AppendData(buffer);
            file.Write(buffer);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public override ValueTask<EvidenceItem> CompleteAsync(string? error, CancellationToken ct) => ValueTask.FromResult(Close(error));

        protected override void Dispose(bool disposing)
        {
            if (disposing && !closed)
            {
                Close("not completed by its collector");
            }

            base.Dispose(disposing);
        }

        private EvidenceItem Close(string? error)
        {
            closed = true;
            long size = file.Length;
            file.Dispose();
            string digest = Convert.ToHexStringLower(hash.GetHashAndReset());
            hash.Dispose();
            EvidenceItem item = new()
            {
                Path = name,
                Collector = "test",
                Source = options.Source,
                VolatilityRank = 0,
                Status = error is null ? ItemStatus.Complete : ItemStatus.Partial,
                StoredBytes = size,
                Sha256 = digest,
                Sha512 = "",
                RawBytes = size,
                RawSha256 = digest,
                OpenedAt = openedAt,
                ClosedAt = DateTimeOffset.UtcNow,
                Error = error,
            };
            lock (sink.gate)
            {
                sink.Items.Add(item);
            }

            return item;
        }
    }
}
