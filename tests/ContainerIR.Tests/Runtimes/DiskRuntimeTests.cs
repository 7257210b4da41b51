using ContainerIR.Acquisitions;
using ContainerIR.Collectors;
using ContainerIR.Diffs;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Verification;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Runtimes;

/// <summary>Data directories of engines that do not run, on read-only media.</summary>
public sealed class A_data_directory_without_an_engine : IDisposable
{
    private readonly string media = Directory.CreateTempSubdirectory("cir-media-").FullName;

    [Fact]
    public async Task Gives_the_same_bundle_as_its_engine_did_but_what_was_volatile()
    {
        using SecondEngine engine = new();
        using HostileTree bound = new();
        bound.File("note"u8, "bound");
        string id = engine.Docker(
            "run", "-d", "--name", "suspect", "--network", "none", "-v", "/data", "-v", $"{bound.Root}:/srv/bound", RealEngine.Image,
            "sh", "-c", "echo words; echo kept > /data/file; rm /etc/group; echo x >> /etc/passwd; echo new > /new; ln /new /new2; mkfifo /fifo; touch /ready; exec sleep 1000").Trim();
        await RealEngine.Until(() => engine.Docker("exec", id, "ls", "/").Contains("ready", StringComparison.Ordinal), "the container's work");
        Dictionary<string, string> live = await EntriesAsync(RuntimeConnector.Find(engine.Endpoint));
        engine.Stop();
        RealEngine.Run("sh", "-c", $"mount --bind {engine.Root} {media} && mount -o remount,bind,ro {media}");
        SortedDictionary<string, string> before = TreeFacts.ReadTimes(engine.Root + "/containers");

        Dictionary<string, string> dead = await EntriesAsync(RuntimeConnector.OpenDisk(media));
        using SomeAcquisition acquisition = new();
        AcquisitionResult result = await acquisition.RunAsync(new() { Container = "suspect", CaseId = SomeAcquisition.CaseId, Profile = Profile.Full, Root = media });

        Assert.Equal(live, dead);
        Assert.Empty((await BundleVerifier.VerifyAsync(result.BundlePath, new VerifyOptions(), CancellationToken.None)).Failures);
        foreach (string name in new[] { "host", "events", "network", "processes", "memory", "tmpfs", "mounts", "traffic" })
        {
            Assert.Contains(result.Gaps, gap => gap.Collector == name && gap.Reason.Contains("what was volatile is gone", StringComparison.Ordinal));
        }

        Assert.Contains("kept", RealEngine.Run("sh", "-c", $"zstd -qdc {result.BundlePath}/data/*-volumes/0001.tar.zst | tar -xO file"), StringComparison.Ordinal);
        Assert.Contains("\"log\":\"words", RealEngine.Run("sh", "-c", $"zstd -qdc {result.BundlePath}/data/*-logs/container-json.log.zst"), StringComparison.Ordinal);
        Assert.Contains("\"intact\"", File.ReadAllText(Directory.GetFiles(result.BundlePath, "layers.jsonl", SearchOption.AllDirectories).Single()), StringComparison.Ordinal);
        Assert.All(new[] { "inspect.json", "hostconfig.json", "image-inspect.json" }, name => Assert.Single(Directory.GetFiles(result.BundlePath, name, SearchOption.AllDirectories)));
        Assert.Contains(result.Gaps, gap => gap.Sought.Contains("/srv/bound", StringComparison.Ordinal) && gap.Reason.Contains("not on the given disk", StringComparison.Ordinal));
        Assert.Equal("", TreeFacts.Difference(before, TreeFacts.ReadTimes(engine.Root + "/containers")));
    }

