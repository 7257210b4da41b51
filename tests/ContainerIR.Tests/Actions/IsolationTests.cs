using System.Diagnostics;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Actions.Isolation;
using ContainerIR.Evidence;
using ContainerIR.Linux;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Actions;

/// <summary>Isolation on the real engine: what it cuts, what it leaves, and that undoing leaves nothing.</summary>
public sealed class An_isolation
{
    private const string Chatter = "nc -ll -p 9000 -e /bin/sh -c 'while true; do echo line; usleep 50000; done'";

    [Fact]
    public async Task Cuts_an_open_flow_and_every_way_and_is_undone_to_the_last_rule()
    {
        using SomeHost host = new();
        using TestContainer peer = RealEngine.Start([], "sh", "-c", Chatter);
        using TestContainer suspect = RealEngine.Start(["-p", "127.0.0.1::80"], "sh", "-c", $"sleep 0.3; sleep 1000 | nc {peer.Inspect("{{.NetworkSettings.IPAddress}}")} 9000 >/tmp/lines; sleep 1000");
        await RealEngine.Until(() => Received(suspect) > 20, "the flow");
        string before = SomeHost.Snapshot(suspect);

        ActionOutcome outcome = await host.Do("isolate", suspect.Name);

        Assert.True(outcome.Done);
        Assert.True(outcome.Verified, string.Join('\n', outcome.Outputs));
        foreach (string way in (string[])["established", "new-out", "same-bridge", "host", "from-host", "published"])
        {
            Assert.Equal("verified", outcome.Outputs["probe." + way]);
        }

        ulong cut = Received(suspect);
        Assert.Throws<InvalidOperationException>(() => peer.Exec($"ping -c1 -W1 {suspect.Inspect("{{.NetworkSettings.IPAddress}}")}"));
        peer.Exec(RealEngine.Reach(peer.Inspect("{{.NetworkSettings.Gateway}}")));
        Assert.Equal(cut, Received(suspect));
        Assert.Equal("ESTABLISHED", Assert.Single(Flows(suspect)).State);
        Assert.Equal(ChangeCondition.InForce, (await host.Look(outcome.ChangeId!)).Condition);
        OperatorException undecided = await Assert.ThrowsAsync<OperatorException>(() => host.Undo(outcome.ChangeId));
        Assert.Contains("outlived", undecided.Message, StringComparison.Ordinal);

        UndoResult undone = await host.Undo(outcome.ChangeId, reset: true);

        Assert.True(undone.Undone, undone.Summary);
        Assert.Empty(Flows(suspect));
        Assert.Equal(before, SomeHost.Snapshot(suspect));
        suspect.Exec(RealEngine.Reach(peer.Inspect("{{.NetworkSettings.IPAddress}}")));
    }

    [Fact]
    public async Task Lets_a_flow_go_on_when_that_is_chosen_and_an_allowed_peer_through_meanwhile()
    {
        using SomeHost host = new();
        using TestContainer peer = RealEngine.Start([], "sh", "-c", Chatter);
        string ip = peer.Inspect("{{.NetworkSettings.IPAddress}}");
        using TestContainer suspect = RealEngine.Start([], "sh", "-c", $"sleep 0.3; nc {ip} 9000 >/tmp/lines; sleep 1000");
        await RealEngine.Until(() => Received(suspect) > 20, "the flow");

        ActionOutcome allowing = await host.Do("isolate", suspect.Name, $"allow={ip}:9000");
        ulong then = Received(suspect);
        await RealEngine.Until(() => Received(suspect) > then + 20, "the allowed flow");
        Assert.False(allowing.Verified);
        Assert.Throws<InvalidOperationException>(() => suspect.Exec($"ping -c1 -W1 {ip}"));
        await host.Undo(allowing.ChangeId, reset: false);

        ActionOutcome silent = await host.Do("isolate", suspect.Name, "log_drops=false");
        Assert.True(silent.Verified, silent.Summary);
        Assert.True((await host.Undo(silent.ChangeId, reset: false)).Undone);
        then = Received(suspect);
        await RealEngine.Until(() => Received(suspect) > then + 20, "the flow that goes on");
    }

