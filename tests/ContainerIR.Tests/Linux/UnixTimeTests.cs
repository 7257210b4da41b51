using ContainerIR.Linux;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Linux;

/// <summary>Instants as file systems keep them.</summary>
public sealed class A_unix_time
{
    [Theory]
    [InlineData(0, 0, "0")]
    [InlineData(1, 1, "1.000000001")]
    [InlineData(-1, 500_000_000, "-0.500000000")]
    [InlineData(-5, 987_654_321, "-4.012345679")]
    [InlineData(-5, 0, "-5")]
    [InlineData(15_032_385_535, 999_999_999, "15032385535.999999999")]
    [InlineData(long.MinValue, 1, "-9223372036854775807.999999999")]
    [InlineData(long.MaxValue, 0, "9223372036854775807")]
    public void Is_the_exact_decimal_number_of_seconds(long seconds, uint nanoseconds, string text)
    {
        Assert.Equal(text, new UnixTime(seconds, nanoseconds).ToString());
        Assert.True(UnixTime.TryParse(text, out UnixTime back));
        Assert.Equal(new UnixTime(seconds, nanoseconds), back);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("+1")]
    [InlineData("1.5")]
    [InlineData("1.")]
    [InlineData("1.-00000001")]
    [InlineData("--1")]
    [InlineData(" 1")]
    [InlineData("1e3")]
    [InlineData("99999999999999999999")]
    public void Is_read_from_nothing_else(string text) => Assert.False(UnixTime.TryParse(text, out _));

    [Property]
    public bool Comes_back_from_its_text(long seconds, uint nanoseconds)
    {
        UnixTime time = new(seconds, nanoseconds % 1_000_000_000);
        return UnixTime.TryParse(time.ToString(), out UnixTime back) && back == time;
    }
}
