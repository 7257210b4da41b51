using System.Diagnostics;
using System.Globalization;
using System.Text;
using ContainerIR.Cases;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Bundles;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>How fast a case of five million rows is filled and answers. Run by hand: tests/bench/timeline.sh.</summary>
public sealed class The_speed_of_a_timeline(ITestOutputHelper output)
{
    private const long Start = 1_700_000_000_000_000_000;
    private const long Step = 20_000_000;
    private static readonly int Rows = int.Parse(Environment.GetEnvironmentVariable("CIR_BENCH_ROWS") ?? "5000000", CultureInfo.InvariantCulture);

    [Fact(Explicit = true)]
    public async Task Is_measured_on_five_million_rows()
    {
        using TemporaryFolder folder = new();
        using CaseStore store = CaseStore.Create(new CaseHome(folder.Path), "SPEED", new CaseFacts(null, null), TimeProvider.System);
        string path = await MakeAsync(store.BundlesFolder);
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        Stopwatch fill = Stopwatch.StartNew();
        IndexedBundle indexed = await CaseIndexer.IndexAsync(store, path, null, CancellationToken.None);
        TimeSpan used = Process.GetCurrentProcess().TotalProcessorTime - before;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"filled: {indexed.Rows / fill.Elapsed.TotalSeconds:N0} rows/s by the clock, {indexed.Rows / used.TotalSeconds:N0} rows/s of processor time; case.db {new FileInfo(Path.Combine(store.Folder, "case.db")).Length >> 20:N0} MiB"));
        long middle = Start + (Rows / 2 * Step);
        Measure(store, "the first 1,000 rows", new TimelineQuery { Limit = 1000 }, 1000);
        Measure(store, "10 minutes in the middle", new TimelineQuery { FromNs = middle, UntilNs = middle + 600_000_000_000, Limit = 100_000 }, 30_000);
        Measure(store, "text in an hour", new TimelineQuery { FromNs = middle, UntilNs = middle + 3_600_000_000_000, Grep = "GET /path/77", Limit = 1000 }, 1);
        Measure(store, "text found early, first 1,000", new TimelineQuery { Grep = "get /path", Limit = 1000 }, 1000);
        Measure(store, "grep: text that is nowhere", new TimelineQuery { Grep = "nowhere at all" }, 0);
        Measure(store, "grep: text of one row", new TimelineQuery { Grep = $"/path/{Rows - 77} " }, 1);
        Measure(store, "grep: digits of one row", new TimelineQuery { Grep = $"h/{Rows - 123}" }, 1);
        Measure(store, "grep: three letters that are nowhere", new TimelineQuery { Grep = "zzz" }, 0);
        MeasureSearch(store, "text that is nowhere", SearchQuery.OfText("nowhere at all"), 0);
        MeasureSearch(store, "text of one row", SearchQuery.OfText($"path/{Rows - 77} "), 1);
        MeasureSearch(store, "digits alone, of one row", SearchQuery.OfText((Rows - 123).ToString(CultureInfo.InvariantCulture)), 1);
        MeasureSearch(store, "frequent text, first 200", SearchQuery.OfText("GET /path"), 200);
        MeasureSearch(store, "address of one row", SearchQuery.OfAddress("203.0.113.77"), 1);
        MeasureSearch(store, "address that is nowhere", SearchQuery.OfAddress("198.51.100.1"), 0);
        MeasureSearch(store, "digest that is nowhere", SearchQuery.OfHash(new string('c', 64)), 0);
        MeasureSearch(store, "path that is nowhere", SearchQuery.OfPath("/opt/xmrig"), 0);
        MeasureSearch(store, "regex with a rare text", SearchQuery.OfRegex($"path/{Rows - 77} .*200"), 1);
        MeasureSearch(store, "regex without any text", SearchQuery.OfRegex("[x-z]{5}"), 0);
    }

    private static async Task<string> MakeAsync(string folder)
    {
        await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(folder, "EV-SPEED-20261122T120000Z-host-cccccccccccc"));
        IEvidenceSink logs = bundle.OpenSection("logs", 6);
        await logs.AddAsync("index.jsonl.zst", new GeneratedLines(Rows, Line), new ItemOptions("made by a test", ItemForm.Frames), CancellationToken.None);
        return (await bundle.SealAsync()).Path;
    }

    // Not in the order of time: that is how a diff is indexed.
    private static string Line(int i)
    {
        long at = Start + ((long)i * 7_368_787 % Rows * Step);
        string from = i == Rows / 3 ? "203.0.113.77" : string.Create(CultureInfo.InvariantCulture, $"10.0.{i % 256}.{i % 199}");
        return string.Create(CultureInfo.InvariantCulture, $$"""{"n":{{i + 1}},"time_ns":{{at}},"stream":"stdout","text":"GET /path/{{i}} HTTP/1.1 200 from {{from}}","text_bytes":60,"file":"a","offset":0,"length":9,"pieces":1}""");
    }

    private void Measure(CaseStore store, string what, TimelineQuery query, int atLeast)
    {
        Stopwatch watch = Stopwatch.StartNew();
        int rows = TimelineReader.Read(store, query).Count();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"timeline, {what}: {rows:N0} rows, {watch.Elapsed.TotalMilliseconds:N0} ms"));
        Assert.True(rows >= atLeast, $"{what}: {rows}");
    }

    private void MeasureSearch(CaseStore store, string what, SearchQuery query, int atLeast)
    {
        Stopwatch watch = Stopwatch.StartNew();
        using CaseSearch search = new(store);
        int hits = search.Find(query, CancellationToken.None).Take(200).Count();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"search, {what}: {hits:N0} hits, {watch.Elapsed.TotalMilliseconds:N0} ms"));
        Assert.True(hits >= atLeast, $"{what}: {hits}");
    }

    /// <summary>Lines made as they are read.</summary>
    private sealed class GeneratedLines(int count, Func<int, string> line) : Stream
    {
        private byte[] chunk = [];
        private int at;
        private int next;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            if (at == chunk.Length)
            {
                StringBuilder text = new();
                for (; next < count && text.Length < 256 * 1024; next++)
                {
                    text.Append(line(next)).Append('\n');
                }

                (chunk, at) = (Encoding.UTF8.GetBytes(text.ToString()), 0);
            }

            int length = Math.Min(buffer.Length, chunk.Length - at);
            chunk.AsSpan(at, length).CopyTo(buffer);
            at += length;
            return length;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