    [Fact]
    public async Task Holds_against_a_container_that_changes_its_addresses_and_flushes_its_rules()
    {
        using SomeHost host = new();
        using TestContainer suspect = RealEngine.Start(["--cap-add", "NET_ADMIN"], "sleep", "1000");
        ActionOutcome outcome = await host.Do("isolate", suspect.Name);
        string gateway = suspect.Inspect("{{.NetworkSettings.Gateway}}");

        SomeHost.InNetworkOf(suspect, "nft", "flush", "ruleset");
        suspect.Exec($"ip link set eth0 down; ip link set eth0 address 02:42:0a:c7:00:fe; ip link set eth0 up; ip addr flush dev eth0; ip addr add {gateway[..gateway.LastIndexOf('.')]}.250/24 dev eth0; ip route add default via {gateway}");

        Assert.Throws<InvalidOperationException>(() => suspect.Exec($"ping -c1 -W1 {gateway}"));
        ActionOutcome again = await host.Do("verify", suspect.Name, "what=isolation");
        Assert.True(again.Verified, again.Summary);
        Assert.True((await host.Undo(outcome.ChangeId, reset: true)).Undone);
        suspect.Exec(RealEngine.Reach(gateway));
    }

    [Fact]
    public async Task Sets_links_down_where_there_is_no_nft_and_up_again_as_they_were()
    {
        using SomeHost host = new();
        using TestContainer suspect = RealEngine.Start([], "sleep", "1000");
        ActionParts bare = host.Parts with { FindNft = () => null };
        string before = SomeHost.Snapshot(suspect);

        ActionOutcome outcome = await host.Do(bare, "isolate", suspect.Name, null);

        Assert.True(outcome.Verified, outcome.Summary);
        Assert.Equal("link-down", outcome.Outputs["method"]);
        Assert.Throws<InvalidOperationException>(() => suspect.Exec($"ping -c1 -W1 {suspect.Inspect("{{.NetworkSettings.Gateway}}")}"));
        Assert.True((await host.Undo(outcome.ChangeId)).Undone);
        await RealEngine.Until(() => SomeHost.Snapshot(suspect) == before, "the links as they were");
        OperatorException refused = await Assert.ThrowsAsync<OperatorException>(() => host.Do(bare, "isolate", suspect.Name, null, "method=veth-nft"));
        Assert.Contains("nft is not installed", refused.Message, StringComparison.Ordinal);
    }

    // As of macvlan and ipvlan, whose interfaces have no other end outside; the kernels of test machines often have neither.
    [Fact]
    public async Task In_the_containers_own_namespace_cuts_and_is_undone_exactly()
    {
        using SomeHost host = new();
        using TestContainer suspect = RealEngine.Start([], "sleep", "1000");
        string before = SomeHost.Snapshot(suspect);
        string gateway = suspect.Inspect("{{.NetworkSettings.Gateway}}");

        ActionOutcome outcome = await host.Do("isolate", suspect.Name, "method=netns-nft");

        Assert.Equal("netns-nft", outcome.Outputs["method"]);
        Assert.True(outcome.Verified, string.Join('\n', outcome.Outputs));
        Assert.Throws<InvalidOperationException>(() => suspect.Exec($"ping -c1 -W1 {gateway}"));
        Assert.True((await host.Undo(outcome.ChangeId, reset: false)).Undone);
        Assert.Equal(before, SomeHost.Snapshot(suspect));
    }

    [Fact]
    public async Task Matches_the_control_group_of_a_container_on_the_hosts_network_and_spares_the_host()
    {
        using SomeHost host = new();
        using TestContainer other = RealEngine.Start(["--network", "host"], "nc", "-ll", "-p", "17655", "-e", "/bin/true");
        using TestContainer suspect = RealEngine.Start(["--network", "host"], "nc", "-ll", "-p", "17654", "-e", "/bin/true");
        await RealEngine.Until(() => SomeHost.OnHost("ss", "-ltn").Contains("17654", StringComparison.Ordinal) && SomeHost.OnHost("ss", "-ltn").Contains("17655", StringComparison.Ordinal), "the listeners");
        string before = SomeHost.Snapshot(suspect);

        ActionOutcome outcome = await host.Do("isolate", suspect.Name);

        Assert.Equal("cgroup", outcome.Outputs["method"]);
        Assert.True(outcome.Verified, string.Join('\n', outcome.Outputs));
        other.Exec("nc -w 2 127.0.0.1 17655 </dev/null");
        Assert.Throws<InvalidOperationException>(() => other.Exec("nc -w 1 127.0.0.1 17654 </dev/null"));
        await Assert.ThrowsAsync<OperatorException>(() => host.Do("isolate", other.Name, "method=veth-nft"));
        Assert.True((await host.Undo(outcome.ChangeId)).Undone);
        Assert.Equal(before, SomeHost.Snapshot(suspect));
    }

