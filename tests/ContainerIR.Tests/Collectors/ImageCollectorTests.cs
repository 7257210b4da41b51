using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Collectors.Images;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

public sealed class A_collected_image
{
    [Fact]
    public async Task Is_an_oci_layout_whose_layers_have_their_diff_ids_and_that_skopeo_reads()
    {
        using BuiltImage image = new();
        using TestContainer container = new([], image.Tag, ["sleep", "1000"]);
        using FolderSink sink = await Engine.Collect(container.Id, context => new ImageCollector(context with { ImageLayers = true }));
        Assert.Empty(sink.Gaps);
        string layout = sink.PathOf("oci");
        foreach (string blob in Directory.EnumerateFiles(Path.Combine(layout, "blobs", "sha256")))
        {
            Assert.Equal(Path.GetFileName(blob), Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(blob))));
        }

        Assert.Equal(image.DiffIds.Distinct().Count() + 2, Directory.EnumerateFiles(Path.Combine(layout, "blobs", "sha256")).Count());
        if (File.Exists("/usr/bin/skopeo"))
        {
            using JsonDocument inspected = JsonDocument.Parse(RealEngine.Run("skopeo", "inspect", "oci:" + layout));
            Assert.Equal(image.DiffIds, inspected.RootElement.Texts("Layers"));
            Assert.Equal("someone", inspected.RootElement.Object("Labels").Text("maintainer"));
        }
    }

    [Fact]
    public async Task Tells_its_layers_their_files_and_where_its_base_ends()
    {
        using BuiltImage image = new();
        using TestContainer container = new([], image.Tag, ["sleep", "1000"]);
        using FolderSink sink = await Engine.Collect(container.Id, context => new ImageCollector(context));
        using JsonDocument facts = JsonDocument.Parse(sink.Read("image.json"));
        JsonElement root = facts.RootElement;
        List<JsonElement> layers = [.. root.Items("layers")];
        Assert.Equal(image.DiffIds, layers.Select(layer => layer.Text("diff_id")!));
        Assert.Equal(["base", "application", "application"], layers.Select(layer => layer.Text("origin")!));
        Assert.Equal([1L, 2L], layers.Skip(1).Select(layer => layer.Number("files")!.Value));
        Assert.Equal(4096 + 3, layers[2].Number("bytes"));
        Assert.Equal(("certain", 1L), (root.Object("base_image").Text("confidence"), root.Object("base_image").Number("layers")));
        Assert.Contains(RealEngine.Image, root.Object("base_image").Texts("images"));
        Assert.Equal("someone", root.Object("labels").Text("maintainer"));
        Assert.Contains(root.Items("events"), row => row.Text("action") == "tag");
        Assert.Equal("sha256:" + Convert.ToHexStringLower(SHA256.HashData(sink.Read("image-config.json"))), root.Text("id"));
        Assert.DoesNotContain(sink.Items, item => item.Path.StartsWith("oci/", StringComparison.Ordinal));
        using JsonDocument signatures = JsonDocument.Parse(sink.Read("signatures.json"));
        Assert.StartsWith("nothing", signatures.RootElement.Text("verified"), StringComparison.Ordinal);
        Assert.Empty(sink.Gaps);
    }

    [Fact]
    public async Task Names_a_layer_that_was_changed_on_the_host()
    {
        using BuiltImage image = new();
        using TestContainer container = new([], image.Tag, ["sleep", "1000"]);
        using JsonDocument before = JsonDocument.Parse((await Engine.Collect(container.Id, context => new ImageCollector(context))).Read("image.json"));
        string layer = before.RootElement.Items("layers").Last().Text("directory")!;
        await File.WriteAllTextAsync(Path.Combine(layer, "small"), "hi\t", TestContext.Current.CancellationToken);
        using FolderSink sink = await Engine.Collect(container.Id, context => new ImageCollector(context with { ImageLayers = true }));
        (string sought, string reason) = Assert.Single(sink.Gaps);
        Assert.Contains(image.DiffIds[2], sought, StringComparison.Ordinal);
        Assert.Contains("was changed on this host", reason, StringComparison.Ordinal);
        File.Delete(Path.Combine(layer, "small"));
        using FolderSink missing = await Engine.Collect(container.Id, context => new ImageCollector(context with { ImageLayers = true }));
        Assert.Contains("/small", Assert.Single(missing.Gaps).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("config")]
    [InlineData("manifest")]
    [InlineData("index")]
    public async Task Comes_out_of_containerds_store_by_its_digests(string idIs)
    {
        using ContentStore store = new();
        string id = idIs switch { "config" => store.Config, "manifest" => store.Manifest, _ => store.Index };
        using FolderSink sink = new();
        await ImageLayers.CopyAsync(SomeContainer.With(new string('c', 64)) with { ImageId = id }, store.EngineRoot, sink, CancellationToken.None);
        Assert.Empty(sink.Gaps);
        Assert.Equal(new[] { store.Config, store.Manifest, store.Layer }.Select(digest => digest[7..]).Order(), Directory.GetFiles(sink.PathOf("oci/blobs/sha256")).Select(Path.GetFileName).Order());
        if (File.Exists("/usr/bin/skopeo"))
        {
            using JsonDocument inspected = JsonDocument.Parse(RealEngine.Run("skopeo", "inspect", "oci:" + sink.PathOf("oci")));
            Assert.Equal([store.Layer], inspected.RootElement.Texts("Layers"));
        }
    }

    [Fact]
    public async Task Without_a_store_that_has_its_layers_is_a_gap_that_says_where_they_were_sought()
    {
        using ContentStore store = new();
        ContainerRef container = SomeContainer.With(new string('c', 64)) with { ImageId = store.Config, StorageDriver = "overlayfs" };
        File.WriteAllText(store.PathOf(store.Layer), "changed");
        using FolderSink changed = new();
        await ImageLayers.CopyAsync(container, store.EngineRoot, changed, CancellationToken.None);
        Assert.Contains("was changed on this host", Assert.Single(changed.Gaps).Reason, StringComparison.Ordinal);
        File.Delete(store.PathOf(store.Layer));
        using FolderSink dropped = new();
        await ImageLayers.CopyAsync(container, store.EngineRoot, dropped, CancellationToken.None);
        Assert.Contains("drops layers once they are unpacked", Assert.Single(dropped.Gaps).Reason, StringComparison.Ordinal);
        using FolderSink other = new();
        await ImageLayers.CopyAsync(container with { ImageId = "sha256:" + new string('8', 64) }, store.EngineRoot, other, CancellationToken.None);
        Assert.Contains("no manifest of the image is in", Assert.Single(other.Gaps).Reason, StringComparison.Ordinal);
        using FolderSink nothing = new();
        await ImageLayers.CopyAsync(container, "/nonexistent/docker", nothing, CancellationToken.None);
        Assert.Contains("overlayfs", Assert.Single(nothing.Gaps).Reason, StringComparison.Ordinal);
        Assert.Contains("no content store of containerd", nothing.Gaps[0].Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new[] { "a", "b", "c" }, new[] { "a" }, new[] { "a", "b" }, 2, "certain")]
    [InlineData(new[] { "a", "b", "c" }, new[] { "b" }, new[] { "a", "x" }, 1, "likely")]
    [InlineData(new[] { "a" }, new[] { "b" }, new[] { "c" }, 0, "unknown")]
    public void Ends_its_base_by_shared_layers_first_then_by_its_history(string[] layers, string[] one, string[] other, int expected, string confidence)
    {
        HistoryStep[] history = [new("ADD x", false), new("/bin/sh -c #(nop)  CMD [\"sh\"]", true), new("COPY y", false), new("COPY z", false)];
        BaseBoundary boundary = BaseBoundary.Find("id", layers, history, [new("1", ["one:1"], one), new("2", ["two:1"], other)]);
        Assert.Equal((expected, confidence), (boundary.Layers, boundary.Confidence));
    }

    /// <summary>A content store of containerd's beside an engine's data directory, with one image of one layer.</summary>
    private sealed class ContentStore : IDisposable
    {
        private readonly string folder = Directory.CreateTempSubdirectory("cir-content-").FullName;

        public ContentStore()
        {
            Directory.CreateDirectory(EngineRoot);
            Directory.CreateDirectory(Path.GetDirectoryName(PathOf("sha256:x"))!);
            Layer = Put(new byte[3000]);
            Config = Put(Encoding.ASCII.GetBytes($$$"""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["{{{Layer}}}"]}}"""));
            Manifest = Put(Encoding.ASCII.GetBytes($$"""
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{Config}}","size":{{new FileInfo(PathOf(Config)).Length}}},
                "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{Layer}}","size":3000}]}
                """));
            Index = Put(Encoding.ASCII.GetBytes($$"""{"schemaVersion":2,"manifests":[{"digest":"sha256:{{new string('4', 64)}}"},{"digest":"{{Manifest}}"}]}"""));
        }

        public string EngineRoot => Path.Combine(folder, "docker");

        public string Layer { get; }

        public string Config { get; }

        public string Manifest { get; }

        public string Index { get; }

        public string PathOf(string digest) => Path.Combine(folder, "containerd", "io.containerd.content.v1.content", "blobs", "sha256", digest[7..]);

        public void Dispose() => Directory.Delete(folder, recursive: true);

        private string Put(byte[] content)
        {
            string digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));
            File.WriteAllBytes(PathOf(digest), content);
            return digest;
        }
    }

    /// <summary>busybox and two layers more: hard links, a long name, a name that is no UTF-8.</summary>
    private sealed class BuiltImage : IDisposable
    {
        private readonly string folder = Directory.CreateTempSubdirectory("cir-image-").FullName;

        public BuiltImage()
        {
            Tag = $"cir-test:built-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}";
            RealEngine.Run("sh", "-c", $"cd {folder} && echo a > one && mkdir tree && head -c 4096 /dev/urandom > tree/{new string('n', 150)} && printf 'hi\\n' > tree/small && ln -s small tree/link");
            File.WriteAllText(Path.Combine(folder, "Dockerfile"), $"FROM {RealEngine.Image}\nCOPY one /one\nLABEL maintainer=someone\nCOPY tree /\n");
            RealEngine.Docker("build", "-q", "-t", Tag, folder);
            DiffIds = [.. JsonDocument.Parse(RealEngine.Docker("inspect", Tag)).RootElement[0].GetProperty("RootFS").Texts("Layers")];
        }

        public string Tag { get; }

        public List<string> DiffIds { get; }

        public void Dispose()
        {
            RealEngine.Docker("rmi", "-f", Tag);
            Directory.Delete(folder, recursive: true);
        }
    }
}
