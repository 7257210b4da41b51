using System.Text.Json;
using ContainerIR.Acquisitions;
using ContainerIR.Cases;
using ContainerIR.Collectors;
using ContainerIR.Collectors.Traffic;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Seals;
using Xunit;

namespace ContainerIR.Tests.Cli;

/// <summary><c>cir acquire</c> up to the door of the acquirer, and what it makes of the answer.</summary>
public sealed class The_acquire_command : IDisposable
{
    private readonly SomeTerminal terminal = new();
    private AcquisitionRequest? asked;

    public The_acquire_command()
    {
        terminal.Variables["CIR_PASSPHRASE"] = "a long passphrase";
        terminal.Acquire = (request, _, _, _) =>
        {
            asked = request;
            return Task.FromResult(Result([]));
        };
    }

    public void Dispose() => terminal.Dispose();

    [Fact]
    public async Task Passes_on_what_was_typed()
    {
        string collector = CollectorList.All[0].Name;

        Assert.Equal(0, await terminal.RunAsync(
            "acquire", "web", "--case", "IR-7", "--profile", "triage", "--out", terminal.Folder, "--skip", collector, "--examiner", "Jane", "--reason", "shop", "--endpoint", "unix:///x"));

        Assert.NotNull(asked);
        Assert.Equal(
            ("web", "IR-7", Profile.Triage, terminal.Folder, "Jane", "shop", "unix:///x"),
            (asked.Container, asked.CaseId, asked.Profile, asked.OutDirectory, asked.Examiner, asked.Reason, asked.Endpoint));
        Assert.Equal([collector], asked.Skip);
    }

    [Fact]
    public async Task Passes_on_keys_signatures_and_a_standstill_for_files()
    {
        Assert.Equal(0, await terminal.RunAsync("acquire", "web", "--case", "IR-7", "--image-key", "a.pub", "--image-key", "b.pem", "--image-signatures", "layout", "--freeze-files"));

        Assert.Equal(["a.pub", "b.pem"], asked!.ImageKeys);
        Assert.Equal([Path.GetFullPath("layout")], asked.ImageSignatures);
        Assert.True(asked.Choices.FreezeFiles);
    }