    /// <summary>The rule names a control group by its number; the path of the next life is the same, the number is not.</summary>
    [Fact]
    public async Task On_the_hosts_network_is_known_to_have_lapsed_with_the_control_group_and_is_put_in_force_again()
    {
        using SomeHost host = new();
        using TestContainer other = RealEngine.Start(["--network", "host"], "sleep", "1000");
        using TestContainer suspect = RealEngine.Start(["--network", "host"], "nc", "-ll", "-p", "17656", "-e", "/bin/true");
        Task ListensAsync() => RealEngine.Until(() => SomeHost.OnHost("ss", "-ltn").Contains("17656", StringComparison.Ordinal), "the listener");
        await ListensAsync();
        ActionOutcome outcome = await host.Do("isolate", suspect.Name);
        Assert.True(outcome.Verified, string.Join('\n', outcome.Outputs));

        RealEngine.Docker("restart", "-t", "0", suspect.Id);
        await ListensAsync();
        other.Exec("nc -w 2 127.0.0.1 17656 </dev/null");
        ChangeLook lapsed = await host.Look(outcome.ChangeId!);
        Assert.Equal(ChangeCondition.NotInForce, lapsed.Condition);
        Assert.Contains("started again, in another control group", lapsed.Words, StringComparison.Ordinal);

        (Change Change, IReadOnlyList<ProbedWay> Ways)? again = await new IsolateAction(host.Parts).ReapplyAsync(host.Parts.Journal.Load(outcome.ChangeId!), CancellationToken.None);
        Assert.True(again?.Change.Verified);
        Assert.Equal(ChangeCondition.InForce, (await host.Look(outcome.ChangeId!)).Condition);
        Assert.Throws<InvalidOperationException>(() => other.Exec("nc -w 1 127.0.0.1 17656 </dev/null"));
        Assert.True((await host.Undo(outcome.ChangeId)).Undone);
        other.Exec("nc -w 2 127.0.0.1 17656 </dev/null");
    }

    [Fact]
    public async Task Names_who_shares_the_network_and_is_cut_off_with_it()
    {
        using SomeHost host = new();
        using TestContainer owner = RealEngine.Start([], "sleep", "1000");
        using TestContainer sharer = RealEngine.Start(["--network", "container:" + owner.Name], "sleep", "1000");

        OperatorException refused = await Assert.ThrowsAsync<OperatorException>(() => host.Do("isolate", sharer.Name, "include_sharers=false"));
        ActionOutcome outcome = await host.Do("isolate", sharer.Name);

        Assert.Contains("cut off with it", refused.Message, StringComparison.Ordinal);
        Assert.Equal(owner.Id, outcome.Outputs["sharers"]);
        Assert.True(outcome.Verified, outcome.Summary);
        Assert.Throws<InvalidOperationException>(() => owner.Exec($"ping -c1 -W1 {owner.Inspect("{{.NetworkSettings.Gateway}}")}"));
    }

