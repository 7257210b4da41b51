using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace ContainerIR.Tests.Items;

public sealed class An_item : IDisposable
{
    private const int Chunk = 4 * 1024 * 1024;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(ItemForm.Plain)]
    [InlineData(ItemForm.Frames)]
    public void Of_any_size_written_in_any_pieces_comes_back_byte_for_byte(ItemForm form)
    {
        int number = 0;
        Gen<int> size = Gen.OneOf(Gen.Choose(0, 300_000), Gen.Elements(0, 1, Chunk - 1, Chunk, Chunk + 1, (2 * Chunk) + 77, 64 * 1024, (64 * 1024) + 1));
        Property property = Prop.ForAll(size.Zip(Gen.Choose(1, 3_000_000)).Zip(Gen.Elements(true, false)).ToArbitrary(), given =>
        {
            ((int bytes, int piece), bool isAsync) = given;
            using TemporaryFolder own = new();
            byte[] content = Content(bytes, number++);
            EvidenceItem item = Write(own, form, content, piece, isAsync).GetAwaiter().GetResult();
            string path = Path.Combine(own.Path, "EV-x", item.Path);
            byte[] read = form == ItemForm.Plain ? File.ReadAllBytes(path) : Decompress(own, path);
            return (read.AsSpan().SequenceEqual(content)
                && item.RawBytes == bytes
                && item.RawSha256 == Hex(content)
                && item.Sha256 == Hex(File.ReadAllBytes(path))
                && item.StoredBytes == new FileInfo(path).Length).Label($"{bytes} bytes in pieces of {piece}, async {isAsync}");
        });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(30).WithQuietOnSuccess(true), property);
    }

    [Fact]
    public async Task Has_a_chunk_list_that_proves_each_frame_alone_and_a_seek_table_that_agrees()
    {
        byte[] content = Content((2 * Chunk) + 1000, 7);
        EvidenceItem item = await Write(folder, ItemForm.Frames, content, 100_000, isAsync: false);
        string path = Path.Combine(folder.Path, "EV-x", item.Path);
        byte[] stored = await File.ReadAllBytesAsync(path);
        ChunkRecord[] chunks = [.. (await File.ReadAllLinesAsync(path + ".chunks.jsonl")).Select(line => ChunkRecord.Parse(System.Text.Encoding.ASCII.GetBytes(line))!)];

        Assert.Equal([Chunk, Chunk, 1000], chunks.Select(chunk => chunk.RawLength));
        foreach (ChunkRecord chunk in chunks)
        {
            byte[] frame = stored[(int)chunk.Offset..(int)(chunk.Offset + chunk.Length)];
            Assert.Equal(chunk.Sha256, Hex(frame));
            string alone = Path.Combine(folder.Path, "frame.zst");
            await File.WriteAllBytesAsync(alone, frame);
            Assert.Equal(chunk.RawSha256, Hex(Decompress(folder, alone)));
            Assert.Equal(chunk.RawSha256, Hex(content.AsSpan((int)chunk.RawOffset, chunk.RawLength)));
        }

        Assert.Equal(SeekTable.Write([.. chunks.Select(chunk => (chunk.Length, chunk.RawLength))]), stored[(int)(chunks[^1].Offset + chunks[^1].Length)..]);
        Assert.Equal(new byte[] { 0xB1, 0xEA, 0x92, 0x8F }, stored[^4..]);
    }

    [Fact]
    public async Task Written_by_several_threads_beside_others_is_not_mixed_with_them()
    {
        await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(folder.Path, "EV-x"));
        IEvidenceSink sink = bundle.OpenSection("many", 1);
        EvidenceItem[] items = new EvidenceItem[8];
        await Parallel.ForAsync(0, items.Length, async (i, ct) =>
            items[i] = await sink.AddAsync($"{i}.zst", new MemoryStream(Content((i * 1_500_000) + 1, i)), new ItemOptions("x", ItemForm.Frames), ct));

        for (int i = 0; i < items.Length; i++)
        {
            Assert.Equal(Hex(Content((i * 1_500_000) + 1, i)), items[i].RawSha256);
            Assert.Equal(items[i].RawSha256, Hex(Decompress(folder, Path.Combine(bundle.Path, items[i].Path))));
        }
    }

    [Fact]
    public async Task Is_partial_when_its_source_fails_and_keeps_what_was_read()
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        IEvidenceSink sink = bundle.OpenSection("logs", 6);

        EvidenceItem item = await sink.AddAsync("x.log", new FailingStream(), new ItemOptions("/var/log/x"), CancellationToken.None);

        Assert.Equal(ItemStatus.Partial, item.Status);
        Assert.Equal("Input/output error", item.Error);
        Assert.Equal("half", await File.ReadAllTextAsync(Path.Combine(bundle.Path, item.Path)));
        Assert.Equal("/var/log/x after byte 4", Assert.Single(bundle.Gaps).Sought);
    }

    [Theory]
    [InlineData(ItemForm.Plain)]
    [InlineData(ItemForm.Frames)]
    public async Task Is_partial_when_its_collector_leaves_it_open(ItemForm form)
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        IEvidenceSink sink = bundle.OpenSection("logs", 6);
        using (ItemWriter writer = sink.Create("x.zst", new ItemOptions("x", form)))
        {
            writer.Write("half"u8);
        }

        Assert.Equal(ItemStatus.Partial, Assert.Single(bundle.Items).Status);
        Assert.Equal(ContainerIR.Evidence.Verification.Verdict.Verified, Verification(await bundle.SealAsync()));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("/x")]
    [InlineData("a//b")]
    [InlineData("-rf")]
    [InlineData(".hidden")]
    [InlineData("a b")]
    [InlineData("x.partial")]
    [InlineData("x.zst.chunks.jsonl")]
    [InlineData("é")]
    public async Task Never_bears_a_name_that_is_not_plain(string name)
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        Assert.Throws<ArgumentException>(() => bundle.OpenSection("x", 1).Create(name, new ItemOptions("x")));
    }

    [Theory]
    [InlineData(ItemForm.Plain)]
    [InlineData(ItemForm.Frames)]
    public async Task Ends_the_run_when_the_disk_is_full_and_says_so_in_the_words_of_the_system(ItemForm form)
    {
        string mount = Path.Combine(folder.Path, "small");
        Directory.CreateDirectory(mount);
        RealEngine.Run("mount", "-t", "tmpfs", "-o", "size=6m", "none", mount);
        try
        {
            await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(mount));
            IEvidenceSink sink = bundle.OpenSection("rootfs-diff", 6);

            BundleWriteException failure = await Assert.ThrowsAsync<BundleWriteException>(() =>
                sink.AddAsync("x.zst", new MemoryStream(RandomNumberGenerator.GetBytes(40_000_000)), new ItemOptions("x", form), CancellationToken.None));

            Assert.Contains("No space left on device", failure.Message, StringComparison.Ordinal);
            Assert.Contains(bundle.Path, failure.Message, StringComparison.Ordinal);
        }
        finally
        {
            RealEngine.Run("umount", mount);
        }
    }

    [Fact]
    public async Task Reports_how_far_it_is()
    {
        List<ItemProgress> reports = [];
        await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(folder.Path) with { Progress = new Direct(reports) });
        await bundle.OpenSection("x", 1).AddAsync("x.zst", new MemoryStream(new byte[(3 * Chunk) + 5]), new ItemOptions("x", ItemForm.Frames), CancellationToken.None);

        Assert.Equal(5, reports.Count);
        Assert.Equal((3 * Chunk) + 5, reports[^1].RawBytes);
        Assert.True(reports[^1].IsClosed);
        Assert.Equal("data/0001-x/x.zst", reports[^1].ItemPath);
    }

    [Fact]
    public async Task Is_opened_and_closed_in_the_journal_with_its_digests()
    {
        EvidenceItem item = await Write(folder, ItemForm.Frames, Content(10, 1), 3, isAsync: true);

        string[] lines = await File.ReadAllLinesAsync(Path.Combine(folder.Path, "EV-x", "journal.jsonl"));
        Assert.Contains("\"event\":\"item.open\"", lines[1], StringComparison.Ordinal);
        using JsonDocument close = JsonDocument.Parse(lines[2]);
        Assert.Equal("item.close", close.RootElement.GetProperty("event").GetString());
        Assert.Equal(item.Sha256, close.RootElement.GetProperty("fields").GetProperty("item").GetProperty("sha256").GetString());
        Assert.Equal(
            Hex(await File.ReadAllBytesAsync(Path.Combine(folder.Path, "EV-x", item.Path + ".chunks.jsonl"))),
            close.RootElement.GetProperty("fields").GetProperty("chunks_sha256").GetString());
    }

    internal static byte[] Content(int bytes, int seed)
    {
        byte[] content = new byte[bytes];
        Random random = new(seed);
        random.NextBytes(content.AsSpan(0, bytes / 2));
        for (int i = bytes / 2; i < bytes; i++)
        {
            content[i] = (byte)((i / 100) + seed);
        }

        return content;
    }

    internal static byte[] Decompress(TemporaryFolder folder, string path)
    {
        string raw = Path.Combine(folder.Path, "raw-" + Guid.CreateVersion7().ToString("N", CultureInfo.InvariantCulture));
        RealEngine.Run("zstd", "-d", "-q", path, "-o", raw);
        return File.ReadAllBytes(raw);
    }

    private static async Task<EvidenceItem> Write(TemporaryFolder folder, ItemForm form, byte[] content, int piece, bool isAsync)
    {
        await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(folder.Path, "EV-x"));
        await using ItemWriter writer = bundle.OpenSection("x", 1).Create("x.zst", new ItemOptions("x", form));
        for (int i = 0; i < content.Length; i += piece)
        {
            ReadOnlyMemory<byte> part = content.AsMemory(i, Math.Min(piece, content.Length - i));
            if (isAsync)
            {
                await writer.WriteAsync(part);
            }
            else
            {
                writer.Write(part.Span);
            }
        }

        return await writer.CompleteAsync(null, CancellationToken.None);
    }

    private static ContainerIR.Evidence.Verification.Verdict Verification(SealedBundle bundle) =>
        ContainerIR.Evidence.Verification.BundleVerifier.VerifyAsync(bundle.Path, new(), CancellationToken.None).GetAwaiter().GetResult().Verdict;

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private sealed class Direct(List<ItemProgress> reports) : IProgress<ItemProgress>
    {
        public void Report(ItemProgress value) => reports.Add(value);
    }

    private sealed class FailingStream : MemoryStream
    {
        private bool given;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (given)
            {
                throw new IOException("Input/output error");
            }

            given = true;
            "half"u8.CopyTo(buffer.Span);
            return ValueTask.FromResult(4);
        }
    }
}
