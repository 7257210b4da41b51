using ContainerIR.Acquisitions;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Recoveries;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Recoveries;

/// <summary>A file system of a few megabytes (tmpfs) that the acquisition fills.</summary>
public sealed class A_full_disk : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string disk;

    public A_full_disk()
    {
        disk = Directory.CreateDirectory(Path.Combine(folder.Path, "disk")).FullName;
        RealEngine.Run("mount", "-t", "tmpfs", "-o", "size=12m", "cir-test", disk);
    }

    public void Dispose()
    {
        RealEngine.Run("umount", disk);
        folder.Dispose();
    }

    [Fact]
    public async Task Ends_the_run_and_leaves_what_can_be_recovered_once_there_is_room()
    {
        string path = await FillAsync();

        Assert.Equal(Verdict.Unsealed, (await VerifyAsync(path)).Verdict);
        await Assert.ThrowsAsync<BundleWriteException>(() => RecoverAsync(path));
        Assert.Equal(Verdict.Unsealed, (await VerifyAsync(path)).Verdict);

        RealEngine.Run("mount", "-o", "remount,size=64m", disk);
        RecoveredBundle recovered = await RecoverAsync(path);
        VerificationReport report = await VerifyAsync(path);
        Assert.True(report.Verdict == Verdict.Verified, string.Join('\n', report.Failures));
        Assert.Contains(recovered.Bundle.Items, item => item is { Path: "data/0001-host/first.txt", Status: ItemStatus.Complete });
        EvidenceItem cut = Assert.Single(recovered.Salvaged.Concat(recovered.Lost));
        Assert.Equal("data/0002-rootfs-diff/upper.tar.zst", cut.Path);
        Assert.True(cut.RawBytes >= FramePool.ChunkBytes, "the frames that had room are kept");
    }

    [Fact]
    public async Task Is_exit_5_of_acquire_and_of_recover()
    {
        using SomeTerminal terminal = new();
        terminal.Variables["CIR_PASSPHRASE"] = SomeBundle.Passphrase;
        string path = "";
        terminal.Acquire = async (_, _, progress, _) =>
        {
            progress!.Report(new AcquisitionProgress(AcquisitionStage.Collecting, "rootfs-diff", null, 0, 0, BundlePath: Path.Combine(disk, "EV-x")));
            path = await FillAsync(rethrow: true);
            throw new InvalidOperationException("the disk was not full");
        };

        Assert.Equal(5, await terminal.RunAsync("acquire", "web", "--case", "IR-7"));
        Assert.Contains("No space left on device", terminal.Error, StringComparison.Ordinal);
        Assert.Equal("", path);
        terminal.Forget();

        Assert.Equal(5, await terminal.RunAsync("bundle", "recover", Path.Combine(disk, "EV-x")));
        Assert.Contains("No space left on device", terminal.Error, StringComparison.Ordinal);
        RealEngine.Run("mount", "-o", "remount,size=64m", disk);
        Assert.Equal(4, await terminal.RunAsync("bundle", "recover", Path.Combine(disk, "EV-x")));
        Assert.Equal(0, await terminal.RunAsync("verify", Path.Combine(disk, "EV-x")));
    }

    /// <summary>Random bytes, which no compression makes smaller, until nothing goes in any more.</summary>
    private async Task<string> FillAsync(bool rethrow = false)
    {
        await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(disk, "EV-x"));
        await bundle.OpenSection("host", 0).AddAsync("first.txt", "first\n"u8.ToArray(), new ItemOptions("/first"), CancellationToken.None);
        try
        {
            ItemWriter item = bundle.OpenSection("rootfs-diff", 6).Create("upper.tar.zst", new ItemOptions("/upper", ItemForm.Frames));
            byte[] noise = new byte[1_000_000];
            for (int i = 0; i < 64; i++)
            {
                Random.Shared.NextBytes(noise);
                await item.WriteAsync(noise, CancellationToken.None);
            }

            await item.CompleteAsync(null, CancellationToken.None);
        }
        catch (BundleWriteException full) when (full.Message.Contains("No space left", StringComparison.Ordinal))
        {
            // Nothing stays free for a recovery either.
            RealEngine.Run("sh", "-c", $"cat /dev/zero > '{disk}/rest' 2>/dev/null || true");
            if (rethrow)
            {
                throw;
            }

            return bundle.Path;
        }

        throw new InvalidOperationException("the disk was not full");
    }

    private static Task<RecoveredBundle> RecoverAsync(string path) => BundleRecovery.RecoverAsync(
        path, SomeBundle.Identity, new RecoveryOptions { Agent = "cir 0.1.0", MakeFrameDecoder = () => new ZstdFrameDecoder() }, CancellationToken.None);

    private static Task<VerificationReport> VerifyAsync(string path) => BundleVerifier.VerifyAsync(path, new(), CancellationToken.None);
}