    [Fact]
    public async Task Is_listed_with_its_risks_and_names_the_closest_when_none_matches()
    {
        using SecondEngine engine = new();
        engine.Docker("create", "--name", "ready", "--network", "none", "--cap-add", "SYS_ADMIN", RealEngine.Image);
        engine.Stop();

        await using IContainerRuntime runtime = RuntimeConnector.OpenDisk(engine.Root);
        ContainerSummary found = Assert.Single(await runtime.ListAsync(CancellationToken.None));

        Assert.Equal(("ready", RealEngine.Image, ContainerState.Created, false), (found.Container.Name, found.Container.ImageName, found.Container.State, found.Container.HasProcesses));
        Assert.Contains(found.Risks, risk => risk is { Id: "cap-add", Text: "SYS_ADMIN" });
        OperatorException failure = await Assert.ThrowsAsync<OperatorException>(() => runtime.ResolveAsync("raedy", CancellationToken.None));
        Assert.Contains("ready", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Is_refused_when_it_is_none()
    {
        OperatorException failure = Assert.Throws<OperatorException>(() => RuntimeConnector.OpenDisk(media));
        Assert.Contains("--root", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_the_vfs_driver_has_the_whole_root_and_so_has_the_live_container()
    {
        using SecondEngine engine = new("vfs");
        string id = engine.Docker("run", "-d", "--network", "none", RealEngine.Image, "sh", "-c", "echo new > /new; setfattr 2>/dev/null; rm /etc/group; touch /ready; exec sleep 1000").Trim();
        await RealEngine.Until(() => engine.Docker("exec", id, "ls", "/").Contains("ready", StringComparison.Ordinal), "the container's work");

        using FolderSink live = await CollectAsync(RuntimeConnector.Find(engine.Endpoint), id);
        await LayersAreMadeAgainAsync(engine, id);
        engine.Stop();
        using FolderSink dead = await CollectAsync(RuntimeConnector.OpenDisk(engine.Root), id);

        foreach (FolderSink sink in new[] { live, dead })
        {
            Assert.Equal("new\n", RealEngine.Run("tar", "-xOf", sink.PathOf("root.tar.zst"), "new"));
            Assert.DoesNotContain("etc/group", RealEngine.Run("tar", "-tf", sink.PathOf("root.tar.zst")), StringComparison.Ordinal);
            Assert.Single(sink.Gaps, gap => gap.Sought == "difference to the image" && gap.Reason.Contains("vfs", StringComparison.Ordinal));
            Assert.DoesNotContain(sink.Items, item => item.Path == WholeRoot.ExportItem);
        }
    }

    /// <summary>Each directory of vfs holds all below it too: the layer's record says what of it is the layer.</summary>
    private static async Task LayersAreMadeAgainAsync(SecondEngine engine, string id)
    {
        engine.Docker("commit", id, "two:1");
        string two = engine.Docker("create", "--network", "none", "two:1").Trim();
        await using IContainerRuntime runtime = RuntimeConnector.Find(engine.Endpoint);
        await using EventBacklog events = await runtime.CaptureEventsAsync(CancellationToken.None);
        CollectionContext context = new(runtime, events, Profile.Standard, TimeProvider.System) { ImageLayers = true };
        ContainerRef container = await runtime.ResolveAsync(two, CancellationToken.None);
        using FolderSink image = new();
        await new ImageCollector(context).CollectAsync(container, image, CancellationToken.None);
        Assert.Empty(image.Gaps);
        string[] blobs = Directory.GetFiles(image.PathOf("oci/blobs/sha256"));
        Assert.Equal(4, blobs.Length);
        Assert.All(blobs, blob => Assert.Equal(Path.GetFileName(blob), Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(blob)))));
        using FolderSink layers = new();
        await new LayersCollector(context).CollectAsync(container, layers, CancellationToken.None);
        Assert.Empty(layers.Gaps);
        Assert.Equal(2, File.ReadLines(layers.PathOf(LayersCollector.RowsItem)).Count(line => line.Contains("\"verdict\":\"intact\"", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Of_Podman_gives_the_entries_its_engine_gave()
    {
        string? socket = Environment.GetEnvironmentVariable("CIR_TEST_PODMAN");
        Assert.SkipWhen(string.IsNullOrEmpty(socket), "CIR_TEST_PODMAN names no socket");
        string[] options = (Environment.GetEnvironmentVariable("CIR_TEST_PODMAN_OPTIONS") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string image = Environment.GetEnvironmentVariable("CIR_TEST_PODMAN_IMAGE") ?? RealEngine.Image;
        RealEngine.Run("sh", "-c", $"docker -H {socket} rm -f -v suspect >/dev/null 2>&1 || true");
        RealEngine.Docker(["-H", socket!, "run", "-d", "--name", "suspect", .. options, "-v", "kept:/data", image, "sh", "-c", "echo words; echo new > /new; rm /etc/group; echo v > /data/file; exec sleep 1000"]);
        try
        {
            await using IContainerRuntime runtime = RuntimeConnector.Find(socket);
            string root = (await runtime.ReadFactsAsync(CancellationToken.None)).RootDirectory;
            await RealEngine.Until(() => RealEngine.Docker("-H", socket!, "exec", "suspect", "cat", "/data/file").Length > 0, "the container's work");
            Dictionary<string, string> live = await EntriesAsync(RuntimeConnector.Find(socket));
            RealEngine.Run("sh", "-c", $"mount --bind {root} {media} && mount -o remount,bind,ro {media}");

            Dictionary<string, string> dead = await EntriesAsync(RuntimeConnector.OpenDisk(media));
            using SomeAcquisition acquisition = new();
            AcquisitionResult result = await acquisition.RunAsync(new() { Container = "suspect", CaseId = SomeAcquisition.CaseId, Profile = Profile.Full, Root = media });

            Assert.Equal(live, dead);
            Assert.Contains("words", RealEngine.Run("sh", "-c", $"zstd -qdc {result.BundlePath}/data/*-logs/ctr.log.zst"), StringComparison.Ordinal);
            string oci = Path.GetDirectoryName(Directory.GetFiles(result.BundlePath, "oci-layout", SearchOption.AllDirectories).Single())!;
            Assert.Contains("diff_ids", RealEngine.Run("skopeo", "inspect", "--raw", "--config", "oci:" + oci), StringComparison.Ordinal);
            Assert.DoesNotContain(result.Gaps, gap => gap.Collector == "image" && (gap.Sought.StartsWith("layer", StringComparison.Ordinal) || gap.Sought == "the image's layers"));
            Assert.Contains("\"intact\"", File.ReadAllText(Directory.GetFiles(result.BundlePath, "layers.jsonl", SearchOption.AllDirectories).Single()), StringComparison.Ordinal);
            Assert.Contains("v", RealEngine.Run("sh", "-c", $"zstd -qdc {result.BundlePath}/data/*-volumes/0001.tar.zst | tar -xO file"), StringComparison.Ordinal);
        }
        finally
        {
            RealEngine.Docker("-H", socket!, "rm", "-f", "-v", "suspect");
        }
    }

    public void Dispose() => RealEngine.Run("sh", "-c", $"umount -l {media} 2>/dev/null; rmdir {media}");

    private static async Task<FolderSink> CollectAsync(IContainerRuntime runtime, string name)
    {
        await using (runtime)
        {
            ContainerRef container = await runtime.ResolveAsync(name, CancellationToken.None);
            await using EventBacklog events = await runtime.CaptureEventsAsync(CancellationToken.None);
            FolderSink sink = new();
            await new RootFsDiffCollector(new CollectionContext(runtime, events, Profile.Standard, TimeProvider.System)).CollectAsync(container, sink, CancellationToken.None);
            return sink;
        }
    }

    private static async Task<Dictionary<string, string>> EntriesAsync(IContainerRuntime runtime)
    {
        using FolderSink sink = await CollectAsync(runtime, "suspect");
        using FileStream entries = File.OpenRead(sink.PathOf(RootFsDiffCollector.EntriesItem));
        return DiffEntries.Read(entries).ToDictionary(entry => entry.DisplayPath, entry => $"{entry.Kind} {entry.Verdict} {entry.Object?.Sha256} {entry.Object?.Inode} {entry.Original?.Sha256} {entry.Original?.Layer}");
    }

}
