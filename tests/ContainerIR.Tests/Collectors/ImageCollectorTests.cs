using System.Security.Cryptography;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Collectors.Images;
using ContainerIR.Rows;
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
    [InlineData(new[] { "a", "b", "c" }, new[] { "a" }, new[] { "a", "b" }, 2, "certain")]
    [InlineData(new[] { "a", "b", "c" }, new[] { "b" }, new[] { "a", "x" }, 1, "likely")]
    [InlineData(new[] { "a" }, new[] { "b" }, new[] { "c" }, 0, "unknown")]
    public void Ends_its_base_by_shared_layers_first_then_by_its_history(string[] layers, string[] one, string[] other, int expected, string confidence)
    {
        HistoryStep[] history = [new("ADD x", false), new("/bin/sh -c #(nop)  CMD [\"sh\"]", true), new("COPY y", false), new("COPY z", false)];
        BaseBoundary boundary = BaseBoundary.Find("id", layers, history, [new("1", ["one:1"], one), new("2", ["two:1"], other)]);
        Assert.Equal((expected, confidence), (boundary.Layers, boundary.Confidence));
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
