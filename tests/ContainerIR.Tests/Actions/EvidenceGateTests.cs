using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Collectors;
using ContainerIR.Evidence;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Actions;

/// <summary>Nothing that destroys evidence runs before it is sealed, or somebody took the loss upon them in writing.</summary>
public sealed class The_evidence_gate
{
    [Fact]
    public async Task Opens_for_the_container_that_was_acquired_and_for_this_life_of_it_only()
    {
        using SomeHost host = new();
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using TestContainer other = RealEngine.Start([], "sleep", "1000");
        OperatorException shut = await Assert.ThrowsAsync<OperatorException>(() => host.Do("stop", container.Id));
        Assert.Contains("No sealed acquisition", shut.Message, StringComparison.Ordinal);
        Assert.Contains("cir acquire", shut.Remedy, StringComparison.Ordinal);

        AcquisitionResult acquired = await Acquirer.RunAsync(
            new AcquisitionRequest { Container = container.Id, CaseId = SomeHost.CaseId, Profile = Profile.Triage },
            new AcquisitionParts(host.Home, _ => "a passphrase for tests", TimeProvider.System), null, CancellationToken.None);
        Assert.NotEmpty(acquired.BundlePath);
        await Assert.ThrowsAsync<OperatorException>(() => host.Do("stop", other.Id));
        Assert.True((await host.Do("verify", container.Id, "what=bundle")).Verified);

        ActionOutcome stopped = await host.Do("stop", container.Id);
        Assert.True(stopped.Done, stopped.Summary);
        Assert.Null(stopped.ChangeId);

        RealEngine.Docker("start", container.Id);
        OperatorException earlier = await Assert.ThrowsAsync<OperatorException>(() => host.Do("stop", container.Id));
        Assert.Contains("started again", earlier.Message, StringComparison.Ordinal);

        string item = Directory.EnumerateFiles(Path.Combine(acquired.BundlePath, "data"), "*", SearchOption.AllDirectories).First(path => new FileInfo(path).Length > 10);
        RealEngine.Docker("kill", container.Id);
        byte[] bytes = File.ReadAllBytes(item);
        bytes[5] ^= 1;
        File.SetUnixFileMode(item, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllBytes(item, bytes);
        OperatorException tampered = await Assert.ThrowsAsync<OperatorException>(() => host.Do("remove", container.Id));
        Assert.Contains("tampered", tampered.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lets_a_written_reason_through_and_records_it_before_the_change()
    {
        using SomeHost host = new();
        using TestContainer container = RealEngine.Start([], "sh", "-c", "sleep 777 & wait");
        await RealEngine.Until(() => RealEngine.Docker("top", container.Id, "-eo", "pid,args").Contains("sleep 777", StringComparison.Ordinal), "its child");
        string pid = RealEngine.Docker("top", container.Id, "-eo", "pid,args").Split('\n').First(line => line.Contains("sleep 777", StringComparison.Ordinal) && !line.Contains("sh -c", StringComparison.Ordinal)).Trim().Split(' ')[0];

        await Assert.ThrowsAsync<OperatorException>(() => host.Do(host.Parts, "kill-process", container.Id, "  ", "pid=" + pid));
        ActionOutcome outcome = await host.Do(host.Parts, "kill-process", container.Id, "ransom in progress", "pid=" + pid);

        Assert.True(outcome.Verified, outcome.Summary);
        Change change = Assert.Single(host.Parts.Journal.List(out _));
        Assert.Equal("ransom in progress", change.Override);
        Assert.Equal(ChangeState.Final, change.State);
        Assert.True(change.IntendedAt < change.DoneAt);
        await Assert.ThrowsAsync<OperatorException>(async () => await host.Undoing.RunAsync("nothing", new UndoChoices(), CancellationToken.None));
    }

    [Fact]
    public async Task Ends_connections_takes_off_networks_and_deletes_when_told_why()
    {
        using SomeHost host = new();
        using TestContainer peer = RealEngine.Start([], "nc", "-ll", "-p", "9000", "-e", "/bin/cat");
        string ip = peer.Inspect("{{.NetworkSettings.IPAddress}}");
        string id = RealEngine.Docker("run", "-d", "-i", RealEngine.Image, "sh", "-c", $"sleep 0.3; sleep 1000 | nc {ip} 9000; sleep 1000").Trim();
        try
        {
            await RealEngine.Until(() => RealEngine.Run("nsenter", "-t", RealEngine.Docker("inspect", "-f", "{{.State.Pid}}", id).Trim(), "-n", "ss", "-tn").Contains("ESTAB", StringComparison.Ordinal), "the connection");

            ActionOutcome none = await host.Do(host.Parts, "kill-sockets", id, "a test", "dst=192.0.2.9");
            ActionOutcome killed = await host.Do(host.Parts, "kill-sockets", id, "a test", $"dst={ip}:9000");
            ActionOutcome held = await host.Do("freeze-window", id, "max=200ms");
            ActionOutcome off = await host.Do("network-disconnect", id);
            ActionOutcome removed = await host.Do(host.Parts, "remove", id, "a test");

            Assert.Contains("no such connection", none.Summary, StringComparison.Ordinal);
            Assert.True(killed.Verified, killed.Summary);
            Assert.True(held.Verified, held.Summary);
            Assert.True(off.Verified, off.Summary);
            Assert.True(removed.Verified, removed.Summary);
        }
        finally
        {
            RealEngine.Run("sh", "-c", $"docker rm -f -v {id} >/dev/null 2>&1 || true");
        }
    }
}

/// <summary>The journal of changes on a host.</summary>
public sealed class The_change_journal
{
    [Fact]
    public async Task Closes_a_destroying_action_of_which_only_the_intent_is_known()
    {
        using SomeHost host = new();
        Change change = host.Parts.Journal.Intend(Some("stop"));
        Assert.Equal(ChangeState.Intended, host.Parts.Journal.Load(change.Id[..6]).State);
        Assert.True(ChangeJournal.IsAtWork(change));
        await Assert.ThrowsAsync<OperatorException>(() => host.Undo(change.Id));

        host.Parts.Journal.Save(change with { WorkerStartTicks = 1 });
        Assert.Contains("nobody said", Assert.Single(await host.Undoing.StatusAsync(all: false, CancellationToken.None)).Look.Words, StringComparison.Ordinal);
        UndoResult closed = await host.Undo(change.Id);

        Assert.True(closed.Undone);
        Assert.Equal(ChangeState.Failed, host.Parts.Journal.Load(change.Id).State);
        Assert.Contains("\"state\": \"failed\"", File.ReadAllText($"{host.Parts.ChangesFolder}/{change.Id}.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_for_root_alone_and_for_one_at_a_time()
    {
        using SomeHost host = new();
        using (await host.Parts.Journal.LockAsync(CancellationToken.None))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(host.Parts.ChangesFolder));
            using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(150));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Parts.Journal.LockAsync(soon.Token));
        }

        (await host.Parts.Journal.LockAsync(CancellationToken.None)).Dispose();
        Change change = host.Parts.Journal.Intend(Some("stop"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode($"{host.Parts.ChangesFolder}/{change.Id}.json"));
        host.Parts.Journal.Save(change with { State = ChangeState.Final });
    }

    private static Change Some(string action) => new()
    {
        Id = "",
        Action = action,
        ContainerId = new string('a', 64),
        ContainerName = "x",
        CaseId = SomeHost.CaseId,
        Actor = "a responder",
        Endpoint = RealEngine.Endpoint,
        BootId = "",
        State = ChangeState.Intended,
        IntendedAt = default,
    };
}
