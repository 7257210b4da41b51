using System.Security.Cryptography;
using ContainerIR.Acquisitions;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Recoveries;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Items;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace ContainerIR.Tests.Recoveries;

/// <summary>What a killed acquisition leaves is imitated by a writer that ends without a word, and then by damage to its files.</summary>
public sealed class An_interrupted_bundle : IDisposable
{
    private const int Chunk = 4 * 1024 * 1024;
    private const string Frames = "data/0001-rootfs-diff/upper.tar.zst";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Keeps_what_was_closed_and_the_whole_frames_of_what_was_not()
    {
        byte[] content = An_item.Content((2 * Chunk) + 500, 3);
        string path = await Interrupt(folder, content);

        RecoveredBundle recovered = await Recover(path);

        EvidenceItem salvaged = Assert.Single(recovered.Salvaged);
        Assert.Equal(2 * Chunk, salvaged.RawBytes);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content.AsSpan(0, 2 * Chunk))), salvaged.RawSha256);
        Assert.Equal(content[..(2 * Chunk)], An_item.Decompress(folder, Path.Combine(path, Frames)));
        Assert.Equal("data/0002-logs/half.txt", Assert.Single(recovered.Lost).Path);
        Assert.Equal("half", await File.ReadAllTextAsync(Path.Combine(recovered.UnprovenFolder!, "data/0002-logs/half.txt.partial")));
        Assert.Contains(recovered.Bundle.Items, item => item is { Path: "data/0002-logs/done.txt", Status: ItemStatus.Complete });
        await MustVerify(path);
        (int exit, string output) = The_verify_script.Run(path);
        Assert.True(exit == 0, output);
    }

    [Fact]
    public async Task Yields_exactly_the_provable_prefix_wherever_its_files_are_cut_or_damaged()
    {
        using TemporaryFolder origin = new();
        byte[] content = An_item.Content((3 * Chunk) + 500, 4);
        string good = await Interrupt(origin, content);
        ChunkRecord[] chunks = [.. (await File.ReadAllLinesAsync(Path.Combine(good, Frames + ".chunks.jsonl"))).Select(line => ChunkRecord.Parse(System.Text.Encoding.ASCII.GetBytes(line))!)];
        string[] targets = [Frames + ".partial", Frames + ".partial", Frames + ".chunks.jsonl", "journal.jsonl"];
        Property property = Prop.ForAll(Gen.Choose(0, targets.Length - 1).Zip(Gen.Choose(0, 2)).Zip(Gen.Choose(0, int.MaxValue - 1)).ToArbitrary(), given =>
        {
            ((int target, int kind), int place) = given;
            using TemporaryFolder own = new();
            string path = Path.Combine(own.Path, "EV-x");
            Some.RealEngine.Run("cp", "-a", good, path);
            string damaged = Path.Combine(path, targets[target]);
            byte[] bytes = File.ReadAllBytes(damaged);
            int at = (int)((long)place * bytes.Length / int.MaxValue);
            switch (kind)
            {
                case 0:
                    bytes = bytes[..at];
                    break;
                case 1:
                    bytes[at] ^= 0x10;
                    break;
                default:
                    bytes.AsSpan(at).Clear();
                    break;
            }

            File.WriteAllBytes(damaged, bytes);
            RecoveredBundle recovered;
            try
            {
                recovered = Recover(path).GetAwaiter().GetResult();
            }
            catch (OperatorException) when (target == 3)
            {
                return true.Label("the first journal line is gone"); // then nothing may be sealed
            }

            VerificationReport report = BundleVerifier.VerifyAsync(path, new(), CancellationToken.None).GetAwaiter().GetResult();
            EvidenceItem? item = recovered.Bundle.Items.SingleOrDefault(item => item.Path == Frames);
            long expected = target switch
            {
                0 or 1 => chunks.TakeWhile(chunk => chunk.Offset + chunk.Length <= at).Sum(chunk => (long)chunk.RawLength),
                2 => chunks.Take(File.ReadAllBytes(Path.Combine(good, targets[2])).Take(at).Count(b => b == '\n')).Sum(chunk => (long)chunk.RawLength),
                _ => item?.RawBytes ?? 0,
            };
            bool isRight = item is null || item.RawBytes == 0
                || An_item.Decompress(own, Path.Combine(path, Frames)).AsSpan().SequenceEqual(content.AsSpan(0, (int)item.RawBytes));
            return (report.Verdict == Verdict.Verified && isRight && (item?.RawBytes ?? 0) == expected)
                .Label($"{targets[target]} {kind} at {at}: {report.Verdict}, {item?.RawBytes} of {expected}\n{string.Join('\n', report.Failures)}");
        });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(40).WithQuietOnSuccess(true), property);
    }

    [Fact]
    public async Task Is_recovered_again_after_an_interrupted_seal()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        File.Delete(Path.Combine(bundle.Path, "tagmanifest-sha256.txt"));

        RecoveredBundle recovered = await Recover(bundle.Path);

        Assert.Empty(recovered.Lost);
        Assert.Empty(recovered.Salvaged);
        Assert.Null(recovered.UnprovenFolder);
        await MustVerify(bundle.Path);
    }

    [Fact]
    public async Task Keeps_the_last_custody_record_the_journal_has()
    {
        await using (BundleWriter bundle = SomeBundle.Open(folder))
        {
            bundle.RecordCustody(SomeBundle.Custody with { Why = new() { Reason = "beacon seen" } });
        }

        string path = Directory.EnumerateDirectories(folder.Path).Single();
        await Recover(path);

        using System.Text.Json.JsonDocument custody = System.Text.Json.JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(path, "custody.json")));
        Assert.Equal("beacon seen", custody.RootElement.GetProperty("record").GetProperty("why").GetProperty("reason").GetString());
        Assert.True(custody.RootElement.GetProperty("recovered").GetBoolean());
    }

    [Fact]
    public async Task Is_left_alone_while_it_is_being_written()
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        Assert.Contains("being written", (await Assert.ThrowsAsync<OperatorException>(() => Recover(bundle.Path))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_left_alone_when_it_is_sealed()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        Assert.Contains("is sealed", (await Assert.ThrowsAsync<OperatorException>(() => Recover(bundle.Path))).Message, StringComparison.Ordinal);
    }

    private static async Task<string> Interrupt(TemporaryFolder folder, byte[] content)
    {
        BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(folder.Path, "EV-x"));
        ItemWriter frames = bundle.OpenSection("rootfs-diff", 6).Create("upper.tar.zst", new ItemOptions("/upper", ItemForm.Frames));
        frames.Write(content);
        IEvidenceSink logs = bundle.OpenSection("logs", 6);
        await logs.AddAsync("done.txt", "done"u8.ToArray(), new ItemOptions("/done"), CancellationToken.None);
        ItemWriter half = logs.Create("half.txt", new ItemOptions("/half"));
        half.Write("half"u8);
        string path = bundle.Path;
        int whole = content.Length / Chunk;
        await Some.RealEngine.Until(() => File.ReadAllLines(Path.Combine(path, Frames + ".chunks.jsonl")).Length == whole, "the frames are written");
        await bundle.DisposeAsync();
        await File.WriteAllTextAsync(Path.Combine(path, "data/0002-logs/half.txt.partial"), "half");
        return path;
    }

    private static Task<RecoveredBundle> Recover(string path) => BundleRecovery.RecoverAsync(
        path, SomeBundle.Identity, new RecoveryOptions { Agent = "cir 0.1.0", MakeFrameDecoder = () => new ZstdFrameDecoder() }, CancellationToken.None);

    private static async Task MustVerify(string path)
    {
        VerificationReport report = await BundleVerifier.VerifyAsync(path, new(), CancellationToken.None);
        Assert.Empty(report.Failures);
        Assert.Equal(Verdict.Verified, report.Verdict);
    }
}
