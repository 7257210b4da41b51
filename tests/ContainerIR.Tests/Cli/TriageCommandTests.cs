using System.Text.Json;
using ContainerIR.Acquisitions;
using ContainerIR.Collectors;
using ContainerIR.Tests.Cases;
using Xunit;

namespace ContainerIR.Tests.Cli;

/// <summary><c>cir triage</c> up to the door of the analyzers, and what it makes of the answer.</summary>
public sealed class The_triage_command : IDisposable
{
    private readonly SomeTerminal terminal = new();

    public void Dispose() => terminal.Dispose();

    [Fact]
    public async Task Shows_a_bundles_findings_with_their_proof_escaped()
    {
        string bundle = (await SomeIndexedBundle.MakeAsync(terminal.Folder)).Path;

        Assert.Equal(0, await terminal.RunAsync("triage", bundle));

        Assert.Contains("CIR-005  Running program has been deleted  [T1070.004]", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("in data/0003-processes/processes.jsonl.zst row 1 offset 0", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("Not examined: configuration/inspect.json: not in the bundle", terminal.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', terminal.Out);
    }

    [Fact]
    public async Task Marks_what_an_allow_list_expects()
    {
        string bundle = (await SomeIndexedBundle.MakeAsync(terminal.Folder)).Path, file = Path.Combine(terminal.Folder, "allow.json");
        await File.WriteAllTextAsync(file, """{"schema":"containerir-allow/1","allow":[{"id":"upgrade","reason":"known","rules":["CIR-005"]}]}""", TestContext.Current.CancellationToken);

        Assert.Equal(0, await terminal.RunAsync("triage", bundle, "--allow", file));

        Assert.Contains("CIR-005  Running program has been deleted", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("suppressed by the allow-list, upgrade: known", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("1 suppressed", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_an_allow_list_with_faults_and_a_baseline_for_all()
    {
        string file = Path.Combine(terminal.Folder, "allow.json");
        await File.WriteAllTextAsync(file, """{"schema":"containerir-allow/1","allow":[{"id":"all","reason":"quiet"}]}""", TestContext.Current.CancellationToken);
        Assert.Equal(2, await terminal.RunAsync("triage", "web", "--allow", file));
        Assert.Contains("would allow everything", terminal.Error, StringComparison.Ordinal);

        string bundle = (await SomeIndexedBundle.MakeAsync(terminal.Folder)).Path;
        Assert.Equal(2, await terminal.RunAsync("triage", "--all", "--baseline", bundle));
    }

    [Fact]
    public async Task Leaves_out_what_is_less_bad_than_asked()
    {
        string bundle = (await SomeIndexedBundle.MakeAsync(terminal.Folder)).Path;

        Assert.Equal(0, await terminal.RunAsync("triage", bundle, "--json", "--min-severity", "critical"));

        using JsonDocument document = JsonDocument.Parse(terminal.Out);
        Assert.Equal("containerir-findings/1", document.RootElement.GetProperty("schema").GetString());
        Assert.Equal(0, document.RootElement.GetProperty("findings").GetArrayLength());
    }

    [Fact]
    public async Task Copies_a_living_container_for_its_judgement_and_keeps_nothing()
    {
        AcquisitionRequest? asked = null;
        string? home = null;
        terminal.Acquire = async (request, parts, _, _) =>
        {
            (asked, home) = (request, parts.Home.Path);
            Assert.True(parts.Passphrase(PassphraseUse.ProtectNewKey).Length >= 32);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(home));
            return new AcquisitionResult
            {
                BundlePath = (await SomeIndexedBundle.MakeAsync(home)).Path,
                RootSha256 = "",
                CaseId = request.CaseId,
                Items = [],
                Gaps = [],
                Duration = TimeSpan.Zero,
            };
        };

        Assert.Equal(0, await terminal.RunAsync("triage", "web"));

        Assert.Equal(("web", Profile.Triage), (asked!.Container, asked.Profile));
        Assert.Contains("CIR-005", terminal.Out, StringComparison.Ordinal);
        Assert.False(Directory.Exists(home));
        Assert.False(Directory.Exists(terminal.Home));
    }

    [Fact]
    public async Task Needs_root_for_a_living_container()
    {
        terminal.IsRoot = false;

        Assert.Equal(2, await terminal.RunAsync("triage", "web"));

        Assert.Contains("needs root", terminal.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("triage")]
    [InlineData("triage", "web", "--all")]
    [InlineData("triage", "/no/such/bundle")]
    public async Task Asks_for_one_thing_to_judge(params string[] arguments) => Assert.Equal(2, await terminal.RunAsync(arguments));
}
