using System.Text.Json;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Evidence;
using ContainerIR.Linux;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Actions;

/// <summary>Every action that says it can be undone, undone: nothing is other than before.</summary>
public sealed class A_reversible_action
{
    [Theory]
    [InlineData("pause")]
    [InlineData("throttle", "cpu_percent=20", "pids=40")]
    [InlineData("rename", "to=cir-test-other-name")]
    [InlineData("hold")]
    public async Task Is_undone_exactly(string name, params string[] values)
    {
        using SomeHost host = new();
        using TestContainer container = RealEngine.Start(["--restart", "on-failure:3"], "sleep", "1000");
        string before = SomeHost.Snapshot(container);
        string[] own = [.. values.Select(value => value.StartsWith("to=", StringComparison.Ordinal) ? value + Environment.ProcessId : value)];

        ActionOutcome outcome = await host.Do(name, container.Id, own);
        Assert.True(outcome.Done && outcome.Verified == true, outcome.Summary);
        Assert.NotEqual(before, SomeHost.Snapshot(container));
        Assert.Equal(ChangeCondition.InForce, (await host.Look(outcome.ChangeId!)).Condition);
        UndoResult undone = await host.Undo(outcome.ChangeId);

        Assert.True(undone.Undone, undone.Summary);
        Assert.Equal(before, SomeHost.Snapshot(container));
        Assert.Equal(ChangeState.Undone, host.Parts.Journal.Load(outcome.ChangeId!).State);
    }

    [Fact]
    public async Task Takes_a_container_off_its_networks_and_connects_it_with_the_same_settings()
    {
        using SomeHost host = new();
        string fixedNet = $"cir-test-fixed-{Environment.ProcessId}", freeNet = $"cir-test-free-{Environment.ProcessId}";
        RealEngine.Docker("network", "create", "--subnet", "10.197.7.0/24", fixedNet);
        RealEngine.Docker("network", "create", freeNet);
        try
        {
            using TestContainer container = RealEngine.Start(["--network", fixedNet, "--ip", "10.197.7.77", "--network-alias", "db", "--network-alias", "shop-db"], "sleep", "1000");
            RealEngine.Docker("network", "connect", "--alias", "cache", freeNet, container.Id);
            JsonElement before = Inspect(container);

            ActionOutcome outcome = await host.Do("network-disconnect", container.Id);

            Assert.True(outcome.Verified, outcome.Summary);
            Assert.Equal("{}", container.Inspect("{{json .NetworkSettings.Networks}}"));
            Assert.Equal(ChangeCondition.InForce, (await host.Look(outcome.ChangeId!)).Condition);
            RealEngine.Docker("restart", "-t", "0", container.Id);
            Assert.Equal(ChangeCondition.InForce, (await host.Look(outcome.ChangeId!)).Condition);

            // Somebody may have the free address meanwhile: then that one cannot be had again, and it is said.
            string taken = EndpointOf(before, freeNet).GetProperty("IPAddress").GetString()!;
            using TestContainer other = RealEngine.Start(["--network", freeNet], "sleep", "1000");
            UndoResult undone = await host.Undo(outcome.ChangeId);

            Assert.True(undone.Undone, undone.Summary);
            JsonElement after = Inspect(container);
            string now = EndpointOf(after, freeNet).GetProperty("IPAddress").GetString()!;
            Assert.Equal(now != taken, undone.Summary.Contains($"{freeNet} IPAddress (was {taken}, is {now})", StringComparison.Ordinal));
            Assert.DoesNotContain(fixedNet + " ", undone.Summary, StringComparison.Ordinal);
            Assert.Equal(Settings(before, fixedNet), Settings(after, fixedNet));
            Assert.Equal(Settings(before, freeNet, "IPAddress", "MacAddress"), Settings(after, freeNet, "IPAddress", "MacAddress"));
            Assert.Equal(Rest(before), Rest(after));
            container.Exec(RealEngine.Reach("10.197.7.1"));
            Assert.Empty(await host.Undoing.StatusAsync(all: false, CancellationToken.None));
        }
        finally
        {
            RealEngine.Docker("network", "rm", fixedNet, freeNet);
        }
    }

    [Fact]
    public async Task Connects_what_is_missing_where_somebody_connected_the_rest_and_stays_on_record_where_a_network_is_gone()
    {
        using SomeHost host = new();
        string network = $"cir-test-gone-{Environment.ProcessId}";
        RealEngine.Docker("network", "create", network);
        using TestContainer container = RealEngine.Start(["--network", network], "sleep", "1000");
        RealEngine.Docker("network", "connect", "bridge", container.Id);
        ActionOutcome outcome = await host.Do("network-disconnect", container.Id);
        RealEngine.Docker("network", "connect", "bridge", container.Id);
        Assert.Contains("NOT IN FORCE: it is on bridge", (await host.Look(outcome.ChangeId!)).Words, StringComparison.Ordinal);
        RealEngine.Docker("network", "rm", network);

        UndoResult refused = await host.Undo(outcome.ChangeId);

        Assert.False(refused.Undone);
        Assert.Contains("stays on record", refused.Summary, StringComparison.Ordinal);
        Assert.NotEmpty(await host.Undoing.StatusAsync(all: false, CancellationToken.None));
        Change change = host.Parts.Journal.Load(outcome.ChangeId!);
        host.Parts.Journal.Save(change with { State = ChangeState.Undone });
    }

