using ContainerIR.Evidence;
using ContainerIR.Runtimes;
using Xunit;

namespace ContainerIR.Tests.Runtimes;

public sealed class A_container_is_chosen
{
    private static readonly ContainerCandidate Web = new("abc1" + new string('0', 60), "web", "nginx", ContainerState.Running);
    private static readonly ContainerCandidate Db = new("abc2" + new string('0', 60), "db", "postgres", ContainerState.Exited);

    /// <summary>Its name is the start of the others' ids.</summary>
    private static readonly ContainerCandidate Trap = new("ff" + new string('1', 62), "abc", "busybox", ContainerState.Running);

    private static readonly ContainerCandidate[] All = [Web, Db, Trap];

    [Fact]
    public void By_full_id_before_all_else() => Assert.Same(Web, ContainerMatch.Find(Web.Id, [.. All, new("ee" + new string('2', 62), Web.Id, "evil", ContainerState.Running)]));

    [Fact]
    public void By_name_before_prefix() => Assert.Same(Trap, ContainerMatch.Find("abc", All));

    [Theory]
    [InlineData("abc1")]
    [InlineData("ABC1")]
    [InlineData("sha256:abc1")]
    public void By_a_prefix_only_it_has(string text) => Assert.Same(Web, ContainerMatch.Find(text, All));

    [Fact]
    public void Not_when_several_have_the_prefix_and_all_are_named()
    {
        OperatorException failure = Assert.Throws<OperatorException>(() => ContainerMatch.Find("ab", All));
        foreach (string part in new[] { "abc100000000", "web", "nginx", "running", "abc200000000", "db", "postgres", "exited" })
        {
            Assert.Contains(part, failure.Message, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("busybox", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wbe")]
    [InlineData("")]
    [InlineData("\u001b[2J")]
    public void Not_when_none_matches_and_the_closest_is_named(string text)
    {
        OperatorException failure = Assert.Throws<OperatorException>(() => ContainerMatch.Find(text, All));
        Assert.Contains("web", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', failure.Message);
    }
}
