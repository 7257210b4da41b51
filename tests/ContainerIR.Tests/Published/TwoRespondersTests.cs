using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Published;

/// <summary>Two people with the same file on the same host, at the same moment: two processes that know nothing of each other.</summary>
public sealed class Two_responders : IDisposable
{
    private const string Look = """
        playbook: a-look
        name: A look and a judgement
        version: 1.0.0
        description: For tests.
        types: [investigation]
        severity: 10
        impact: 0
        variables:
          container: { type: string, external: true }
          score: { type: integer, value: 0 }
        agents:
          operator: { type: individual, name: Operator }
        steps:
          - { id: look, action: collect, with: { profile: volatile } }
          - { id: judge, action: triage, with: { rules: ["*"] }, out: [score] }
        """;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Cut_a_container_off_once_and_put_it_back_once()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        string before = SomeHost.Snapshot(container);

        Outcome[] both = await Task.WhenAll(Run("do", "isolate", container.Name, "--case", "TWO-1"), Run("do", "isolate", container.Name, "--case", "TWO-1"));

        Outcome made = Assert.Single(both, each => each.ExitCode == 0);
        Outcome refused = Assert.Single(both, each => each.ExitCode != 0);
        Assert.Contains("isolated already", refused.Error, StringComparison.Ordinal);
        Assert.Contains("What to do", refused.Error, StringComparison.Ordinal);
        Assert.Contains("verified", made.Out, StringComparison.Ordinal);
        Outcome[] undone = await Task.WhenAll(Run("undo"), Run("undo"));
        Assert.Contains(undone, each => each.ExitCode == 0 && each.Out.Contains("is lifted", StringComparison.Ordinal));
        Assert.Equal(before, SomeHost.Snapshot(container));
        Assert.Contains("Nothing is in force", (await Run("status")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_a_playbook_each_in_the_same_case_and_the_record_holds_both()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        string file = Path.Combine(folder.Path, "a-look.yaml");
        await File.WriteAllTextAsync(file, Look, TestContext.Current.CancellationToken);

        // Neither the case nor the key is there yet: both would make them.
        Outcome[] both = await Task.WhenAll(Run("playbook", "run", file, container.Name, "--case", "TWO-2"), Run("playbook", "run", file, container.Name, "--case", "TWO-2"));

        Assert.All(both, each => Assert.True(each.ExitCode == 0, each.ToString()));
        Outcome check = await Run("case", "check", "TWO-2");
        Assert.True(check.ExitCode == 0, check.ToString());
        Assert.Equal(2, Directory.GetDirectories(folder.Path, "R-*", SearchOption.AllDirectories).Length);
        string[] bundles = Directory.GetDirectories(folder.Path, "EV-*", SearchOption.AllDirectories);
        Assert.Equal(2, bundles.Length);
        foreach (string bundle in bundles)
        {
            Assert.Equal(0, (await Run("verify", bundle)).ExitCode);
        }
    }

    private Task<Outcome> Run(params string[] arguments) => PublishedFile.RunAsync(Path.Combine(folder.Path, "home"), arguments);
}
