using ContainerIR.Collectors;
using ContainerIR.Diffs;
using ContainerIR.Runtimes;
using ContainerIR.Runtimes.Stores;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Runtimes;

/// <summary>A container of an engine with a containerd store, stopped: nobody but containerd's database names its layers.</summary>
public sealed class A_stopped_container_of_a_containerd_store(A_stopped_container_of_a_containerd_store.Store shared) : IClassFixture<A_stopped_container_of_a_containerd_store.Store>
{
    private readonly ContainerdStore store = shared.Containerd;

    [Fact]
    public void Has_its_layers_named_while_containerd_holds_its_database()
    {
        (string Upper, IReadOnlyList<string> Lowers) found = Assert.NotNull(ContainerdSnapshots.Find(store.EngineRoot, "overlayfs", store.Id));

        Assert.Equal(store.Upper, found.Upper);
        Assert.Equal(["dev", "etc"], found.Lowers.Select(lower => Path.GetFileName(Assert.Single(Directory.GetFileSystemEntries(lower)))));
    }

    [Fact]
    public void Is_found_among_so_many_that_the_database_has_branches()
    {
        store.Ctr("ls | wc -l; for i in $(seq 80); do " + $"ctr --address {Path.GetDirectoryName(store.Home)}/sock --namespace moby snapshots prepare other-$i base || exit 1; done");

        Assert.Equal(store.Upper, ContainerdSnapshots.Find(store.EngineRoot, "overlayfs", store.Id)?.Upper);
        Assert.Null(ContainerdSnapshots.Find(store.EngineRoot, "overlayfs", new string('e', 64)));
        Assert.Null(ContainerdSnapshots.Find(store.EngineRoot, "overlay2", store.Id));
    }

    [Fact]
    public void Is_read_again_when_containerd_writes_meanwhile()
    {
        using BoltFile database = BoltFile.Open(store.Database);
        int reads = 0;

        int found = database.Read(root =>
        {
            int count = root.Count();
            if (++reads == 1)
            {
                store.Ctr("prepare", "meanwhile", "base");
            }

            return count;
        });

        Assert.Equal(2, reads);
        Assert.True(found > 0);
    }

    [Fact]
    public async Task Gives_its_difference_from_its_data_directory_with_no_engine()
    {
        await using IContainerRuntime runtime = RuntimeConnector.OpenDisk(store.EngineRoot);
        ContainerRef container = await runtime.ResolveAsync("stopped", CancellationToken.None);

        using DiffCapture capture = await DiffCapture.Of(container);

        Assert.Equal(DiffVerdict.Modified, capture["/etc/changed"].Verdict);
        Assert.Equal(DiffVerdict.Added, capture["/etc/added"].Verdict);
        Assert.Equal(DiffVerdict.Deleted, capture["/etc/gone"].Verdict);
        Assert.Empty(capture.Sink.Gaps);
        Assert.Equal("overlayfs", (await runtime.ReadFactsAsync(CancellationToken.None)).StorageDriver);
    }

    [Fact]
    public void Never_takes_a_damaged_database_for_more_than_damaged()
    {
        string folder = Directory.CreateTempSubdirectory("cir-bolt-").FullName;
        RealEngine.Run("cp", store.Database, $"{folder}/whole"); // containerd holds a lock that .NET's reader respects
        byte[] whole = File.ReadAllBytes($"{folder}/whole");
        string home = Directory.CreateDirectory($"{folder}/containerd/io.containerd.snapshotter.v1.overlayfs").FullName;
        Random random = new(20261123);
        int refused = 0;
        try
        {
            for (int i = 0; i < 3000; i++)
            {
                byte[] bytes = i % 10 == 0 ? whole[..random.Next(whole.Length)] : [.. whole];
                for (int flips = random.Next(1, 40); flips > 0 && bytes.Length > 0; flips--)
                {
                    // Behind the meta pages, whose checksum refuses all: there the bytes count.
                    bytes[random.Next(Math.Min(8192, bytes.Length - 1), bytes.Length)] = (byte)random.Next(256);
                }

                File.WriteAllBytes($"{home}/metadata.db", bytes);
                try
                {
                    ContainerdSnapshots.Find($"{folder}/docker", "overlayfs", store.Id);
                }
                catch (InvalidDataException)
                {
                    refused++;
                }
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        Assert.InRange(refused, 100, 3000);
    }

    [Fact]
    public async Task Says_why_its_layers_are_not_found_when_the_database_is_damaged()
    {
        string folder = Directory.CreateTempSubdirectory("cir-bolt-").FullName;
        try
        {
            RealEngine.Run("sh", "-c", $"cp -a {store.EngineRoot} {folder}/docker; mkdir -p {folder}/containerd/io.containerd.snapshotter.v1.overlayfs; echo none > {folder}/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db");
            await using IContainerRuntime runtime = RuntimeConnector.OpenDisk($"{folder}/docker");

            ContainerRef container = await runtime.ResolveAsync("stopped", CancellationToken.None);
            (LayerPaths? paths, string whyNot) = await LayerPaths.FindAsync(runtime, container, CancellationToken.None);

            Assert.Null(paths);
            Assert.Contains("no bbolt database", whyNot, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public sealed class Store : IDisposable
    {
        internal ContainerdStore Containerd { get; } = new();

        public void Dispose() => Containerd.Dispose();
    }
}
