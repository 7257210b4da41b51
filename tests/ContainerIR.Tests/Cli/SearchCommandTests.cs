using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Tests.Cases;
using Xunit;

namespace ContainerIR.Tests.Cli;

/// <summary><c>cir search</c>.</summary>
public sealed class The_search_command : IAsyncLifetime
{
    private readonly SomeTerminal terminal = new();
    private string bundle = "";

    public async ValueTask InitializeAsync()
    {
        using CaseStore store = CaseStore.Create(new CaseHome(terminal.Home), "IR-7", new CaseFacts("Jane", null), TimeProvider.System);
        SealedBundle made = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        await CaseIndexer.IndexAsync(store, made.Path, CaseFindings.Judge, CancellationToken.None);
        CaseStore.Create(new CaseHome(terminal.Home), "IR-8", new CaseFacts(null, null), TimeProvider.System).Dispose();
        bundle = made.Path;
    }

    public ValueTask DisposeAsync()
    {
        terminal.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Names_case_bundle_item_and_row()
    {
        Assert.Equal(0, await terminal.RunAsync("search", "IR-7", "GET / 2"));

        Assert.Contains($"log          IR-7 {SomeIndexedBundle.Name}/data/0005-logs/index.jsonl.zst:2", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("2023-11-14T22:13:21.000000002Z stdout: GET / 2", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prints_one_object_a_hit_in_ASCII_and_lets_no_control_character_through()
    {
        await terminal.RunAsync("search", "all", "--path", "/tmp", "--json");
        string json = terminal.Out;
        terminal.Forget();
        await terminal.RunAsync("search", "all", "--path", "/tmp");

        Assert.DoesNotContain(json + terminal.Out, letter => letter is < ' ' and not '\n' or > '~');
        JsonElement[] hits = [.. json.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Contains(hits, hit => hit.GetProperty("kind").GetString() == "path" && hit.GetProperty("text").GetString()!.Contains(@"/tmp/\x1b[2J", StringComparison.Ordinal));
        Assert.All(hits, hit => Assert.Equal(("IR-7", SomeIndexedBundle.Name), (hit.GetProperty("case").GetString(), hit.GetProperty("bundle").GetString())));
    }

    [Theory]
    [InlineData("--ip", "203.0.113.9:4444")]
    [InlineData("--hash", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")]
    [InlineData("--regex", "x11.nc")]
    public async Task Searches_a_bundle_that_is_in_no_case_and_all_cases(string option, string value)
    {
        Assert.Equal(0, await terminal.RunAsync("search", bundle, option, value));
        Assert.Contains("BUNDLE " + SomeIndexedBundle.Name, terminal.Out, StringComparison.Ordinal);
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("search", "all", option, value));
        Assert.Contains("IR-7 " + SomeIndexedBundle.Name, terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_a_list_of_indicators_and_names_what_it_did_not_search()
    {
        string list = Path.Combine(terminal.Folder, "iocs.txt");
        File.WriteAllText(list, "203.0.113.9\n198.51.100.1\nwhat is this\n");

        Assert.Equal(2, await terminal.RunAsync("search", "IR-7", "--ioc", list));

        Assert.Contains("line 1: 203.0.113.9:", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("not searched: line 3: what is this", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("1 indicator of 2 found", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stops_at_its_limit_and_says_so()
    {
        Assert.Equal(0, await terminal.RunAsync("search", "IR-7", "GET", "--limit", "2"));

        Assert.Equal(2, terminal.Out.Split('\n').Count(line => line.StartsWith("log ", StringComparison.Ordinal)));
        Assert.Contains("more than 2 hits", terminal.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("IR-7")]
    [InlineData("IR-7", "text", "--ip", "203.0.113.9")]
    [InlineData("IR-7", "--ip", "no address")]
    [InlineData("IR-7", "--hash", "abc")]
    [InlineData("IR-7", "--regex", "(")]
    [InlineData("IR-9", "text")]
    public async Task Needs_a_case_and_one_question(params string[] arguments) => Assert.Equal(2, await terminal.RunAsync(["search", .. arguments]));

    [Fact]
    public async Task Searches_the_other_cases_when_one_is_damaged_and_says_which()
    {
        File.WriteAllBytes(Path.Combine(terminal.Home, "cases", "IR-8", "case.db"), [.. Enumerable.Repeat((byte)7, 5000)]);

        Assert.Equal(2, await terminal.RunAsync("search", "all", "GET / 2"));

        Assert.Contains("GET / 2", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("case IR-8 was not searched", terminal.Error, StringComparison.Ordinal);
    }
}
