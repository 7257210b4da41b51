using System.Text;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Transport;
using ContainerIR.Tests.Bundles;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Transport;

public sealed class A_hostile_transport : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string, byte[]> Tars => new()
    {
        { "a path that climbs out", SomeTransport.Entry("EV/../evil") },
        { "an absolute path", SomeTransport.Entry("/tmp/evil") },
        { "a path beside the bundle", SomeTransport.Entry("evil") },
        { "a path with a dot", SomeTransport.Entry("EV/./evil") },
        { "a hidden name", SomeTransport.Entry("EV/.ssh") },
        { "an option as name", SomeTransport.Entry("EV/-rf") },
        { "a name that is not ASCII", SomeTransport.Entry("EV/\u00e9") },
        { "a line feed in a name", SomeTransport.Entry("EV/a\nb") },
        { "a symbolic link", SomeTransport.Entry("EV/data", '2', "", "/etc") },
        { "a hard link", SomeTransport.Entry("EV/data", '1', "", "/etc/passwd") },
        { "a device", SomeTransport.Entry("EV/null", '3', "") },
        { "a pipe", SomeTransport.Entry("EV/pipe", '6', "") },
        { "a GNU long name", SomeTransport.Entry("././@LongLink", 'L', "EV/../evil\0") },
        { "a file twice", [.. SomeTransport.Entry("EV/a"), .. SomeTransport.Entry("EV/a")] },
        { "a file where a directory stands", [.. SomeTransport.Entry("EV/a", '5', ""), .. SomeTransport.Entry("EV/a")] },
        { "a pax path that climbs out", [.. SomeTransport.Entry("x", 'x', "18 path=EV/../evil\n"), .. SomeTransport.Entry("EV/ok")] },
        { "a pax link", [.. SomeTransport.Entry("x", 'x', "16 linkpath=/etc\n"), .. SomeTransport.Entry("EV/ok")] },
        { "a pax record that lies about its length", [.. SomeTransport.Entry("x", 'x', "99999 path=EV/a\n"), .. SomeTransport.Entry("EV/ok")] },
        { "a size beyond all measure", [.. SomeTransport.Entry("x", 'x', "28 size=9223372036854775807\n"), .. SomeTransport.Entry("EV/ok")] },
        { "a tar that ends in the middle", SomeTransport.Entry("EV/a")[..700] },
    };

    [Theory]
    [MemberData(nameof(Tars))]
    public async Task Is_refused_and_touches_nothing_outside(string what, byte[] entries)
    {
        string parts = SomeTransport.WriteParts(folder, "EV", [.. entries, .. new byte[1024]]);
        string output = Path.Combine(folder.Path, "deep", "out");

        Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => BundleUnpacker.UnpackAsync(parts, output, [], CancellationToken.None));

        Assert.True(failure is OperatorException or BundleWriteException, $"{what}: {failure}");
        Assert.False(Directory.Exists(Path.Combine(output, "EV")), what);
        Assert.Equal(["out"], Directory.EnumerateFileSystemEntries(Path.Combine(folder.Path, "deep")).Select(Path.GetFileName));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories), path => path.Contains("evil", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(512)]
    public async Task Without_its_end_mark_is_refused(int zeros)
    {
        string parts = SomeTransport.WriteParts(folder, "EV", [.. SomeTransport.Entry("EV/a"), .. new byte[zeros]]);
        await Assert.ThrowsAsync<OperatorException>(() => BundleUnpacker.UnpackAsync(parts, Path.Combine(folder.Path, "out"), [], CancellationToken.None));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000  ../evil.tar.part-0001\n")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000  EV.tar.part-0002\n")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000  EV.tar.part-0001")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000  EV.tar.part-0001\n0000000000000000000000000000000000000000000000000000000000000000  EV.tar.part-0001\n")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000  EV.tar.part-0001\n0000000000000000000000000000000000000000000000000000000000000000  EV.tar.age.part-0002\n")]
    public async Task With_a_malformed_list_is_refused(string list)
    {
        File.WriteAllText(Path.Combine(folder.Path, "EV.parts.sha256"), list);
        await Assert.ThrowsAsync<OperatorException>(() => BundleUnpacker.UnpackAsync(folder.Path, Path.Combine(folder.Path, "out"), [], CancellationToken.None));
    }

    [Property(MaxTest = 300)]
    public async Task Mutated_anywhere_never_writes_outside_and_never_crashes(int seed)
    {
        Random random = new(seed);
        byte[] tar = [.. SomeTransport.Entry("EV", '5', ""), .. SomeTransport.Entry("x", 'x', "14 path=EV/ab\n"), .. SomeTransport.Entry("EV/a", '0', new string('y', 600)), .. SomeTransport.Entry("EV/d", '5', ""), .. SomeTransport.Entry("EV/d/b"), .. new byte[1024]];
        for (int i = 0; i < 1 + (seed & 3); i++)
        {
            tar[random.Next(tar.Length)] = (byte)random.Next(256);
        }

        using TemporaryFolder own = new();
        string parts = SomeTransport.WriteParts(own, "EV", tar);
        Exception? failure = await Record.ExceptionAsync(() => BundleUnpacker.UnpackAsync(parts, Path.Combine(own.Path, "o", "out"), [], CancellationToken.None));
        Assert.True(failure is null or OperatorException or BundleWriteException, failure?.ToString());
        Assert.Single(Directory.EnumerateFileSystemEntries(Path.Combine(own.Path, "o")));
    }

    [Fact]
    public void Header_of_a_long_name_or_a_large_file_is_read_by_GNU_tar()
    {
        string longName = "EV/" + string.Join('/', Enumerable.Repeat(new string('n', 60), 5));
        byte[] tar = [.. TarHeader.Write(longName, 3, false), .. Encoding.ASCII.GetBytes("abc").Concat(new byte[509]), .. TarHeader.Write("EV/huge", 9_000_000_000, false)];
        File.WriteAllBytes(Path.Combine(folder.Path, "t.tar"), tar);

        string listing = Some.RealEngine.Run("sh", "-c", $"tar -tvf '{folder.Path}/t.tar' 2>/dev/null || true");

        Assert.Contains(longName, listing, StringComparison.Ordinal);
        Assert.Contains("9000000000", listing, StringComparison.Ordinal);
    }
}
