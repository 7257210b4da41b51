using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Actions.Isolation;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Actions;

/// <summary>Containment on engines that crash, and on one that is a swarm.</summary>
public sealed class A_contained_container_of_another_engine
{
    [Fact]
    public async Task Stays_cut_off_while_its_engine_crashes_and_comes_back()
    {
        using SecondEngine engine = SecondEngine.WithBridge("--live-restore");
        using SomeHost host = new();
        ActionParts parts = host.Parts with { Endpoint = engine.Endpoint };
        ChangeUndo undo = new(parts);
        string id = engine.Docker("run", "-d", "--cap-add", "NET_RAW", RealEngine.Image, "sleep", "1000").Trim();
        engine.Docker("exec", id, "sh", "-c", RealEngine.Reach("10.196.0.1"));
        ActionOutcome outcome = await host.Do(parts, "isolate", id, null);
        Assert.True(outcome.Verified, outcome.Summary);

        engine.Crash();

        Assert.Equal("true", engine.Docker("inspect", "-f", "{{.State.Running}}", id).Trim());
        Assert.Equal(ChangeCondition.InForce, (await undo.LookAsync(parts.Journal.Load(outcome.ChangeId!), CancellationToken.None)).Condition);
        Assert.True((await host.Do(parts, "verify", id, null, "what=isolation")).Verified);
        Assert.Throws<InvalidOperationException>(() => engine.Docker("exec", id, "ping", "-c1", "-W1", "10.196.0.1"));
        Assert.True((await undo.RunAsync(outcome.ChangeId!, new UndoChoices(true), CancellationToken.None)).Undone);
        engine.Docker("exec", id, "sh", "-c", RealEngine.Reach("10.196.0.1"));
        Assert.DoesNotContain(id[..12], engine.OnHost("nft", "list", "ruleset"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_cut_off_again_when_its_engine_was_stopped_and_its_restart_policy_starts_it_anew()
    {
        using SecondEngine engine = SecondEngine.WithBridge();
        using SomeHost host = new();
        ActionParts parts = host.Parts with { Endpoint = engine.Endpoint };
        ChangeUndo undo = new(parts);
        string id = engine.Docker("run", "-d", "--restart", "always", "--cap-add", "NET_RAW", RealEngine.Image, "sleep", "1000").Trim();
        engine.Docker("exec", id, "sh", "-c", RealEngine.Reach("10.196.0.1"));
        string before = Settings(engine, id), firstLife = Life(engine, id);
        ActionOutcome outcome = await host.Do(parts, "isolate", id, null);
        Assert.True(outcome.Verified, outcome.Summary);
        Task<ChangeLook> LookAsync() => undo.LookAsync(parts.Journal.Load(outcome.ChangeId!), CancellationToken.None);

        engine.Halt();
        ChangeLook down = await LookAsync();
        Assert.Equal(ChangeCondition.Unknown, down.Condition);
        Assert.Contains("cannot be looked at", down.Words, StringComparison.Ordinal);
        engine.GoOn();
        await RealEngine.Until(() => engine.Docker("inspect", "-f", "{{.State.Running}}", id).Trim() == "true", "its restart policy");

        // Another life: another network namespace with another veth, and nothing that cuts it off.
        Assert.NotEqual(firstLife, Life(engine, id));
        engine.Docker("exec", id, "sh", "-c", RealEngine.Reach("10.196.0.1"));
        ChangeLook lapsed = await LookAsync();
        Assert.Equal(ChangeCondition.NotInForce, lapsed.Condition);
        Assert.StartsWith("NOT IN FORCE: the container was started again", lapsed.Words, StringComparison.Ordinal);
        Assert.Contains("cir watch isolation", lapsed.Words, StringComparison.Ordinal);

        // The watch outlives an engine that goes and comes.
        List<string> said = [];
        using CancellationTokenSource end = new();
        TaskCompletionSource follows = new();
        Task watching = new IsolationWatch(parts, words =>
        {
            lock (said)
            {
                said.Add(words);
            }
        }).RunAsync(() => follows.TrySetResult(), end.Token);
        bool Said(string words)
        {
            lock (said)
            {
                return said.Exists(each => each.Contains(words, StringComparison.Ordinal));
            }
        }

        await follows.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(ChangeCondition.InForce, (await LookAsync()).Condition);
        engine.Halt();
        await RealEngine.Until(() => Said("does not answer"), "word of the engine that is gone");
        engine.GoOn();
        await RealEngine.Until(() => LookAsync().GetAwaiter().GetResult().Condition == ChangeCondition.InForce, "the isolation of the third life");
        Assert.Throws<InvalidOperationException>(() => engine.Docker("exec", id, "ping", "-c1", "-W1", "10.196.0.1"));
        Assert.True((await host.Do(parts, "verify", id, null, "what=isolation")).Verified);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);
        Assert.True(Said("in force again"));

        Assert.True((await undo.RunAsync(outcome.ChangeId!, new UndoChoices(true), CancellationToken.None)).Undone);
        engine.Docker("exec", id, "sh", "-c", RealEngine.Reach("10.196.0.1"));
        Assert.Equal(before, Settings(engine, id));
    }

    [Fact]
    public async Task Is_named_as_a_task_of_a_swarm_that_replaces_it()
    {
        using SecondEngine engine = SecondEngine.WithBridge();
        using SomeHost host = new();
        ActionParts parts = host.Parts with { Endpoint = engine.Endpoint };
        engine.Docker("swarm", "init", "--advertise-addr", "10.196.0.1");
        engine.Docker("service", "create", "--detach", "--name", "web", "--no-resolve-image", "--network", "bridge", RealEngine.Image, "sleep", "1000");
        await RealEngine.Until(() => engine.Docker("ps", "-q").Trim().Length > 0, "the task");
        string id = engine.Docker("ps", "-q", "--no-trunc").Trim();

        ActionOutcome held = await host.Do(parts, "hold", id, null);
        ActionOutcome isolated = await host.Do(parts, "isolate", id, null);

        Assert.Contains("swarm service", held.Outputs["orchestrator"], StringComparison.Ordinal);
        Assert.True(isolated.Verified, isolated.Summary);
        ActionOutcome stopped = await host.Do(parts, "stop", id, "a test");
        Assert.True(stopped.Done, stopped.Summary);
        await RealEngine.Until(() => engine.Docker("ps", "-q", "--no-trunc").Trim() is { Length: > 0 } other && other != id, "another task in its place");

        // The isolation was of that container: the one in its place is not cut off, and it is said to be another.
        Assert.NotEqual(ChangeCondition.InForce, (await new ChangeUndo(parts).LookAsync(parts.Journal.Load(isolated.ChangeId!), CancellationToken.None)).Condition);
        foreach (ActionOutcome each in (ActionOutcome[])[isolated, held])
        {
            if (each.ChangeId is { } change)
            {
                await new ChangeUndo(parts).RunAsync(change, new UndoChoices(false), CancellationToken.None);
            }
        }

        engine.Docker("swarm", "leave", "--force");
    }

    private static string Life(SecondEngine engine, string id) => engine.Docker("inspect", "-f", "{{.NetworkSettings.SandboxID}}", id);

    // All that was asked for, what the engine gave it, and the rules and routes of its host: a restart makes the rest anew.
    private static string Settings(SecondEngine engine, string id) =>
        engine.Docker("inspect", "-f", "{{json .Config}}{{json .HostConfig}}{{.Name}}{{.NetworkSettings.IPAddress}}{{json .Mounts}}", id)
        + engine.OnHost("nft", "list", "tables") + engine.OnHost("ip", "route");
}
