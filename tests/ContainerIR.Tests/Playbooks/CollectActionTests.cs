using System.Net;
using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Evidence;
using ContainerIR.Playbooks.Actions;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Playbooks;

public sealed class Collecting_from_all_who_share_a_network
{
    private static readonly string Suspect = new('a', 64);
    private static readonly string Sharer = new('b', 64);
    private static readonly string Vanished = new('c', 64);
    private static readonly string Stranger = new('d', 64);

    [Fact]
    public async Task Goes_on_when_one_of_them_goes_away_and_says_so()
    {
        using SomeAcquisition home = new();
        int looks = 0;
        using FakeEngine engine = new(path => path.Contains("/containers/json", StringComparison.Ordinal)
            ? FakeEngine.Json($"[{string.Join(',', ((string[])[Suspect, Sharer, Vanished, Stranger]).Select(id => $$"""{"Id":"{{id}}","Names":["/n{{id[0]}}"],"State":"running"}"""))}]")
            : Inspected(path) is not { } id ? FakeEngine.Json("{}")
            : id == Vanished && ++looks > 1 ? FakeEngine.Json("{}", HttpStatusCode.NotFound)
            : FakeEngine.Json($$$"""{"Id":"{{{id}}}","Name":"/n{{{id[0]}}}","State":{"Status":"running","Running":true,"Pid":{{{(id == Stranger || id == Vanished ? 0 : Environment.ProcessId)}}}}}"""));
        List<string> asked = [];
        OwnActionParts parts = new(
            new(home.Folder), _ => "", TimeProvider.System,
            (request, _, _) =>
            {
                asked.Add(request.Container);
                return request.Container == Sharer
                    ? throw new OperatorException("There is no container any more.", "Nothing.")
                    : Task.FromResult(new AcquisitionResult { BundlePath = "/EV-1", RootSha256 = "", CaseId = request.CaseId, Items = [], Gaps = [], Duration = TimeSpan.Zero });
            },
            _ => { })
        {
            Endpoint = engine.Endpoint,
        };

        ActionOutcome outcome = await new CollectAction(parts).RunAsync(
            new ActionCall(Suspect, new Dictionary<string, string> { ["profile"] = "volatile", ["scope"] = "netns-peers" }, SomeAcquisition.CaseId, "Otto"), CancellationToken.None);

        Assert.Equal([Suspect, Sharer], asked);
        Assert.Equal("/EV-1", outcome.Outputs["bundle"]);
        Assert.Contains("not copied: 2 that may belong to it, first: nc: ", outcome.Summary, StringComparison.Ordinal);
    }

    private static string? Inspected(string path) => ((string[])[Suspect, Sharer, Vanished, Stranger]).FirstOrDefault(id => path.Contains($"/containers/{id}/json", StringComparison.Ordinal));
}
