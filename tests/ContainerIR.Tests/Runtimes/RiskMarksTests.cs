using System.Text.Json;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Runtimes;

public sealed class Marks_of_risk
{
    [Fact]
    public void Stand_worst_first()
    {
        Assert.Equal(
            ["engine-socket", "privileged", "host-pid", "cap-add", "sensitive-mount", "host-network", "sensitive-mount", "cap-add", "no-digest"],
            Of("""
                {"HostConfig":{"Privileged":true,"PidMode":"host","NetworkMode":"host","CapAdd":["CHOWN","CAP_SYS_ADMIN"]},"Config":{"Image":"a"},
                "Mounts":[{"Type":"bind","Source":"/etc","Destination":"/e","RW":false},{"Type":"bind","Source":"//proc/../","Destination":"/h","RW":true},
                {"Type":"bind","Source":"/var/run/docker.sock","Destination":"/s","RW":false}]}
                """, hasDigest: false).Select(mark => mark.Id));
    }

    [Theory]
    [InlineData("/var/lib/docker/volumes/x/_data", "/srv/engine", null)]
    [InlineData("/srv/engine/overlay2", "/srv/engine", "sensitive-mount")]
    [InlineData("/srv/engine/volumes/x/_data", "/srv/engine", null)]
    [InlineData("/var/run", null, "engine-socket")]
    [InlineData("/home/user/.ssh", null, "sensitive-mount")]
    [InlineData("/home/user/app", null, null)]
    [InlineData("/etcetera", null, null)]
    [InlineData("/dev/sda", null, "sensitive-mount")]
    public void Know_a_host_path_from_its_like(string source, string? root, string? expected) =>
        Assert.Equal(expected, Of($$"""{"Mounts":[{"Type":"bind","Source":"{{source}}","Destination":"/x","RW":true}]}""", root).SingleOrDefault()?.Id);

    [Theory]
    [InlineData("7")]
    [InlineData("{\"HostConfig\":[],\"Mounts\":{\"a\":1}}")]
    [InlineData("{\"HostConfig\":{\"CapAdd\":[1,null],\"SecurityOpt\":\"x\",\"Devices\":[1]},\"Mounts\":[3,{\"Source\":5}]}")]
    public void Survive_a_document_of_another_form(string json) => Assert.DoesNotContain(Of(json), mark => mark.Id == "privileged");

    [Fact]
    public async Task Are_found_on_a_real_container()
    {
        using TestContainer container = RealEngine.Start(
            ["--pid=host", "--cap-add", "SYS_PTRACE", "--security-opt", "seccomp=unconfined", "-v", "/etc:/host-etc:ro", "--restart", "unless-stopped"], "sleep", "1000");
        await using IContainerRuntime runtime = RuntimeConnector.Find(RealEngine.Endpoint);
        ContainerSummary summary = (await runtime.ListAsync(CancellationToken.None)).Single(one => one.Container.Id == container.Id);
        Assert.Equal(["host-pid", "cap-add", "seccomp-unconfined", "sensitive-mount", "no-digest"], summary.Risks.Select(mark => mark.Id));
    }

    private static IReadOnlyList<RiskMark> Of(string json, string? root = null, bool? hasDigest = null)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return RiskMarks.Of(document.RootElement, root, hasDigest);
    }
}
