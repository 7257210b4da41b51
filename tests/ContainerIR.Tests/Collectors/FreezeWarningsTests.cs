using System.Text.Json;
using ContainerIR.Collectors;
using Xunit;

namespace ContainerIR.Tests.Collectors;

public sealed class A_warning_of_a_freeze
{
    [Fact]
    public void Tells_when_a_health_check_would_give_up()
    {
        FreezeWarnings warnings = Of("""{"Healthcheck":{"Test":["CMD-SHELL","x"],"Interval":2000000000,"Timeout":1000000000,"Retries":3}}""");
        Assert.Contains("after about 7 s", Assert.Single(warnings.Texts), StringComparison.Ordinal);
        Assert.False(warnings.IsSupervised);
    }

    [Theory]
    [InlineData("""{"Healthcheck":{"Test":["CMD","x"]},"Labels":{"autoheal":"true"}}""", 2, true)]
    [InlineData("""{"Labels":{"autoheal":"true"}}""", 1, false)]
    [InlineData("""{"Healthcheck":{"Test":["CMD","x"]},"Labels":{"autoheal":"false"}}""", 1, false)]
    [InlineData("""{"Labels":{"io.kubernetes.pod.uid":"1-2"}}""", 1, true)]
    [InlineData("""{"Healthcheck":{"Test":["NONE"]}}""", 0, false)]
    [InlineData("""{"Healthcheck":7,"Labels":[]}""", 0, false)]
    [InlineData("[]", 0, false)]
    public void Knows_who_acts_on_an_unhealthy_container(string config, int count, bool isSupervised)
    {
        FreezeWarnings warnings = Of(config);
        Assert.Equal((count, isSupervised), (warnings.Texts.Count, warnings.IsSupervised));
    }

    private static FreezeWarnings Of(string config)
    {
        using JsonDocument document = JsonDocument.Parse($$"""{"Config":{{config}}}""");
        return FreezeWarnings.Of(document.RootElement);
    }
}
