using ContainerIR.Tests.Some;
using Terminal.Gui.Input;
using Xunit;

namespace ContainerIR.Tests.Screens;

/// <summary>The console by its keys and its text, over the real engine.</summary>
public sealed class The_console
{
    [Fact]
    public void Lists_the_containers_risk_first()
    {
        using TestContainer plain = RealEngine.Start([], "sleep", "1000");
        using TestContainer risky = RealEngine.Start(["--cap-add", "SYS_PTRACE", "-v", "/etc:/host-etc"], "sleep", "1000");
        using SomeConsole console = new(200, 50);

        console.Until(risky.Name).Until(plain.Name);

        int Row(string name) => Array.FindIndex(console.Lines, line => line.StartsWith(name + " ", StringComparison.Ordinal));
        Assert.True(Row(risky.Name) < Row(plain.Name), console.Text);
        Assert.Contains("cap-add SYS_PTRACE, sensitive-mount", console.Lines[Row(risky.Name)], StringComparison.Ordinal);
        Assert.Contains("running", console.Lines[Row(plain.Name)], StringComparison.Ordinal);
    }

    [Fact]
    public void Shows_the_processes_of_a_container_in_two_keys()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "cp /bin/busybox /tmp/busybox; exec /tmp/busybox sleep 4711");
        using SomeConsole console = new(120, 40);
        Filter(console, container.Name);

        console.Press(Key.Enter).Until("Looked at").Press('2').Until("sleep 4711");

        Assert.Contains("/tmp/busybox", console.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Shows_what_a_container_changed()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "rm /etc/group; echo new > /new-file; sleep 1000");
        container.Exec("test -e /new-file");
        using SomeConsole console = new(120, 40);
        Filter(console, container.Name);

        console.Press(Key.Enter).Until("Looked at").Press('L').Until("Looked at").Press('4').Until("/new-file");

        Assert.Contains(console.Lines, line => line.StartsWith("deleted", StringComparison.Ordinal) && line.EndsWith("/etc/group", StringComparison.Ordinal));
        console.Press('/').Type("group").Press(Key.Enter).Until("filter: group");
        Assert.DoesNotContain("/new-file", console.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Shows_what_is_wrong_with_a_container_and_the_evidence_of_it_in_five_keys()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "cp /bin/busybox /tmp/busybox; exec /tmp/busybox sh -c 'rm /tmp/busybox; while sleep 1000; do :; done'");
        container.Exec("until [ ! -e /tmp/busybox ]; do :; done");
        using SomeConsole console = new(140, 40);
        Filter(console, container.Name);

        console.Press('s').Until("1 container judged");
        Assert.Matches($"{container.Name} +[1-9][0-9]+ +running", console.Text);

        console.Press(Key.Enter).Until("Looked at").Until("CIR-005").Press('f').Until("SEVERITY").Press('/').Type("CIR-005").Press(Key.Enter).Until("filter: CIR-005");
        console.Press(Key.Enter).Until("Why it matters").Until("/tmp/busybox").Press(Key.Enter).Until("processes.jsonl");
        Assert.Contains("/tmp/busybox", console.Press(Key.Enter).Until("Esc back").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Opens_a_row_whole_and_an_item_by_its_lines()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", @"printf 'one\ntwo \033[2J three\n'; sleep 4712; true", new string('y', 200) + "end");
        using SomeConsole console = new(100, 40);
        Filter(console, container.Name);

        console.Press(Key.Enter).Until("Looked at").Press('2').Until("sleep 4712").Press(Key.Enter).Until("one row").Until("EXECUTABLE  /bin/busybox").Press(Key.Esc).Until("Processes  ");
        console.Press('L').Until("Looked at").Press('6').Until("data/").Press('/').Type("container-json").Press(Key.Enter).Until("filter: container-json").Until("container-json.log").Press(Key.Enter).Until("2 lines");

        Assert.Contains(console.Lines, line => line.TrimStart().StartsWith("1  ", StringComparison.Ordinal) && line.Contains("one", StringComparison.Ordinal));
        Assert.DoesNotContain('', console.Text);
        console.Press('/').Type("three").Press(Key.Enter).Until("1 line");
    }

    [Fact]
    public void Acquires_a_sealed_bundle_verifies_it_and_finds_it_in_its_case()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeConsole console = new(120, 40);
        Filter(console, container.Name);

        console.Press('a').Until("Evidence effect").Press(Key.F2).Until("Sealed  ").Press('v').Until("VERIFIED:");

        string bundle = Path.GetFileName(Assert.Single(Directory.GetDirectories(console.Home, "EV-*", SearchOption.AllDirectories)));
        console.Press(Key.Esc, Key.Esc).Press('K').Until("OPENED").Until("IR-").Press(Key.Enter).Until(container.Name).Press(Key.Enter).Until(bundle);
        console.Press('6').Until("data/");
    }

    [Fact]
    public void Turns_the_profile_with_the_arrow_keys()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeConsole console = new(120, 40);
        Filter(console, container.Name);

        console.Press('a').Until("Profile   standard").Press(Key.Enter, Key.CursorRight).Until("Profile   full").Press(Key.CursorRight).Until("Profile   triage").Until("no file bytes");
    }

    [Fact]
    public void Finds_a_command_by_typing_and_goes_back()
    {
        using SomeConsole console = new();

        console.Press(':').Type("doct").Until("What works on this host").Press(Key.Enter).Until("Container engine").Press(Key.Esc).Until("Containers");
        console.Press('?').Until("Everywhere").Press(Key.Esc).Until("Containers");
    }

    [Fact]
    public void Says_which_engine_does_not_answer_and_what_to_do()
    {
        using SomeConsole console = new(200, 24, "unix:///tmp/cir-no-such.sock");

        console.Until("/tmp/cir-no-such.sock").Until("What to do:");
    }

    [Fact]
    public void Stays_whole_when_the_terminal_is_small_or_grows()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeConsole console = new(40, 10);
        console.Until("NAME");

        Assert.All(console.Lines, line => Assert.True(line.Length <= 40, line));
        console.Resize(200, 60);
        console.Until(container.Id[..12]);
    }

    [Fact]
    public void Draws_ascii_only_where_nothing_else_can_be_drawn()
    {
        using TestContainer container = RealEngine.Start(["-v", "/etc:/" + new string('x', 60)], "sleep", "1000");
        using SomeConsole console = new(60, 20, isAscii: true);

        console.Until("sens");

        Assert.DoesNotContain(console.Text, letter => letter is > '~' or (< ' ' and not '\n'));
        Assert.Contains("~", console.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Never_draws_what_a_container_wrote_raw()
    {
        const string hostile = "[{\"Id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"Names\":[\"/e\\u001b[2Jvil\\nname\\u202egnp\"],\"Image\":\"i\\u0007\\u009b31m\",\"ImageID\":\"sha256:0\",\"Command\":\"x\",\"Created\":1,\"State\":\"running\",\"Status\":\"Up\",\"Ports\":[],\"Labels\":{},\"HostConfig\":{\"NetworkMode\":\"x\"},\"NetworkSettings\":{\"Networks\":{}},\"Mounts\":[]}]";
        using FakeEngine engine = new(path => path.Contains("/containers/json", StringComparison.Ordinal) ? FakeEngine.Json(hostile) : FakeEngine.Json("{}"));
        using SomeConsole console = new(120, 20, engine.Endpoint);

        console.Until("vil");

        Assert.DoesNotContain(console.Text, letter => letter is (< ' ' and not '\n') or '\u202e' or '\u009b' or '\u007f');
        Assert.Contains(@"e\x1b[2Jvil\nname", console.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Leaves_by_q_and_not_by_escape()
    {
        using SomeConsole console = new();

        console.Press(Key.Esc);
        Assert.False(console.IsClosed);
        console.Press('q');
        Assert.True(console.IsClosed);
    }

    private static void Filter(SomeConsole console, string name) => console.Until("NAME").Press('/').Type(name).Press(Key.Enter).Until($"Only rows with: {name}").Until("running");
}