    [Fact]
    public async Task Of_a_container_that_has_ended_is_refused_and_of_one_without_network_is_nothing()
    {
        using SomeHost host = new();
        using TestContainer ended = RealEngine.Start([], "true");
        using TestContainer alone = RealEngine.Start(["--network", "none"], "sleep", "1000");
        await RealEngine.Until(() => ended.Inspect("{{.State.Status}}") == "exited", "the end");

        OperatorException refused = await Assert.ThrowsAsync<OperatorException>(() => host.Do("isolate", ended.Name));
        ActionOutcome nothing = await host.Do("isolate", alone.Name);

        Assert.Contains("no network to cut", refused.Message, StringComparison.Ordinal);
        Assert.Null(nothing.ChangeId);
        Assert.Contains("nothing to cut", nothing.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_made_once_when_two_responders_ask_at_the_same_time()
    {
        using SomeHost host = new();
        using TestContainer suspect = RealEngine.Start([], "sleep", "1000");
        RealEngine.Docker("pause", suspect.Id);

        Task<ActionOutcome>[] both = [Task.Run(() => host.Do("isolate", suspect.Name)), Task.Run(() => host.Do("isolate", suspect.Name))];
        try
        {
            await Task.WhenAll(both);
        }
        catch (OperatorException)
        {
            // One of them, and which is looked at below.
        }

        ActionOutcome made = await Assert.Single(both, each => each.IsCompletedSuccessfully);
        Assert.True(made.Verified, made.Summary);
        Assert.Contains("isolated already", Assert.Single(both, each => each.IsFaulted).Exception!.InnerException!.Message, StringComparison.Ordinal);
        RealEngine.Docker("unpause", suspect.Id);
    }

    [Fact]
    public async Task Is_put_in_force_again_after_a_restart_and_for_a_network_that_comes_later()
    {
        using SomeHost host = new();
        using TestContainer suspect = RealEngine.Start([], "sleep", "1000");
        string network = $"cir-test-net-{Environment.ProcessId}";
        RealEngine.Docker("network", "create", network);
        try
        {
            ActionOutcome outcome = await host.Do("isolate", suspect.Name);
            RealEngine.Docker("restart", "-t", "0", suspect.Id);
            ChangeLook lapsed = await host.Look(outcome.ChangeId!);
            Assert.Equal(ChangeCondition.NotInForce, lapsed.Condition);
            Assert.Contains("NOT IN FORCE", lapsed.Words, StringComparison.Ordinal);

            using CancellationTokenSource end = new();
            IsolationWatch watch = new(host.Parts, _ => { });
            Task watching = watch.RunAsync(null, end.Token);
            await Until(host, outcome.ChangeId!, ChangeCondition.InForce);
            RealEngine.Docker("network", "connect", network, suspect.Id);
            await RealEngine.Until(() => host.Parts.Journal.Load(outcome.ChangeId!) is { Verified: true } change && IsolationPlan.Of(change).Links.Count == 2, "both networks cut");
            await Until(host, outcome.ChangeId!, ChangeCondition.InForce);
            RealEngine.Docker("restart", "-t", "0", suspect.Id);
            await Until(host, outcome.ChangeId!, ChangeCondition.InForce);
            await end.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);

            Assert.True((await host.Undo(outcome.ChangeId)).Undone);
            Assert.DoesNotContain(suspect.Id[..12], SomeHost.OnHost("nft", "list", "tables"), StringComparison.Ordinal);
        }
        finally
        {
            RealEngine.Docker("network", "disconnect", "-f", network, suspect.Id);
            RealEngine.Docker("network", "rm", network);
        }
    }

    [Theory]
    [InlineData("before")]
    [InlineData("after")]
    public async Task Cut_off_by_kill_at_the_change_is_told_as_it_is_and_mended(string point)
    {
        using SomeHost host = new();
        using TestContainer suspect = RealEngine.Start([], "sleep", "1000");
        string before = SomeHost.Snapshot(suspect);
        string tools = Directory.CreateDirectory(host.Folder + "/tools").FullName;
        string real = HostProgram.Find("nft")!;

        // The program that makes the change kills whoever called it: the intent is on disk, the outcome is not.
        File.WriteAllText(tools + "/nft", $"#!/bin/sh\n[ \"$1\" = -f ] || exec {real} \"$@\"\n{(point == "after" ? real + " \"$@\"" : "true")}\nkill -9 $PPID\n");
        File.SetUnixFileMode(tools + "/nft", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "cir.dll"), "do", "isolate", suspect.Name, "--case", SomeHost.CaseId]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["PATH"] = tools + ":" + Environment.GetEnvironmentVariable("PATH");
        start.Environment["CIR_HOME"] = host.Home.Path;
        start.Environment["CIR_CHANGES"] = host.Parts.ChangesFolder;
        using (Process process = Process.Start(start)!)
        {
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(137, process.ExitCode);
        }

        ChangeStatus status = Assert.Single(await host.Undoing.StatusAsync(all: false, CancellationToken.None));
        Assert.Equal(ChangeState.Intended, status.Change.State);
        Assert.Equal(point == "after" ? ChangeCondition.InForce : ChangeCondition.NotInForce, status.Look.Condition);
        Assert.StartsWith("interrupted", status.Look.Words, StringComparison.Ordinal);
        Assert.Equal(point == "after", SomeHost.OnHost("nft", "list", "tables").Contains(suspect.Id[..12], StringComparison.Ordinal));

        Assert.True((await host.Undo(status.Change.Id)).Undone);

        Assert.Equal(before, SomeHost.Snapshot(suspect));
        Assert.Empty(await host.Undoing.StatusAsync(all: false, CancellationToken.None));
    }

    private static async Task Until(SomeHost host, string id, ChangeCondition condition)
    {
        long started = Stopwatch.GetTimestamp();
        while ((await host.Look(id)).Condition != condition)
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(30), $"waited 30 s for {condition}");
        }
    }

    private static List<SocketEntry> Flows(TestContainer container)
    {
        using NamespaceHandle space = NamespaceHandle.OfProcess(container.InitPid);
        return SocketReset.Connected(space);
    }

    private static ulong Received(TestContainer container) => Flows(container).Aggregate(0UL, (sum, each) => sum + (each.BytesReceived ?? 0));
}
