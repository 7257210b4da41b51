using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Cases;
using Xunit;

namespace ContainerIR.Tests.Cli;

/// <summary>What the command line says and with which code it ends.</summary>
public sealed class The_command_line : IDisposable
{
    private readonly SomeTerminal terminal = new();

    public void Dispose() => terminal.Dispose();

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("acquire")]
    [InlineData("acquire", "web")]
    [InlineData("acquire", "web", "--case", "X", "--profile", "everything")]
    [InlineData("acquire", "web", "--case", "X", "--frobnicate")]
    [InlineData("verify")]
    [InlineData("case", "show")]
    [InlineData("containers", "extra")]
    public async Task Ends_with_2_and_points_to_the_help_when_it_cannot_be_understood(params string[] arguments)
    {
        Assert.Equal(2, await terminal.RunAsync(arguments));

        Assert.Empty(terminal.Out);
        Assert.Contains("What to do: see cir", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_what_was_typed_without_its_control_characters()
    {
        Assert.Equal(2, await terminal.RunAsync("\u001b]0;owned\u0007"));
        Assert.Equal(2, await terminal.RunAsync("case", "show", "\u001b[2J"));

        Assert.DoesNotContain('\u001b', terminal.Error);
        Assert.DoesNotContain('\u0007', terminal.Error);
    }

    [Theory]
    [InlineData("containers")]
    [InlineData("doctor")]
    public async Task Names_the_socket_where_no_engine_answers(string command)
    {
        string socket = Path.Combine(terminal.Folder, "no.sock");

        Assert.Equal(2, await terminal.RunAsync(command, "--endpoint", "unix://" + socket));

        Assert.Contains(socket, terminal.Out + terminal.Error, StringComparison.Ordinal);
        Assert.Contains("What to do:", terminal.Out + terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Adds_a_bundle_from_elsewhere_to_a_case_once_it_is_verified()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(terminal.Folder);
        Assert.Equal(0, await terminal.RunAsync("case", "new", "IR-7"));

        Assert.Equal(0, await terminal.RunAsync("case", "add", "IR-7", bundle.Path));

        Assert.Contains($"added  {SomeIndexedBundle.Name}", terminal.Out, StringComparison.Ordinal);
        using CaseStore store = CaseStore.OpenReadOnly(new CaseHome(terminal.Home), "IR-7");
        Assert.Equal(bundle.RootSha256, Assert.Single(CaseReader.ReadOverview(store).Bundles).RootSha256);
    }

    [Fact]
    public async Task Adds_no_bundle_of_which_one_byte_of_an_item_changed()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(terminal.Folder);
        Assert.Equal(0, await terminal.RunAsync("case", "new", "IR-7"));
        string item = Path.Combine(bundle.Path, "data/0002-network/sockets.jsonl");
        File.WriteAllText(item, File.ReadAllText(item).Replace("4444", "4445", StringComparison.Ordinal));

        Assert.Equal(3, await terminal.RunAsync("case", "add", "IR-7", bundle.Path));

        Assert.Contains("Not added", terminal.Error, StringComparison.Ordinal);
        using CaseStore store = CaseStore.OpenReadOnly(new CaseHome(terminal.Home), "IR-7");
        Assert.Empty(store.ListBundles());
    }

    [Fact]
    public async Task Shows_the_timeline_of_a_bundle_and_of_a_case_in_text_and_json()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(terminal.Folder);

        Assert.Equal(0, await terminal.RunAsync("timeline", bundle.Path, "--source", "engine", "--json"));
        using JsonDocument row = JsonDocument.Parse(terminal.Out);
        Assert.Equal("2023-11-14T22:13:20.000000001Z", row.RootElement.GetProperty("at").GetString());
        Assert.Equal("data/0001-events/events-parsed.jsonl", row.RootElement.GetProperty("item").GetString());

        Assert.Equal(0, await terminal.RunAsync("timeline", bundle.Path, "--around", "2023-11-14T22:13:21", "--limit", "2", "--source", "log"));
        Assert.Equal(2, terminal.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(line => line.Contains("stdout: GET /", StringComparison.Ordinal)));
        Assert.Contains("more than 2 rows", terminal.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', terminal.Out);

        Assert.Equal(2, await terminal.RunAsync("timeline", bundle.Path, "--around", "2023-11-14", "--from", "2023-11-14"));
        Assert.Equal(2, await terminal.RunAsync("timeline", "NO-SUCH-CASE"));
    }

    [Fact]
    public async Task Opens_lists_and_shows_a_case()
    {
        Assert.Equal(0, await terminal.RunAsync("case", "new", "IR-7", "--examiner", "Jane", "--reason", "shop"));
        Assert.Equal(Path.Combine(terminal.Home, "cases", "IR-7") + "\n", terminal.Out);
        Assert.Contains("cir acquire CONTAINER --case IR-7", terminal.Error, StringComparison.Ordinal);
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("case", "list"));
        Assert.Contains("IR-7", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("Jane", terminal.Out, StringComparison.Ordinal);
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("case", "show", "IR-7"));
        Assert.Contains("Case IR-7", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("No bundle yet", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_where_it_looked_when_there_is_no_case()
    {
        Assert.Equal(2, await terminal.RunAsync("case", "show", "IR-7"));

        Assert.Contains(terminal.Home, terminal.Error, StringComparison.Ordinal);
        Assert.Contains("What to do: Open it: cir case new IR-7", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Takes_the_home_from_the_option_before_the_environment()
    {
        string other = Path.Combine(terminal.Folder, "other");

        Assert.Equal(0, await terminal.RunAsync("case", "new", "IR-7", "--home", other));

        Assert.True(Directory.Exists(Path.Combine(other, "cases", "IR-7")));
        Assert.False(Directory.Exists(terminal.Home));
    }

    [Fact]
    public async Task Shows_a_case_as_a_person_reads_it_and_escapes_hostile_names()
    {
        await MakeCaseWithBundleAsync();

        Assert.Equal(0, await terminal.RunAsync("case", "show", "IR-7"));

        Assert.DoesNotContain('\u001b', terminal.Out);
        Assert.Contains(@"/tmp/\x1b[2J\xffx", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("1 added, 1 deleted, 1 modified", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("Permission denied (errno 13)", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("stdout: GET / 3", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("Not indexed: data/0005-logs/index.jsonl.zst line 4", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fits_a_case_into_a_narrow_terminal()
    {
        await MakeCaseWithBundleAsync();
        terminal.Width = 80;

        await terminal.RunAsync("case", "show", "IR-7");

        Assert.DoesNotContain(terminal.Out.Split('\n'), line => line.Length > 80 && !line.Contains("sha256", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Fills_the_index_again()
    {
        await MakeCaseWithBundleAsync();

        Assert.Equal(0, await terminal.RunAsync("case", "rebuild", "IR-7"));

        Assert.Contains($"indexed  {SomeIndexedBundle.Name}", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("left out: data/0005-logs/index.jsonl.zst line 4", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("holds 1 bundle.", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verifies_a_bundle_line_by_line_and_fails_on_a_changed_byte()
    {
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(terminal.Folder);

        Assert.Equal(0, await terminal.RunAsync("verify", bundle.Path));
        Assert.Contains("VERIFIED", terminal.Out, StringComparison.Ordinal);
        Assert.Contains(bundle.RootSha256, terminal.Out, StringComparison.Ordinal);
        terminal.Forget();

        File.AppendAllText(Path.Combine(bundle.Path, "data/0001-events/events-parsed.jsonl"), "x");
        Assert.Equal(3, await terminal.RunAsync("verify", bundle.Path));
        Assert.Contains("FAIL  payload", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("events-parsed.jsonl", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("TAMPERED", terminal.Out, StringComparison.Ordinal);
        terminal.Forget();

        File.Delete(Path.Combine(bundle.Path, "tagmanifest-sha256.txt"));
        Assert.Equal(3, await terminal.RunAsync("verify", bundle.Path));
        Assert.Contains("UNSEALED", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recovers_a_bundle_that_was_interrupted()
    {
        terminal.Variables["CIR_PASSPHRASE"] = "a long passphrase";
        await terminal.RunAsync("keys", "new");
        string path;
        await using (BundleWriter interrupted = BundleWriter.Open(SomeBundle.Options(terminal.Folder)))
        {
            path = interrupted.Path;
            interrupted.RecordCustody(SomeBundle.Custody);
            await interrupted.OpenSection("host", 0).AddAsync("uname.txt", "Linux"u8.ToArray(), new ItemOptions("uname(2)"), CancellationToken.None);
        }

        Assert.Equal(3, await terminal.RunAsync("verify", path));
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("bundle", "recover", path));
        Assert.Contains($"Sealed   {path}", terminal.Out, StringComparison.Ordinal);
        Assert.Equal(0, await terminal.RunAsync("verify", path));
    }

    [Fact]
    public async Task Says_what_it_needs_when_there_is_no_bundle_to_verify()
    {
        Assert.Equal(2, await terminal.RunAsync("verify", terminal.Folder));
        Assert.Equal(2, await terminal.RunAsync("verify", "/no/such/folder"));

        Assert.Equal(2, terminal.Error.Split("What to do:").Length - 1);
    }

    [Fact]
    public async Task Gives_json_that_is_one_ascii_document()
    {
        SealedBundle bundle = await MakeCaseWithBundleAsync();
        terminal.Variables["CIR_PASSPHRASE"] = "a long passphrase";
        string[][] commands =
        [
            ["case", "new", "IR-8", "--json"], ["case", "list", "--json"], ["case", "show", "IR-7", "--json"], ["case", "rebuild", "IR-7", "--json"],
            ["keys", "new", "--name", "Jänë", "--json"], ["keys", "show", "--json"], ["verify", bundle.Path, "--json"], ["doctor", "--json"],
        ];
        foreach (string[] command in commands)
        {
            terminal.Forget();

            await terminal.RunAsync(command);

            using JsonDocument document = JsonDocument.Parse(terminal.Out);
            Assert.DoesNotContain(terminal.Out, letter => letter is < ' ' and not '\n' or > '~');
            Assert.DoesNotContain(Names(document.RootElement), name => name.Any(char.IsAsciiLetterUpper));
        }
    }

    private static IEnumerable<string> Names(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member => Names(member.Value).Prepend(member.Name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Names),
        _ => [],
    };

    private async Task<SealedBundle> MakeCaseWithBundleAsync()
    {
        using CaseStore store = CaseStore.Create(new CaseHome(terminal.Home), "IR-7", new CaseFacts("Jane", null), TimeProvider.System);
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);
        return bundle;
    }
}
