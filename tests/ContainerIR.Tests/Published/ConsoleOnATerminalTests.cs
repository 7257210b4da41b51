using ContainerIR.Evidence.Seals;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Playbooks;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Published;

/// <summary>The console of the published file in tmux: without the mouse, as at the console of a host or over ssh.</summary>
public sealed class The_console_on_a_terminal : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(80, 24)]
    [InlineData(120, 40)]
    public async Task Walks_from_opening_to_a_verified_bundle(int width, int height)
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "rm /etc/group; exec sleep 4711");
        using TmuxSession terminal = new(folder.Path, width, height, PublishedFile.FullPath);

        await terminal.Until("NAME");
        terminal.Press("/");
        await terminal.Until("Filter:");
        terminal.Type(container.Name).Press("Enter");
        await terminal.Until("Only rows with");
        await terminal.Until("running");
        terminal.Press("Enter");
        await terminal.Until("Looked at");
        terminal.Press("2");
        await terminal.Until("sleep 4711");
        terminal.Press("a");
        await terminal.Until("Evidence effect");
        terminal.Press("F2");
        await terminal.Until("Sealed. v verifies it.");
        terminal.Press("v");
        await terminal.Until("VERIFIED");
        terminal.Press("Escape");
        await terminal.Until("Root     sha256");
        terminal.Press("q");
        await RealEngine.Until(() => !terminal.IsRunning, "the console has ended");

        Assert.Single(Directory.GetDirectories(folder.Path, "EV-*", SearchOption.AllDirectories));
        Assert.Empty(Directory.GetDirectories(folder.Path, "cir-look-*"));
    }

    [Theory]
    [InlineData(80, 24)]
    [InlineData(120, 40)]
    public async Task Runs_a_playbook_with_an_approval_cuts_off_and_undoes(int width, int height)
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        string home = Path.Combine(folder.Path, "home"), keys = Path.Combine(folder.Path, "lena");
        Directory.CreateDirectory(Path.Combine(home, "playbooks"));
        await File.WriteAllTextAsync(Path.Combine(home, "playbooks", "short-walk.yaml"), SomePlaybook.ShortWalk, TestContext.Current.CancellationToken);
        IdentityFolder.Create(keys, new ResponderSubject("Lena Lead", null), "lena's own words", DateTimeOffset.UtcNow);
        new ApproverRoster(Path.Combine(home, "approvers")).Add("lead", await File.ReadAllTextAsync(Path.Combine(keys, "responder-cert.pem"), TestContext.Current.CancellationToken));
        using TmuxSession terminal = new(folder.Path, width, height, PublishedFile.FullPath);
        await terminal.Until("NAME");
        terminal.Press("/");
        await terminal.Until("Filter:");
        terminal.Type(container.Name).Press("Enter");
        await terminal.Until("Only rows with");
        await terminal.Until("running");

        // The playbook: its question, the approval by a key of somebody else, its change.
        terminal.Press("p");
        await terminal.Until("triage-unknown");
        terminal.Press("/");
        await terminal.Until("Filter:");
        terminal.Type("short-walk").Press("Enter");
        await terminal.Until("Only rows with");
        terminal.Press("Enter");
        await terminal.Until("approved by 1 of lead");
        terminal.Press("F2");
        await terminal.Until("To do: Decide");
        terminal.Press("F2");
        await terminal.Until("Approval: Freeze it");
        terminal.Type(keys).Press("Enter").Type("lena's own words").Press("F2");
        await terminal.Until("ran to its end");
        Assert.Equal("true", container.Inspect("{{.State.Paused}}"));
        terminal.Press("I");
        await terminal.Until("In force on this host  1");
        terminal.Press("u");
        await terminal.Until("Undo pause");
        terminal.Press("y");
        await terminal.Until("Nothing is in force");

        // Containment by hand: nothing without the name, and undone.
        terminal.Press("C");
        await terminal.Until("NAME");
        await terminal.Until("running");
        terminal.Press("c");
        await terminal.Until("isolate");
        terminal.Press("Enter");
        await terminal.Until("Type ");
        terminal.Press("F2");
        await terminal.Until("Nothing is done: type");
        terminal.Type(container.Name).Press("F2");
        await terminal.Until("isolate: done.");
        terminal.Press("I");
        await terminal.Until("in force by");
        terminal.Press("u");
        await terminal.Until("Undo isolate");
        terminal.Press("y");
        await terminal.Until("is lifted");
        Assert.DoesNotContain(container.Id[..12], SomeHost.OnHost("nft", "list", "tables"), StringComparison.Ordinal);

        // What the run sealed holds.
        terminal.Press("K");
        await terminal.Until("OPENED");
        terminal.Press("Enter");
        await terminal.Until("ACQUIRED");
        await terminal.Until(container.Name[..8]);
        terminal.Press("v");
        await terminal.Until("VERIFIED");
        terminal.Press("q");
        await RealEngine.Until(() => !terminal.IsRunning, "the console has ended");
    }

    /// <summary>Names and command lines with escape sequences, line ends, reversed and broken text, on the screen of a real terminal.</summary>
    [Theory]
    [InlineData("proc-name-spoof", "2", "one row", @"\x1b]0;owned", "gpj.exe")]
    [InlineData("fs-name-bomb", "4", "BEFORE", @"\x1b]0;x", "gpj.exe")]
    public async Task Shows_what_a_hostile_container_calls_itself_and_sends_none_of_it_to_the_terminal(string trap, string tab, string opened, params string[] shown)
    {
        using Trap hostile = new(trap);
        using TmuxSession terminal = new(folder.Path, 80, 24, $"{PublishedFile.FullPath} console");
        await terminal.Until("NAME");
        string sent = terminal.Record(Path.Combine(folder.Path, "sent"));
        terminal.Press("/");
        await terminal.Until("Filter:");
        terminal.Type(hostile.ContainerName).Press("Enter");
        await terminal.Until("Only rows with");
        await terminal.Until("running");
        terminal.Press("Enter");
        await terminal.Until("Looked at");
        terminal.Press(tab);
        foreach (string words in shown)
        {
            // The row is found by its text, opened whole, and left again.
            terminal.Press("/");
            await terminal.Until("Filter:");
            terminal.Press([.. Enumerable.Repeat("BSpace", 20)]).Type(words.Split('\\', ']')[^1]).Press("Enter");
            await terminal.Until("Only rows with");
            await terminal.Until(words[^4..]);
            AssertIsWhole(terminal.Text);
            terminal.Press("Enter");
            await terminal.Until(opened);
            AssertIsWhole(terminal.Text);
            terminal.Press("Escape");
            await terminal.Until("filter: ");
        }

        terminal.Press("q");
        await RealEngine.Until(() => !terminal.IsRunning, "the console has ended");
        byte[] bytes = await File.ReadAllBytesAsync(sent, TestContext.Current.CancellationToken);
        Assert.True(bytes.AsSpan().IndexOf("gpj.exe"u8) > 0);
        Assert.Equal(-1, bytes.AsSpan().IndexOf("\e]0;"u8));
        Assert.Equal(-1, bytes.AsSpan().IndexOf("\u202e"u8));
        Assert.Equal(-1, bytes.AsSpan().IndexOf((byte)0xff));

        static void AssertIsWhole(string screen)
        {
            string[] lines = screen.TrimEnd('\n').Split('\n');
            Assert.Equal(24, lines.Length);
            Assert.StartsWith(" cir", lines[0], StringComparison.Ordinal);
            Assert.Matches("^ [^ ]+ [a-z]", lines[23]);
            Assert.All(lines, line => Assert.True(line.Length <= 80, line));
        }
    }

    [Fact]
    public async Task Seals_what_it_began_when_the_terminal_is_lost()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        container.Exec("dd if=/dev/urandom of=/large bs=1M count=200 2>/dev/null");
        using TmuxSession terminal = new(folder.Path, 100, 30, $"{PublishedFile.FullPath} console");
        await terminal.Until("NAME");
        terminal.Press("/");
        await terminal.Until("Filter:");
        terminal.Type(container.Name).Press("Enter");
        await terminal.Until("Only rows with");
        await terminal.Until("running");
        terminal.Press("a");
        await terminal.Until("Evidence effect");
        terminal.Press("F2");
        await terminal.Until("rootfs-diff");

        terminal.Hangup();
        await RealEngine.Until(() => !terminal.IsRunning, "the console has ended");

        string bundle = Assert.Single(Directory.GetDirectories(folder.Path, "EV-*", SearchOption.AllDirectories));
        Assert.Equal(0, (await PublishedFile.RunAsync(Path.Combine(folder.Path, "home"), "verify", bundle)).ExitCode);
    }

    [Fact]
    public async Task Reads_no_configuration_that_a_stranger_may_have_laid_down()
    {
        Directory.CreateDirectory(Path.Combine(folder.Path, ".tui"));
        string trace = Path.Combine(folder.Path, "trace");
        using TmuxSession terminal = new(folder.Path, 80, 24, $"TUI_CONFIG='{{}}' HOME='{folder.Path}' strace -f -e trace=openat,open,access,stat,newfstatat,statx -o '{trace}' {PublishedFile.FullPath}");
        await terminal.Until("NAME");
        terminal.Press("q");
        await RealEngine.Until(() => !terminal.IsRunning, "the console has ended");

        Assert.DoesNotContain(".tui", await File.ReadAllTextAsync(trace), StringComparison.Ordinal);
    }
}
