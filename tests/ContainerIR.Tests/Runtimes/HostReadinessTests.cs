using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Runtimes;

public sealed class Readiness_of_a_host
{
    [Fact]
    public async Task Is_checked_in_all_points()
    {
        IReadOnlyList<ReadinessCheck> checks = await HostReadiness.CheckAsync(RealEngine.Endpoint, "/tmp/not/yet/there", CancellationToken.None);
        Assert.Equal(checks.Count, checks.Select(check => check.Id).Distinct().Count());
        foreach (string id in new[] { "engine", "api", "root", "capabilities", "open-tree", "pagemap-scan", "sock-diag", "cgroup-mount", "storage", "log-driver", "space", "clock", "nft" })
        {
            Assert.Contains(checks, check => check.Id == id);
        }

        Assert.All(checks, check => Assert.Equal(check.State == ReadinessState.Ok, check.Remedy is null));
        Assert.Equal(ReadinessState.Ok, checks.Single(check => check.Id == "engine").State);
        Assert.Equal(ReadinessState.Ok, checks.Single(check => check.Id == "open-tree").State);
    }

    [Fact]
    public async Task Goes_on_without_an_engine()
    {
        IReadOnlyList<ReadinessCheck> checks = await HostReadiness.CheckAsync("unix:///tmp/cir-no-such.sock", "/tmp", CancellationToken.None);
        ReadinessCheck engine = checks.Single(check => check.Id == "engine");
        Assert.Equal(ReadinessState.Failure, engine.State);
        Assert.Contains("DOCKER_HOST", engine.Remedy, StringComparison.Ordinal);
        Assert.Contains(checks, check => check.Id == "clock");
    }
}
