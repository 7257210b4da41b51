using ContainerIR.Cases;
using ContainerIR.Evidence;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>Where cases and keys live.</summary>
public sealed class The_home_of_cases
{
    [Theory]
    [InlineData("/opt/x", "/env", "/root", true, "/opt/x")]
    [InlineData(null, "/env", "/root", true, "/env")]
    [InlineData(null, null, "/root", true, "/var/lib/containerir")]
    [InlineData(null, null, "/home/jane", false, "/home/jane/.local/share/containerir")]
    [InlineData("", "", "/home/jane", false, "/home/jane/.local/share/containerir")]
    public void Is_chosen_by_option_environment_and_user(string? option, string? variable, string user, bool isRoot, string expected) =>
        Assert.Equal(expected, CaseHome.Choose(option, name => name == "CIR_HOME" ? variable : name == "HOME" ? user : null, isRoot).Path);

    [Fact]
    public void Must_be_named_where_nothing_is_known() =>
        Assert.Contains("--home", Assert.Throws<OperatorException>(() => CaseHome.Choose(null, _ => null, isRoot: false)).Remedy, StringComparison.Ordinal);
}
