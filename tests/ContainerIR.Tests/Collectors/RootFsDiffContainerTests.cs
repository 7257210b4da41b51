using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using ContainerIR.Collectors;
using ContainerIR.Diffs;
using ContainerIR.Linux;
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
    public async Task Says_which_files_the_container_made_unchangeable()
    {
        // The overlay keeps the mark as an attribute of its own (trusted.overlay.protattr); the inode below has none.
        using TestContainer container = RealEngine.Start([]);
        container.Exec("echo x > /kept; echo x > /log");
        RealEngine.Run("chattr", "+i", $"/proc/{container.InitPid}/root/kept");
        RealEngine.Run("chattr", "+a", $"/proc/{container.InitPid}/root/log");

        using DiffCapture capture = await DiffCapture.Of(SomeContainer.RefOf(container.Id));

        Assert.Equal(["immutable"], capture["/kept"].Object!.Attributes);
        Assert.Equal(["append-only"], capture["/log"].Object!.Attributes);
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
    public async Task Comes_back_as_it_is_from_the_intrusion_of_the_demo()
    {
        // The very commands of demo.sh, in a container as it makes one.
        string[] commands = [.. Regex.Matches(File.ReadAllText(Path.Combine(Repository.Root, "demo.sh")), @"docker exec cir-demo-shop sh -c '([^']*)'").Select(match => match.Groups[1].Value)];
        Assert.Equal(2, commands.Length);
        string folder = Directory.CreateTempSubdirectory("cir-demo-").FullName, tag = $"cir-test:demo-{Environment.ProcessId}";
        RealEngine.Run("sh", "-c", $"cd {folder} && mkdir -p app/srv/shop app/etc && echo '<h1>Shop</h1>' >app/srv/shop/index.html && echo payments=live >app/etc/shop.conf && echo 'every login' >app/srv/shop/audit.log");
        File.WriteAllText(Path.Combine(folder, "Dockerfile"), $"FROM {RealEngine.Image}\nCOPY app /\n");
        RealEngine.Docker("build", "-q", "-t", tag, folder);
        try
        {
            using TestContainer shop = new([], tag, ["httpd", "-f", "-v", "-p", "8080", "-h", "/srv/shop"]);
            await RealEngine.Until(() => (File.ReadAllText($"/proc/{shop.InitPid}/net/tcp") + File.ReadAllText($"/proc/{shop.InitPid}/net/tcp6")).Contains(":1F90 ", StringComparison.Ordinal), "the shop to listen");
            foreach (string command in commands)
            {
                shop.Exec(command);
            }

            SortedDictionary<string, string> expected = TreeFacts.Read(shop.UpperDirectory), before = TreeFacts.ReadTimes(shop.UpperDirectory);
            using DiffCapture capture = await DiffCapture.Of(SomeContainer.RefOf(shop.Id));
            string moved = TreeFacts.Difference(before, TreeFacts.ReadTimes(shop.UpperDirectory)), different = TreeFacts.Difference(expected, TreeFacts.Read(capture.Extract()));
            Assert.True(different.Length == 0, different);
            Assert.True(moved.Length == 0, moved);
            Assert.Empty(capture.Sink.Gaps);
            Assert.Equal(DiffVerdict.Modified, capture["/srv/shop/index.html"].Verdict);
            Assert.Equal(DiffVerdict.Deleted, capture["/srv/shop/audit.log"].Verdict);
            Assert.Equal(DiffVerdict.Modified, capture["/etc/passwd"].Verdict);
            Assert.Equal(DiffVerdict.Added, capture["/tmp/.x11/run"].Verdict);
        }
        finally
        {
            RealEngine.Docker("rmi", "-f", tag);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("zfs")]
    [InlineData("fuse-overlayfs")]
    [InlineData("overlayfs")]
    public async Task Whose_layers_nobody_names_is_the_engines_export_and_labelled_as_lossy(string driver)
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "echo new > /new; ln /new /other; exec true");
        await RealEngine.Until(() => container.Inspect("{{.State.Running}}") == "false", "the container has ended");
        ContainerRef unnamed = SomeContainer.RefOf(container.Id) with { StorageDriver = driver, StorageData = new Dictionary<string, string>() };
        await using Engine engine = await Engine.Connect();
        using FolderSink sink = new(), triage = new();

        await new RootFsDiffCollector(engine.Context).CollectAsync(unnamed, sink, CancellationToken.None);
        await new RootFsDiffCollector(engine.Context with { Profile = Profile.Triage }).CollectAsync(unnamed, triage, CancellationToken.None);

        Assert.Equal("new\n", RealEngine.Run("tar", "-xOf", sink.PathOf(WholeRoot.ExportItem), "new"));
        (string sought, string reason) = Assert.Single(sink.Gaps);
        Assert.Equal("writable layer", sought);
        Assert.StartsWith($"storage driver {driver}", reason, StringComparison.Ordinal);
        Assert.Contains("is lossy", reason, StringComparison.Ordinal);
        Assert.Contains("adds an event", Assert.Single(sink.Effects), StringComparison.Ordinal);
        Assert.StartsWith($"storage driver {driver}", Assert.Single(triage.Gaps).Reason, StringComparison.Ordinal);
        Assert.Empty(triage.Items);
    }

    [Fact]
    public async Task Is_found_by_its_mount_table_where_the_engine_names_no_layers()
    {
        // Docker 29 with containerd's snapshotter: no GraphDriver, the driver is called overlayfs.
        using TestContainer container = RealEngine.Start([], "sh", "-c", "echo new > /new; rm /etc/group; touch /ready; exec sleep 1000");
        await RealEngine.Until(() => File.Exists($"/proc/{container.InitPid}/root/ready"), "the container's work");
        ContainerRef unnamed = SomeContainer.RefOf(container.Id) with { StorageDriver = "overlayfs", StorageData = new Dictionary<string, string>() };

        using DiffCapture capture = await DiffCapture.Of(unnamed);

        Assert.Equal("mount-table", capture.Summary.FoundBy);
        Assert.Equal(DiffVerdict.Added, capture["/new"].Verdict);
        Assert.Equal(DiffVerdict.Deleted, capture["/etc/group"].Verdict);
        Assert.Empty(capture.Sink.Gaps);
    }

    [Theory]
    [InlineData("fuse.fuse-overlayfs")]
    [InlineData("btrfs")]
    [InlineData("zfs")]
    public void Says_of_which_kind_a_root_is_that_has_no_layers_to_read(string fileSystem)
    {
        ContainerRef container = SomeContainer.With(new string('a', 64)) with { StorageDriver = "some" };
        byte[] row = Encoding.ASCII.GetBytes($"1 0 0:40 / / rw - {fileSystem} source rw,upperdir=/u,lowerdir=/l\n");

        LayerPaths? paths = LayerPaths.Find(container, ProcMounts.Parse(row).All, engineRoot: null, [], out string whyNot);

        Assert.Null(paths);
        Assert.Contains($"root file system of type {fileSystem}", whyNot, StringComparison.Ordinal);
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
