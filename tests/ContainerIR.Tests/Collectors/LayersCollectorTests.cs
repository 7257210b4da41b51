using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

/// <summary>Layers below the writable one, of images built by the real engine.</summary>
public sealed class Layers_of_an_image : IDisposable
{
    private readonly string image = $"cir-test-layers:{Environment.ProcessId}-{Guid.NewGuid():N}";

    public Layers_of_an_image()
    {
        using HostileTree context = new();
        context.File("Dockerfile"u8, $"""
            FROM {RealEngine.Image}
            COPY app /opt/app
            RUN rm /etc/group && mkdir -p /var/cache/x && echo built > /opt/built && chmod 4755 /opt/built
            LABEL of={image}
            """);
        context.File("app"u8, "#!/bin/sh\necho served\n" + image);
        RealEngine.Docker("build", "-q", "-t", image, context.Root);
    }

    [Fact]
    public async Task Have_the_digests_the_image_names_and_the_steps_that_made_them()
    {
        using TestContainer container = new([], image, ["sleep", "1000"]);
        container.Exec("rm /opt/app; echo more >> /opt/built");

        using FolderSink sink = await Engine.Collect(container.Id, context => new LayersCollector(context with { Profile = Profile.Full }));
        using FolderSink diff = await Engine.Collect(container.Id, context => new RootFsDiffCollector(context));

        List<JsonElement> rows = Lines(sink, LayersCollector.RowsItem);
        Assert.Equal(["intact", "intact", "intact"], rows.Select(row => row.GetProperty("verdict").GetString()));
        Assert.Contains("COPY", rows[1].GetProperty("history").GetProperty("created_by").GetString(), StringComparison.Ordinal);
        Assert.All(rows, (row, index) => Assert.Equal(row.GetProperty("diff_id").GetString(), "sha256:" + sink.Items.Single(item => item.Path == $"{index + 1:D4}.tar.zst").RawSha256));
        Assert.Empty(sink.Gaps);
        JsonElement layers = JsonDocument.Parse(diff.Read(RootFsDiffCollector.SummaryItem)).RootElement.GetProperty("layers");
        Assert.Contains("the engine", layers[0].GetProperty("made_by").GetString(), StringComparison.Ordinal);
        Assert.Equal(rows[2].GetProperty("diff_id").GetString(), layers[1].GetProperty("diff_id").GetString());
        Assert.Contains("COPY", layers[2].GetProperty("history").GetProperty("created_by").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task That_were_edited_on_the_host_say_which_files()
    {
        using TestContainer container = new([], image, ["sleep", "1000"]);
        string[] lowers = container.Inspect("{{.GraphDriver.Data.LowerDir}}").Split(':');
        string edited = lowers.Single(lower => File.Exists(lower + "/opt/app"));
        DateTime before = File.GetLastWriteTimeUtc(edited + "/opt/app");
        File.WriteAllText(edited + "/opt/app", "#!/bin/sh\necho stolen\n" + image);
        File.SetLastWriteTimeUtc(edited + "/opt/app", before);
        File.WriteAllText(edited + "/opt/backdoor", "x");

        using FolderSink sink = await Engine.Collect(container.Id, context => new LayersCollector(context));
        using FolderSink diff = await Engine.Collect(container.Id, context => new RootFsDiffCollector(context));

        Assert.Equal(["intact", "edited", "intact"], Lines(sink, LayersCollector.RowsItem).Select(row => row.GetProperty("verdict").GetString()));
        Assert.Equal(
            [("/opt/app", "content"), ("/opt/backdoor", "extra")],
            Lines(sink, LayersCollector.ChangesItem).Select(row => (row.GetProperty("path").GetString()!, row.GetProperty("what").GetString()!)).Order());
        Assert.DoesNotContain("backdoor", File.ReadAllText(diff.PathOf(RootFsDiffCollector.EntriesItem)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whose_files_are_gone_are_edited_and_their_tar_keeps_its_shape()
    {
        using TestContainer container = new([], image, ["sleep", "1000"]);
        string edited = container.Inspect("{{.GraphDriver.Data.LowerDir}}").Split(':').Single(lower => File.Exists(lower + "/opt/built"));
        File.Delete(edited + "/opt/built");

        using FolderSink sink = await Engine.Collect(container.Id, context => new LayersCollector(context with { Profile = Profile.Full }));

        Assert.Equal("edited", Lines(sink, LayersCollector.RowsItem)[2].GetProperty("verdict").GetString());
        Assert.Equal("missing", Lines(sink, LayersCollector.ChangesItem).Single().GetProperty("what").GetString());
        Assert.Contains("opt/built", RealEngine.Run("tar", "-tf", sink.PathOf("0003.tar.zst")), StringComparison.Ordinal);
    }

    public void Dispose() => RealEngine.Docker("rmi", "-f", image);

    private static List<JsonElement> Lines(FolderSink sink, string item) => [.. File.ReadLines(sink.PathOf(item)).Select(line => JsonDocument.Parse(line).RootElement)];
}
