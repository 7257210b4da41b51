using System.Text;
using ContainerIR.Runtimes;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Runtimes;

public sealed class An_inspect_document
{
    private static readonly string Id = new('b', 64);

    [Theory]
    [InlineData("")]
    [InlineData(",\"State\":3,\"Config\":\"x\",\"Mounts\":{},\"NetworkSettings\":[],\"GraphDriver\":null,\"HostConfig\":[1]")]
    [InlineData(",\"State\":{\"Pid\":\"7\",\"Running\":\"yes\",\"StartedAt\":5},\"Created\":\"yesterday\",\"Name\":{}")]
    [InlineData(",\"State\":{\"Pid\":99999999999,\"Running\":true},\"Created\":\"0001-01-01T00:00:00Z\"")]
    public void Is_read_as_far_as_it_goes(string rest)
    {
        ContainerRef container = Read($"{{\"Id\":\"{Id}\"{rest}}}");
        Assert.Equal(Id, container.Id);
        Assert.Equal(0, container.InitPid);
        Assert.Equal("", container.Name);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"Id\":\"short\"}")]
    [InlineData("{\"Id\":\"")]
    public void Is_refused_without_an_id(string json) => Assert.Throws<InvalidDataException>(() => Read(json));

    [Fact]
    public void Keeps_a_label_of_a_megabyte_and_broken_text()
    {
        string large = new('x', 1024 * 1024);
        ContainerRef container = Read($"{{\"Id\":\"{Id}\",\"Config\":{{\"Labels\":{{\"big\":\"{large}\",\"lone\":\"\\ud800\",\"n\":7}}}}}}");
        Assert.Equal(large.Length, container.Labels["big"].Length);
        Assert.Equal("\\ud800", container.Labels["lone"]);
        Assert.DoesNotContain("n", container.Labels.Keys);
    }

    [Fact]
    public void Reads_nanosecond_times_and_never()
    {
        ContainerRef container = Read($$$"""{"Id":"{{{Id}}}","Created":"2026-11-22T19:43:17.101515543+02:00","State":{"StartedAt":"0001-01-01T00:00:00Z","FinishedAt":"0001-01-01T00:00:00Z"}}""");
        Assert.Equal(new DateTimeOffset(2026, 11, 22, 17, 43, 17, TimeSpan.Zero).AddTicks(1015155), container.CreatedAt);
        Assert.Null(container.StartedAt);
        Assert.Null(container.FinishedAt);
    }

    [Property(MaxTest = 300)]
    public void Never_fails_otherwise(byte[] bytes)
    {
        try
        {
            ContainerInspect.Read(bytes, "docker");
        }
        catch (InvalidDataException)
        {
            // The one way it may fail.
        }
    }

    private static ContainerRef Read(string json) => ContainerInspect.Read(Encoding.UTF8.GetBytes(json), "docker");
}
