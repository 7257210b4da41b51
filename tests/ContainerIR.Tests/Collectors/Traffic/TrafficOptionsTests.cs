using ContainerIR.Collectors.Traffic;
using ContainerIR.Evidence;
using Xunit;

namespace ContainerIR.Tests.Collectors.Traffic;

/// <summary>What a person types after <c>--pcap</c>.</summary>
public sealed class The_length_of_a_traffic_capture
{
    [Theory]
    [InlineData("30", 30, 256)]
    [InlineData("30,100", 30, 100)]
    [InlineData("86400,1048576", 86_400, 1_048_576)]
    public void Is_seconds_and_megabytes(string text, int seconds, long megabytes) =>
        Assert.Equal(new TrafficOptions(TimeSpan.FromSeconds(seconds), megabytes << 20), TrafficOptions.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("30,")]
    [InlineData("30,0")]
    [InlineData("1e3")]
    [InlineData("99999999999")]
    [InlineData("30,100,1")]
    public void Is_refused_when_it_is_something_else(string text) => Assert.Throws<OperatorException>(() => TrafficOptions.Parse(text));
}
