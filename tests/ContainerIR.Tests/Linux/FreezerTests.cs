using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Linux;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Linux;

public sealed class A_frozen_container : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("cir-frozen-").FullName;

    [Fact]
    public async Task Stands_still_until_it_is_let_go()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "while true; do date +%s%N > /beat; done");
        string beat = $"/proc/{container.InitPid}/root/beat";
        await using (HeldContainer held = await Freeze(container))
        {
            Assert.Equal(FreezeOutcome.Frozen, held.Report.Outcome);
            Assert.Single(Directory.GetFiles(folder));
            Assert.True(IsStill(container));
        }

        Assert.Empty(Directory.GetFiles(folder));
        string now = File.ReadAllText(beat);
        await RealEngine.Until(() => File.ReadAllText(beat) != now, "the container to run on");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Stands_still_by_either_version_of_control_groups(bool isUnified)
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "while true; do date +%s%N > /beat; done");
        using ProcEntry init = ProcEntry.Open(container.InitPid, out _)!;
        using ProcEntry self = ProcEntry.Open(Environment.ProcessId, out _)!;
        FreezerControl? control = FreezerControl.FindAll(CgroupLines.Parse(init.Read("cgroup", 65536).Content), container.Id, self.Read("mountinfo", 1 << 20).Content, out _)
            .Find(one => one.IsUnified == isUnified);
        Assert.SkipWhen(control is null, $"this host has no freezer of version {(isUnified ? 2 : 1)}");

        control.Write(control.FreezeWord);
        Stopwatch watch = Stopwatch.StartNew();
        while (!control.IsFrozen() && watch.Elapsed < TimeSpan.FromSeconds(10))
        {
            control.WaitForChange(TimeSpan.FromSeconds(10) - watch.Elapsed);
        }

        Assert.True(control.IsFrozen());
        Assert.True(control.IsHeld());
        control.Write(control.ThawWord);
        Assert.False(control.IsHeld());
    }

    [Fact]
    public async Task Runs_again_when_whoever_froze_it_is_killed()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using Process holder = await Hold(container);
        Assert.True(IsStill(container));
        holder.Kill();
        await RealEngine.Until(() => !IsStill(container), "the guard to thaw it");
        await RealEngine.Until(() => Directory.GetFiles(folder).Length == 0, "the record to go");
    }

    [Fact]
    public async Task Whose_guard_is_killed_too_is_repaired_at_the_next_start()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using Process holder = await Hold(container);
        Assert.Equal("in progress", Assert.Single(Freezer.RepairLeftovers(folder)).Outcome);
        using Process guard = Process.GetProcessById(FreezeState.Load(Directory.GetFiles(folder)[0]).GuardPid);
        guard.Kill();
        await RealEngine.Until(() => FreezeState.StartOf(guard.Id) is null, "the guard to end");
        holder.Kill();
        await holder.WaitForExitAsync();
        Assert.Equal(("frozen", container.Id), (Freezer.FindLeftovers(folder) is [var found] ? found.Outcome : "", container.Id));
        Assert.True(IsStill(container));
        Assert.Equal(("thawed", container.Id), (Freezer.RepairLeftovers(folder) is [var repaired] ? repaired.Outcome : "", container.Id));
        Assert.False(IsStill(container));
        Assert.Empty(Freezer.RepairLeftovers(folder));
    }

    [Fact]
    public async Task Left_behind_is_thawed_by_doctor_repair_and_said_so()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using Process holder = await Hold(container);
        using Process guard = Process.GetProcessById(FreezeState.Load(Directory.GetFiles(folder)[0]).GuardPid);
        guard.Kill();
        await RealEngine.Until(() => FreezeState.StartOf(guard.Id) is null, "the guard to end");
        holder.Kill();
        await holder.WaitForExitAsync();
        using SomeTerminal terminal = new() { FrozenFolder = folder };
        await terminal.RunAsync("doctor", "--endpoint", RealEngine.Endpoint);
        Assert.True(IsStill(container), "without being asked it repairs nothing");
        await terminal.RunAsync("doctor", "--repair", "--endpoint", RealEngine.Endpoint);
        Assert.False(IsStill(container));
        Assert.Contains($"{container.Id} thawed", terminal.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public async Task Has_files_that_do_not_change_while_they_are_copied()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "while true; do for i in 0 1 2 3 4 5 6 7 8 9; do date +%s%N > /beat$i; done; done");
        await RealEngine.Until(() => File.Exists($"/proc/{container.InitPid}/root/beat9"), "the first round");
        string[] before = Beats(), during = [], after = [];
        using FolderSink sink = await Engine.Collect(
            container.Id,
            context => new RootFsDiffCollector(context.Runtime, Profile.Standard, context.Clock, new(), RootFsDiffCollector.StandstillOf(context, new Freezer(HiddenHost.Guard, context.Clock, folder))));
        await RealEngine.Until(() => !Beats().SequenceEqual(after = Beats()), "it to run on");
        Assert.Empty(sink.Gaps);
        using JsonDocument report = JsonDocument.Parse(sink.Read("freeze.json"));
        Assert.Equal("frozen", report.RootElement.GetProperty("outcome").GetString());
        Assert.Contains(sink.Effects, effect => effect.Contains("were held by", StringComparison.Ordinal));
        using JsonDocument summary = JsonDocument.Parse(sink.Read(RootFsDiffCollector.SummaryItem));
        Assert.Equal(0, summary.RootElement.GetProperty("changed_during_read").GetInt64());
        Assert.Empty(Directory.GetFiles(folder));

        // Ten files written one after another: the copy has them of one moment, so they are in their order but for one step.
        during = [.. Enumerable.Range(0, 10).Select(i => RealEngine.Run("tar", "-xOf", sink.PathOf(RootFsDiffCollector.UpperItem), $"beat{i}").Trim())];
        Assert.True(Enumerable.Range(0, 9).Count(i => string.CompareOrdinal(during[i], during[i + 1]) > 0 && during[i + 1].Length > 0) <= 1, string.Join(' ', during));
        Assert.NotEqual(before, after);

        string[] Beats() => [.. Enumerable.Range(0, 10).Select(i => File.ReadAllText($"/proc/{container.InitPid}/root/beat{i}"))];
    }

    [Fact]
    public async Task Is_thawed_when_its_time_is_over()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        await using HeldContainer held = await Freeze(container, TimeSpan.FromMilliseconds(300));
        await RealEngine.Until(() => !IsStill(container), "the time to pass");
        await held.DisposeAsync();
        Assert.True(held.Report.WasThawedByOthers);
    }

    [Fact]
    public async Task That_was_paused_before_is_not_thawed()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        RealEngine.Docker("pause", container.Id);
        await using (HeldContainer held = await Freeze(container))
        {
            Assert.Equal(FreezeOutcome.AlreadyFrozen, held.Report.Outcome);
        }

        Assert.Equal("paused", container.Inspect("{{.State.Status}}"));
        Assert.True(IsStill(container));
        Assert.Empty(Directory.GetFiles(folder));
        RealEngine.Docker("unpause", container.Id);
    }

    [Fact]
    public async Task Is_not_frozen_without_a_guard()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        Freezer freezer = new(new GuardLaunch("/bin/false", []), TimeProvider.System, folder);
        await using HeldContainer held = await freezer.FreezeAsync(container.Id, container.InitPid, false, TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.False(held.IsHeld);
        Assert.Contains("guard", held.Report.Reason, StringComparison.Ordinal);
        Assert.False(IsStill(container));
    }

    [Fact]
    public async Task Is_never_a_group_that_does_not_bear_its_id()
    {
        Freezer freezer = new(HiddenHost.Guard, TimeProvider.System, folder);
        await using HeldContainer held = await freezer.FreezeAsync(new string('a', 64), Environment.ProcessId, false, TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.Equal(FreezeOutcome.NotFrozen, held.Report.Outcome);
        Assert.NotNull(held.Report.Reason);
    }

    [Fact]
    public void Record_that_names_another_file_is_not_followed()
    {
        string victim = Path.Combine(folder, "freezer.state");
        File.WriteAllText(victim, "mine");
        new FreezeState
        {
            ContainerId = "x",
            ControlPath = victim,
            BootId = FreezeState.CurrentBoot,
            OwnerPid = int.MaxValue,
            OwnerStartTicks = 1,
            GuardPid = int.MaxValue,
            GuardStartTicks = 1,
            RequestedAt = DateTimeOffset.UnixEpoch,
        }.Save(Path.Combine(folder, "x-1.json"));
        File.WriteAllText(Path.Combine(folder, "y-1.json"), "{broken");
        Assert.All(Freezer.RepairLeftovers(folder), repaired => Assert.Equal("failed", repaired.Outcome));
        Assert.Equal("mine", File.ReadAllText(victim));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private Task<HeldContainer> Freeze(TestContainer container, TimeSpan? limit = null) =>
        new Freezer(HiddenHost.Guard, TimeProvider.System, folder)
            .FreezeAsync(container.Id, container.InitPid, false, limit ?? TimeSpan.FromMinutes(1), CancellationToken.None);

    private async Task<Process> Hold(TestContainer container)
    {
        GuardLaunch self = GuardLaunch.Self;
        Process holder = Process.Start(new ProcessStartInfo(
            self.Program, [.. self.Arguments.SkipLast(1), HiddenHost.HoldVerb, container.Id, container.InitPid.ToString(CultureInfo.InvariantCulture), folder])
        { RedirectStandardOutput = true, RedirectStandardInput = true })!;
        string? line = await holder.StandardOutput.ReadLineAsync();
        Assert.StartsWith("Frozen ", line, StringComparison.Ordinal);
        return holder;
    }

    private static bool IsStill(TestContainer container)
    {
        using ProcEntry init = ProcEntry.Open(container.InitPid, out _)!;
        using ProcEntry self = ProcEntry.Open(Environment.ProcessId, out _)!;
        List<FreezerControl> controls = FreezerControl.FindAll(
            CgroupLines.Parse(init.Read("cgroup", 65536).Content), container.Id, self.Read("mountinfo", 1 << 20).Content, out _);
        Assert.NotEmpty(controls);
        return controls.Exists(control => control.IsFrozen());
    }
}