    [Fact]
    public async Task Refuses_a_standstill_for_files_that_is_never_to_be()
    {
        Assert.Equal(2, await terminal.RunAsync("acquire", "web", "--case", "IR-7", "--freeze", "never", "--freeze-files"));

        Assert.Null(asked);
        Assert.Contains("contradict", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaves_memory_standstill_and_traffic_to_the_profile()
    {
        await terminal.RunAsync("acquire", "web", "--case", "IR-7");

        Assert.Equal(new VolatileChoices(), asked!.Choices);
        Assert.Equal(["memory", "tmpfs", "traffic", "volumes"], CollectorList.All.Where(entry => !entry.IsWanted(Profile.Standard, asked.Choices)).Select(entry => entry.Name).Order());
        Assert.All(CollectorList.All, entry => Assert.True(entry.IsWanted(Profile.Full, asked.Choices)));
    }

    [Fact]
    public async Task Switches_memory_and_traffic_on_in_any_profile()
    {
        await terminal.RunAsync("acquire", "web", "--case", "IR-7", "--profile", "triage", "--memory", "implants", "--freeze", "always", "--pcap", "30,100");

        Assert.Equal(
            new VolatileChoices { Memory = MemoryScope.Implants, Freeze = FreezePolicy.Always, Traffic = new TrafficOptions(TimeSpan.FromSeconds(30), 100 << 20) }, asked!.Choices);
        Assert.All(CollectorList.All.Where(entry => entry.Name is "memory" or "traffic"), entry => Assert.True(entry.IsWanted(Profile.Triage, asked.Choices)));
    }

    [Fact]
    public async Task Switches_memory_off_in_profile_full()
    {
        await terminal.RunAsync("acquire", "web", "--case", "IR-7", "--profile", "full", "--memory", "none");

        Assert.Equal(["memory"], CollectorList.All.Where(entry => !entry.IsWanted(Profile.Full, asked!.Choices)).Select(entry => entry.Name));
    }

    [Fact]
    public async Task Refuses_traffic_for_no_time()
    {
        Assert.Equal(2, await terminal.RunAsync("acquire", "web", "--case", "IR-7", "--pcap", "soon"));

        Assert.Null(asked);
        Assert.Contains("--pcap 30", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Opens_the_case_and_makes_the_key_on_first_use_and_says_so()
    {
        Assert.Equal(0, await terminal.RunAsync("acquire", "web", "--case", "IR-7", "--examiner", "Jane"));

        Assert.Contains("Case IR-7 is new", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("no responder key yet", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("fingerprint  sha256 ", terminal.Error, StringComparison.Ordinal);
        Assert.True(CaseStore.Exists(new CaseHome(terminal.Home), "IR-7"));
        Assert.Equal("Jane", IdentityFolder.Load(Path.Combine(terminal.Home, "keys"), "a long passphrase").Name);
        terminal.Forget();

        await terminal.RunAsync("acquire", "web", "--case", "IR-7");
        Assert.DoesNotContain("new", terminal.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("key", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prints_bundle_root_items_and_what_to_do_next()
    {
        Assert.Equal(0, await terminal.RunAsync("acquire", "web", "--case", "IR-7"));

        Assert.Contains("Sealed   /out/EV-1", terminal.Out, StringComparison.Ordinal);
        Assert.Contains(new string('d', 64), terminal.Out, StringComparison.Ordinal);
        Assert.Contains("Items    1, 2.0 kB read, 1.0 kB stored", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("Gaps     none", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("cir verify /out/EV-1", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ends_with_4_when_there_are_gaps_and_shows_them_escaped()
    {
        terminal.Acquire = (_, _, _, _) => Task.FromResult(Result([new Gap("logs", "/x\u001b[2J", "No such file (errno 2)", DateTimeOffset.UtcNow)]));

        Assert.Equal(4, await terminal.RunAsync("acquire", "web", "--case", "IR-7"));

        Assert.Contains("Gaps     1", terminal.Out, StringComparison.Ordinal);
        Assert.Contains(@"logs: /x\x1b[2J: No such file (errno 2)", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gives_the_result_as_json()
    {
        await terminal.RunAsync("acquire", "web", "--case", "IR-7", "--json");

        using JsonDocument document = JsonDocument.Parse(terminal.Out);
        Assert.Equal("/out/EV-1", document.RootElement.GetProperty("bundle_path").GetString());
        Assert.Equal("complete", document.RootElement.GetProperty("items")[0].GetProperty("status").GetString());
        Assert.Equal(1.5, document.RootElement.GetProperty("duration_seconds").GetDouble());
    }

    [Fact]
    public async Task Needs_root()
    {
        terminal.IsRoot = false;

        Assert.Equal(2, await terminal.RunAsync("acquire", "web", "--case", "IR-7"));

        Assert.Null(asked);
        Assert.Contains("needs root", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("What to do: sudo cir acquire", terminal.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(terminal.Home));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a b")]
    public async Task Refuses_a_case_id_that_is_no_folder_name(string id)
    {
        Assert.Equal(2, await terminal.RunAsync("acquire", "web", "--case", id));

        Assert.Null(asked);
        Assert.Contains("is not a case id", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_the_collectors_when_one_to_skip_does_not_exist()
    {
        Assert.Equal(2, await terminal.RunAsync("acquire", "web", "--case", "IR-7", "--skip", "magic"));

        Assert.Contains("'magic'", terminal.Error, StringComparison.Ordinal);
        Assert.Contains(CollectorList.All[0].Name, terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Needs_a_passphrase_from_somewhere()
    {
        terminal.Variables.Clear();

        Assert.Equal(2, await terminal.RunAsync("acquire", "web", "--case", "IR-7"));

        Assert.Contains("--passphrase-file FILE", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("CIR_PASSPHRASE", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_what_is_left_when_it_is_interrupted()
    {
        using CancellationTokenSource interruption = new();
        terminal.Acquire = (_, _, progress, ct) =>
        {
            progress!.Report(new AcquisitionProgress(AcquisitionStage.Collecting, "logs", null, 3, 100, BundlePath: "/out/EV-1"));
            interruption.Cancel();
            ct.ThrowIfCancellationRequested();
            throw new InvalidOperationException("not cancelled");
        };

        Assert.Equal(130, await terminal.RunAsync(interruption.Token, "acquire", "web", "--case", "IR-7"));

        Assert.Empty(terminal.Out);
        Assert.Contains("journal is closed", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("/out/EV-1", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("What to do:", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ends_with_5_and_says_what_is_left_when_the_bundle_cannot_be_written()
    {
        terminal.Acquire = (_, _, progress, _) =>
        {
            progress!.Report(new AcquisitionProgress(AcquisitionStage.Collecting, "logs", null, 3, 100, BundlePath: "/out/EV-1"));
            throw new BundleWriteException("/out/EV-1/journal.jsonl: No space left on device (errno 28)");
        };

        Assert.Equal(5, await terminal.RunAsync("acquire", "web", "--case", "IR-7"));

        Assert.Contains("No space left on device", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("/out/EV-1", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("What to do:", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ends_with_1_and_its_trace_on_a_defect()
    {
        terminal.Acquire = (_, _, _, _) => throw new InvalidOperationException("an assumption did not hold");

        Assert.Equal(1, await terminal.RunAsync("acquire", "web", "--case", "IR-7"));

        Assert.Contains("defect", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("an assumption did not hold", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reports_progress_in_lines_where_there_is_no_terminal()
    {
        terminal.Acquire = (_, _, progress, _) =>
        {
            progress!.Report(new AcquisitionProgress(AcquisitionStage.Collecting, "logs", null, 0, 0));
            progress.Report(new AcquisitionProgress(AcquisitionStage.Collecting, "logs", null, 2, 2000, Ended: new CollectorEnd("logs", 2, 2000, TimeSpan.FromSeconds(1))));
            progress.Report(new AcquisitionProgress(AcquisitionStage.Sealing, null, null, 2, 2000));
            return Task.FromResult(Result([]));
        };

        await terminal.RunAsync("acquire", "web", "--case", "IR-7");

        Assert.Matches(@"\n  logs +2 items +2\.0 kB ", terminal.Error);
        Assert.Contains("\nSealing the bundle\n", terminal.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', terminal.Error);
    }

    private static AcquisitionResult Result(Gap[] gaps) => new()
    {
        BundlePath = "/out/EV-1",
        RootSha256 = new string('d', 64),
        CaseId = "IR-7",
        Duration = TimeSpan.FromSeconds(1.5),
        Gaps = gaps,
        Items =
        [
            new EvidenceItem
            {
                Path = "data/0001-logs/a.zst", Collector = "logs", Source = "/var/log", VolatilityRank = 6, Status = ItemStatus.Complete, StoredBytes = 1000,
                Sha256 = "", Sha512 = "", RawBytes = 2000, RawSha256 = "", OpenedAt = DateTimeOffset.UnixEpoch, ClosedAt = DateTimeOffset.UnixEpoch,
            },
        ],
    };
}
