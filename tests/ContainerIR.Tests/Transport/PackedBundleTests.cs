using ContainerIR.Evidence;
using ContainerIR.Evidence.Encryption;
using ContainerIR.Evidence.Transport;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Transport;

public sealed class A_packed_bundle : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly AgeIdentity identity = AgeIdentity.Generate();

    public void Dispose()
    {
        folder.Dispose();
        identity.Dispose();
    }

    [Fact]
    public async Task Is_unpacked_by_cat_age_and_tar()
    {
        (string bundle, PackedBundle packed) = await SomeTransport.PackAsync(folder, identity.Recipient);
        AgeIdentityFile.Write(At("id"), identity, DateTimeOffset.UtcNow);
        Directory.CreateDirectory(At("out"));

        RealEngine.Run("sh", "-c", $"cd '{At("parts")}' && sha256sum --check --strict --quiet *.parts.sha256 && cat *.tar.age.part-* | age -d -i ../id | tar -x -C ../out");

        Assert.True(packed.PartPaths.Count > 3);
        Assert.Equal(SomeTransport.Contents(bundle), SomeTransport.Contents(At("out/" + Path.GetFileName(bundle))));
    }

    [Fact]
    public async Task Comes_back_as_it_was_and_verifies()
    {
        (string bundle, _) = await SomeTransport.PackAsync(folder, identity.Recipient);

        string back = await UnpackAsync();

        Assert.Equal(At("out/" + Path.GetFileName(bundle)), back);
        Assert.Equal(SomeTransport.Contents(bundle), SomeTransport.Contents(back));
        Assert.Equal(Verdict.Verified, (await BundleVerifier.VerifyAsync(back, new VerifyOptions(), CancellationToken.None)).Verdict);
        Assert.Equal([back], Directory.EnumerateFileSystemEntries(At("out")));
    }

    [Fact]
    public async Task Without_recipients_is_the_same_bytes_each_time_and_has_no_words_from_tar()
    {
        (string bundle, PackedBundle first) = await SomeTransport.PackAsync(folder);
        PackedBundle second = await BundlePacker.PackAsync(bundle, At("again"), [], SomeTransport.PartBytes, CancellationToken.None);

        Assert.Equal(first.PartsListSha256, second.PartsListSha256);
        Assert.Equal("", RealEngine.Run("sh", "-c", $"mkdir '{At("out")}' && cat '{At("parts")}'/*.part-* | tar -x -C '{At("out")}' 2>&1"));
        Assert.Equal(SomeTransport.Contents(bundle), SomeTransport.Contents(At("out/" + Path.GetFileName(bundle))));
    }

    [Fact]
    public async Task Made_by_tar_age_and_split_is_unpacked()
    {
        string bundle = (await SomeBundle.SmallAsync(folder)).Path;
        string name = Path.GetFileName(bundle);
        AgeIdentityFile.Write(At("id"), identity, DateTimeOffset.UtcNow);
        RealEngine.Run("sh", "-c", $"mkdir '{At("parts")}' && cd '{At("parts")}' && tar -c --format=pax -C .. '{name}' | age -r {identity.Recipient}"
            + $" | split -b 5000 -a 4 --numeric-suffixes=1 - '{name}.tar.age.part-' && sha256sum * > '../{name}.parts.sha256' && mv '../{name}.parts.sha256' .");

        Assert.Equal(SomeTransport.Contents(bundle), SomeTransport.Contents(await UnpackAsync()));
    }

    [Fact]
    public async Task Names_every_missing_and_damaged_part_and_goes_on_when_they_are_sent_again()
    {
        (string bundle, PackedBundle packed) = await SomeTransport.PackAsync(folder, identity.Recipient);
        byte[] second = await File.ReadAllBytesAsync(packed.PartPaths[1]);
        byte[] third = await File.ReadAllBytesAsync(packed.PartPaths[2]);
        await File.WriteAllBytesAsync(packed.PartPaths[1], [.. second[..^1], (byte)~second[^1]]);
        File.Delete(packed.PartPaths[2]);

        OperatorException failure = await Assert.ThrowsAsync<OperatorException>(UnpackAsync);
        PartsCheck check = await BundleUnpacker.CheckAsync(At("parts"), CancellationToken.None);

        Assert.Contains("part-0002", failure.Message, StringComparison.Ordinal);
        Assert.Contains("part-0003", failure.Message, StringComparison.Ordinal);
        Assert.Equal([Path.GetFileName(packed.PartPaths[1])], check.Damaged);
        Assert.Equal([Path.GetFileName(packed.PartPaths[2])], check.Missing);
        Assert.False(Directory.Exists(At("out")));

        await File.WriteAllBytesAsync(packed.PartPaths[1], second);
        await File.WriteAllBytesAsync(packed.PartPaths[2], third);
        Assert.Equal(SomeTransport.Contents(bundle), SomeTransport.Contents(await UnpackAsync()));
    }

    [Fact]
    public async Task Is_taken_up_again_where_an_unpacking_was_killed_whatever_lies_there()
    {
        (string bundle, PackedBundle packed) = await SomeTransport.PackAsync(folder, identity.Recipient);
        string staging = At($"out/.{Path.GetFileName(bundle)}.{packed.PartsListSha256[..16]}.unpacking");
        Directory.CreateDirectory(Path.Combine(staging, "data", "0001-host"));
        await File.WriteAllTextAsync(Path.Combine(staging, "data", "0001-host", "uname.txt"), "Linux host 6");
        await File.WriteAllTextAsync(Path.Combine(staging, "bagit.txt"), new string('x', 5000));
        File.Copy(Path.Combine(bundle, "journal.jsonl"), Path.Combine(staging, "journal.jsonl"));

        Assert.Equal(SomeTransport.Contents(bundle), SomeTransport.Contents(await UnpackAsync()));
    }

    [Fact]
    public async Task Is_not_unpacked_through_a_link_planted_in_the_staging_folder()
    {
        (string bundle, PackedBundle packed) = await SomeTransport.PackAsync(folder, identity.Recipient);
        string staging = At($"out/.{Path.GetFileName(bundle)}.{packed.PartsListSha256[..16]}.unpacking");
        Directory.CreateDirectory(staging);
        Directory.CreateDirectory(At("victim"));
        File.CreateSymbolicLink(Path.Combine(staging, "data"), At("victim"));

        await Assert.ThrowsAsync<BundleWriteException>(UnpackAsync);

        Assert.Empty(Directory.EnumerateFileSystemEntries(At("victim")));
    }

    [Fact]
    public async Task Is_never_overwritten_and_never_overwrites()
    {
        (string bundle, _) = await SomeTransport.PackAsync(folder, identity.Recipient);
        await Assert.ThrowsAsync<OperatorException>(() => BundlePacker.PackAsync(bundle, At("parts"), [], SomeTransport.PartBytes, CancellationToken.None));
        await UnpackAsync();
        await Assert.ThrowsAsync<OperatorException>(UnpackAsync);
    }

    [Fact]
    public async Task Leaves_nothing_when_packing_fails()
    {
        string bundle = (await SomeBundle.SmallAsync(folder)).Path;
        using CancellationTokenSource cancelled = new();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => BundlePacker.PackAsync(bundle, At("parts"), [identity.Recipient], SomeTransport.PartBytes, cancelled.Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(At("parts")));
    }

    [Fact]
    public async Task Needs_the_right_identity()
    {
        await SomeTransport.PackAsync(folder, identity.Recipient);
        using AgeIdentity stranger = AgeIdentity.Generate();
        await Assert.ThrowsAsync<OperatorException>(() => BundleUnpacker.UnpackAsync(At("parts"), At("out"), [], CancellationToken.None));
        await Assert.ThrowsAsync<OperatorException>(() => BundleUnpacker.UnpackAsync(At("parts"), At("out"), [stranger], CancellationToken.None));
    }

    [Fact]
    public async Task Is_not_made_of_more_parts_than_a_shell_puts_in_order()
    {
        string bundle = (await SomeBundle.SmallAsync(folder)).Path;
        using (FileStream sparse = new(Path.Combine(bundle, "data", "sparse.bin"), FileMode.Create))
        {
            sparse.SetLength(20_000_000);
        }

        OperatorException failure = await Assert.ThrowsAsync<OperatorException>(() => BundlePacker.PackAsync(bundle, At("parts"), [], 1024, CancellationToken.None));
        Assert.Contains("--part-size", failure.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ln -s /etc/passwd data/link")]
    [InlineData("mkfifo data/pipe")]
    [InlineData("touch 'data/a b'")]
    public async Task Is_not_made_of_what_no_bundle_holds(string spoil)
    {
        string bundle = (await SomeBundle.SmallAsync(folder)).Path;
        RealEngine.Run("sh", "-c", $"cd '{bundle}' && {spoil}");
        await Assert.ThrowsAsync<OperatorException>(() => BundlePacker.PackAsync(bundle, At("parts"), [], SomeTransport.PartBytes, CancellationToken.None));
    }

    [Fact]
    public async Task Passes_through_in_little_memory()
    {
        string bundle = (await SomeBundle.SmallAsync(folder)).Path;
        using (FileStream large = new(Path.Combine(bundle, "data", "large.bin"), FileMode.Create))
        {
            large.SetLength(300_000_000);
        }

        long before = GC.GetTotalAllocatedBytes();
        await BundlePacker.PackAsync(bundle, At("parts"), [identity.Recipient], BundlePacker.DefaultPartBytes, CancellationToken.None);
        await UnpackAsync();
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 40_000_000);
    }

    private string At(string name) => Path.Combine(folder.Path, name);

    private Task<string> UnpackAsync() => BundleUnpacker.UnpackAsync(At("parts"), At("out"), [identity], CancellationToken.None);
}
