using System.Diagnostics;
using System.Text;
using ContainerIR.Collectors;
using ContainerIR.Diffs;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

/// <summary>The file system collector on containers of a real engine: the given traps and plain ones.</summary>
public sealed class The_file_system_of_a_container
{
    [Theory]
    [InlineData("fs-kinds")]
    [InlineData("fs-name-bomb")]
    [InlineData("fs-blocking-nodes")]
    [InlineData("fs-timestomp")]
    [InlineData("fs-sparse-huge")]
    public async Task Comes_back_as_it_is_from_the_trap(string name)
    {
        using Trap trap = new(name);
        SortedDictionary<string, string> expected = TreeFacts.Read(trap.UpperDirectory);
        SortedDictionary<string, string> before = TreeFacts.ReadTimes(trap.UpperDirectory);
        Stopwatch watch = Stopwatch.StartNew();

        using DiffCapture capture = await DiffCapture.Of(SomeContainer.RefOf(trap.ContainerName));

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"took {watch.Elapsed}");
        string moved = TreeFacts.Difference(before, TreeFacts.ReadTimes(trap.UpperDirectory));
        string different = TreeFacts.Difference(expected, TreeFacts.Read(capture.Extract()));
        Assert.True(different.Length == 0, different);
        Assert.True(moved.Length == 0, moved);
        Assert.Empty(capture.Sink.Gaps);
        Assert.Empty(capture.Sink.Effects);
        Assert.Equal(("mount-table", true), (capture.Summary.FoundBy, capture.Summary.IsPrivate));
    }

    [Fact]
    public async Task Tells_what_became_of_each_file_in_the_trap_of_kinds()
    {
        using Trap trap = new("fs-kinds");

        using DiffCapture capture = await DiffCapture.Of(SomeContainer.RefOf(trap.ContainerName));

        Assert.Equal((DiffVerdict.Renamed, "/etc/mv"), (capture["/etc/moved"].Verdict, Encoding.UTF8.GetString(capture["/etc/moved"].Original!.Path)));
        Assert.Equal(DiffVerdict.Deleted, capture["/etc/issue2"].Verdict);
        Assert.Equal(DiffKind.OpaqueDirectory, capture["/opt/d"].Kind);
        Assert.All(new[] { "/opt/d/a", "/opt/d/b" }, path => Assert.Equal((DiffVerdict.Deleted, "/opt/d"), (capture[path].Verdict, Encoding.UTF8.GetString(capture[path].HiddenBy!))));
        Assert.NotNull(capture["/opt/d/a"].Original!.Sha256);
        Assert.Equal(DiffVerdict.Added, capture["/opt/d/c"].Verdict);
        Assert.Equal(DiffKind.Socket, capture["/kinds/sock"].Kind);
        Assert.Equal((3_000_000_000, 4_000_000_000), (capture["/kinds/big"].Object!.Uid, capture["/kinds/big"].Object!.Gid));
        Assert.Equal("-4.012345679", capture["/kinds/neg"].Object!.ModifiedAt.ToString());
        Assert.Equal("/kinds/h1"u8.Length - 1, capture["/kinds/h3"].HardLinkTo?.Length - 1 ?? capture["/kinds/h1"].HardLinkTo!.Length - 1);
    }

    [Fact]
    public async Task Tells_patched_from_touched_and_renamed_in_the_trap_of_times()
    {
        using Trap trap = new("fs-timestomp");

        using DiffCapture capture = await DiffCapture.Of(SomeContainer.RefOf(trap.ContainerName));

        Assert.Equal(DiffVerdict.Modified, capture["/opt/app/server"].Verdict);
        Assert.Contains("content-differs-mtime-same", capture["/opt/app/server"].Signs);
        Assert.NotNull(capture["/opt/app/server"].Original!.BeforeOffset);
        Assert.Equal(DiffVerdict.Touched, capture["/opt/app/keep"].Verdict);
        Assert.Equal((DiffVerdict.Renamed, "/opt/app/old"), (capture["/opt/app/renamed"].Verdict, Encoding.UTF8.GetString(capture["/opt/app/renamed"].Original!.Path)));
        Assert.Contains("mtime-before-birth", capture["/new"].Signs);
        Assert.Equal(DiffVerdict.Added, capture["/new"].Verdict);
    }

    [Fact]
    public async Task Keeps_apart_names_that_decode_alike()
    {
        using Trap trap = new("fs-name-bomb");

        using DiffCapture capture = await DiffCapture.Of(SomeContainer.RefOf(trap.ContainerName));

        Assert.Equal(DiffVerdict.Added, capture["/names/c\xff"].Verdict);
        Assert.Equal(DiffVerdict.Added, capture["/names/c\xfe"].Verdict);
        Assert.NotEqual(capture["/names/c\xff"].DisplayPath, capture["/names/c\xfe"].DisplayPath);
        Assert.DoesNotContain(capture.Sink.Read(RootFsDiffCollector.EntriesItem), letter => letter is < 32 and not 10 or > 126);
    }

    [Fact]
    public async Task Never_holds_a_file_of_the_host_however_links_race()
    {
        using Trap trap = new("fs-symlink-escape");
        byte[] shadow = File.ReadAllBytes("/etc/shadow");
        ContainerRef container = SomeContainer.RefOf(trap.ContainerName);

        for (int i = 0; i < 30; i++)
        {
            using DiffCapture capture = await DiffCapture.Of(container);
            Assert.Equal("/etc/shadow"u8.ToArray(), capture["/leak"].Object!.LinkTarget);
            Assert.True(capture.Sink.Read(RootFsDiffCollector.UpperItem).AsSpan().IndexOf(shadow) < 0);
            Assert.Equal(0, capture.Entries.Keys.Count(path => path.StartsWith("/tmp/race/proc", StringComparison.Ordinal) || path.StartsWith("/leakdir/", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task Is_read_from_the_engines_word_when_it_has_stopped()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "echo new > /new; rm /etc/group; exec true");
        await RealEngine.Until(() => container.Inspect("{{.State.Running}}") == "false", "the container has ended");

        using DiffCapture capture = await DiffCapture.Of(SomeContainer.RefOf(container.Id));

        Assert.Equal("engine", capture.Summary.FoundBy);
        Assert.Equal(DiffVerdict.Added, capture["/new"].Verdict);
        Assert.Equal(DiffVerdict.Deleted, capture["/etc/group"].Verdict);
        Assert.Empty(capture.Sink.Gaps);
    }

    [Fact]
    public async Task Has_its_mounts_marked()
    {
        using TestContainer container = RealEngine.Start(["-v", "/etc/hostname:/made/for/mount:ro", "--tmpfs", "/scratch"], "sleep", "1000");

        using DiffCapture capture = await DiffCapture.Of(SomeContainer.RefOf(container.Id));

        Assert.Equal(DiffVerdict.MountStub, capture["/made/for/mount"].Verdict);
        Assert.Equal(DiffVerdict.MountStub, capture["/scratch"].Verdict);
        Assert.Equal(DiffVerdict.Added, capture["/made"].Verdict);
    }

    [Fact]
    public async Task Is_a_gap_when_its_storage_is_none_we_read()
    {
        ContainerRef container = new()
        {
            RuntimeKind = "docker",
            Id = new string('a', 64),
            Name = "x",
            ImageName = "x",
            ImageId = "x",
            State = ContainerState.Exited,
            InitPid = 0,
            CreatedAt = default,
            StorageDriver = "zfs",
        };

        using DiffCapture capture = await DiffCapture.Of(container);

        Assert.Contains("zfs", Assert.Single(capture.Sink.Gaps).Reason, StringComparison.Ordinal);
        Assert.Empty(capture.Sink.Items);
    }
}