    [Fact]
    public async Task Stops_one_process_and_lets_it_go_on_but_never_another_of_its_number()
    {
        using SomeHost host = new();
        using TestContainer container = RealEngine.Start([], "sh", "-c", "sleep 777 & wait");
        await RealEngine.Until(() => RealEngine.Docker("top", container.Id, "-eo", "pid,args").Contains("sleep 777", StringComparison.Ordinal), "its child");
        string pid = RealEngine.Docker("top", container.Id, "-eo", "pid,args").Split('\n').First(line => line.Contains("sleep 777", StringComparison.Ordinal) && !line.Contains("sh -c", StringComparison.Ordinal)).Trim().Split(' ')[0];
        int number = int.Parse(pid, System.Globalization.CultureInfo.InvariantCulture);

        ActionOutcome outcome = await host.Do("stop-process", container.Id, "pid=" + pid);

        Assert.True(outcome.Verified, outcome.Summary);
        Assert.Equal('T', ProcessSignal.Look(number)!.State);
        Assert.True((await host.Undo(outcome.ChangeId)).Undone);
        Assert.NotEqual('T', ProcessSignal.Look(number)!.State);
        Assert.Throws<IOException>(() => ProcessSignal.Send(number, 1, Libc.SIGCONT, TimeSpan.Zero));
        await Assert.ThrowsAsync<OperatorException>(() => host.Do("stop-process", container.Id, $"pid={Environment.ProcessId}"));
    }

    [Fact]
    public async Task Denies_an_image_by_all_its_names_and_gives_them_back()
    {
        using SomeHost host = new();
        string first = $"cir-test-deny-{Environment.ProcessId}:one", second = $"cir-test-deny-{Environment.ProcessId}/b:two";
        using TestContainer seed = RealEngine.Start([], "true");
        string image = RealEngine.Docker("commit", seed.Id, first).Trim();
        RealEngine.Docker("tag", first, second);
        try
        {
            using TestContainer container = new([], first, ["sleep", "1000"]);
            string Names() => RealEngine.Docker("image", "inspect", "-f", "{{json .RepoTags}}{{json .RepoDigests}}", image);
            string before = SomeHost.Snapshot(container) + Names();

            ActionOutcome outcome = await host.Do("deny-image", container.Id);

            Assert.True(outcome.Verified, outcome.Summary);
            Assert.Throws<InvalidOperationException>(() => RealEngine.Docker("image", "inspect", first));
            Assert.True((await host.Undo(outcome.ChangeId)).Undone);
            Assert.Equal(before, SomeHost.Snapshot(container) + Names());
        }
        finally
        {
            RealEngine.Docker("rmi", "-f", first, second);
        }
    }

    [Fact]
    public async Task Keeps_the_layer_as_an_image_without_a_name_and_deletes_it_again()
    {
        using SomeHost host = new();
        using TestContainer container = RealEngine.Start([], "sh", "-c", "echo x >/tmp/x; sleep 1000");

        ActionOutcome outcome = await host.Do("commit", container.Id);

        string image = outcome.Outputs["image"];
        Assert.Equal("[]", RealEngine.Docker("image", "inspect", "-f", "{{json .RepoTags}}", image).Trim());
        Assert.True((await host.Undo(outcome.ChangeId)).Undone);
        Assert.Throws<InvalidOperationException>(() => RealEngine.Docker("image", "inspect", image));
    }

    [Theory]
    [InlineData("com.docker.swarm.task.id=abc", "swarm service")]
    [InlineData("com.docker.compose.project=shop", "compose project shop")]
    public async Task Says_who_would_replace_the_container(string label, string words)
    {
        using SomeHost host = new();
        using TestContainer container = RealEngine.Start(["--restart", "always", "--label", label], "sleep", "1000");

        ActionOutcome outcome = await host.Do("hold", container.Id);

        Assert.Contains(words, outcome.Outputs["orchestrator"], StringComparison.Ordinal);
        Assert.Contains(words, outcome.Summary, StringComparison.Ordinal);
        Assert.Equal("always", outcome.Outputs["restart_policy"]);
        Assert.Equal("no", container.Inspect("{{.HostConfig.RestartPolicy.Name}}"));
    }

    [Fact]
    public async Task Says_that_a_container_is_deleted_as_soon_as_it_ends()
    {
        using SomeHost host = new();
        string id = RealEngine.Docker("run", "-d", "--rm", RealEngine.Image, "sleep", "1000").Trim();

        ActionOutcome outcome = await host.Do("hold", id);
        ActionPreview preview = await host.Action("stop").PreviewAsync(SomeHost.CallOf(host.Action("stop"), id, null), CancellationToken.None);
        ActionOutcome ended = await host.Do(host.Parts, "stop", id, "the test is over");

        Assert.Equal("true", outcome.Outputs["auto_remove"]);
        Assert.Contains("--rm", outcome.Summary, StringComparison.Ordinal);
        Assert.Contains("deleted within a second", preview.EvidenceCost, StringComparison.Ordinal);
        Assert.True(ended.Done, ended.Summary);
    }

    private static JsonElement Inspect(TestContainer container) => JsonDocument.Parse(RealEngine.Docker("inspect", container.Id)).RootElement[0];

    private static JsonElement EndpointOf(JsonElement inspect, string network) => inspect.GetProperty("NetworkSettings").GetProperty("Networks").GetProperty(network);

    // The endpoint's own id is another each time: that is what "another endpoint" means.
    private static string Settings(JsonElement inspect, string network, params string[] but) => string.Join('\n', EndpointOf(inspect, network).EnumerateObject()
        .Where(field => field.Name != "EndpointID" && !but.Contains(field.Name)).Select(field => $"{field.Name} {field.Value.GetRawText()}"));

    private static string Rest(JsonElement inspect) => string.Join('\n', inspect.EnumerateObject()
        .Where(field => field.Name is not ("State" or "NetworkSettings" or "RestartCount")).Select(field => $"{field.Name} {field.Value.GetRawText()}"));
}
