using ContainerIR.Cli.Output;
using ContainerIR.Cli.Screens;
using ContainerIR.Evidence.Seals;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Playbooks;
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
    public void Keeps_a_question_on_the_screen_while_something_else_ends()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "4714");
        using SomeConsole console = new(120, 40);
        Filter(console, container.Name);

        // The look ends, takes the screen and has something to say, all while the person types.
        console.Press(Key.Enter).Press('/').Until("Filter:").Type("47").Until("Score ");
        Assert.Contains("Filter: 47", console.Text, StringComparison.Ordinal);
        console.Type("14").Press(Key.Enter).Until("Only rows with: 4714").Press('2').Until("filter: 4714").Until("sleep 4714");
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
        console.Press(Key.Enter).Until("Why it matters").Until("/tmp/busybox").Press(Key.Enter).Until("processes.jsonl").Until(" line");
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

    /// <summary>What a container writes: a line of a megabyte, wide, combining and reversed text, escape sequences.</summary>
    [Fact]
    public void Keeps_its_lines_whatever_a_container_writes()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c",
            @"head -c 1000000 /dev/zero | tr '\0' x; echo; i=0; while [ $i -lt 60 ]; do printf '\346\227\245\346\234\254'; i=$((i+1)); done; echo; i=0; while [ $i -lt 300 ]; do printf 'e\314\201'; i=$((i+1)); done; printf '\n\342\200\256evil\033]0;owned\007\033[2J\nlast line\n'; exec sleep 1000");
        using SomeConsole console = new();
        Filter(console, container.Name);

        console.Press(Key.Enter).Until("Looked at").Press('o').Until("last line");

        Assert.Contains("evil", console.Text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202e', console.Text);
        Assert.DoesNotContain('\e', console.Text);
        Assert.All(console.Lines, line => Assert.True(Cells.Count(line) <= 80, line));
        Assert.StartsWith(" cir", console.Lines[0], StringComparison.Ordinal);
        console.Press(Key.Home).Until("xxxxxxxx");
        Assert.All(console.Lines, line => Assert.True(Cells.Count(line) <= 80, line));
    }

    [Fact]
    public void Reads_again_often_while_a_person_acts_and_else_as_seldom_as_it_is_cheap()
    {
        ManualClock clock = new();
        using SomeTerminal terminal = new();
        using Shell shell = new(new ConsoleFacts(terminal.Surroundings with { Clock = clock }, RealEngine.Endpoint, null, null, false, false));
        Pace pace = new(shell);

        pace.Begin();
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.False(pace.IsDue);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(pace.IsDue, "a person was there a moment ago");

        clock.Advance(TimeSpan.FromSeconds(20));
        pace.Begin();
        TimeSpan before = Environment.CpuUsage.TotalTime;
        Assert.True(SpinWait.SpinUntil(() => Environment.CpuUsage.TotalTime - before > TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(30)));
        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(pace.IsDue, "50 ms of work are half a hundredth of ten seconds");
        clock.Advance(TimeSpan.FromSeconds(51));
        Assert.True(pace.IsDue, "once a minute whatever it costs");
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
        using SomeConsole console = new(240, 20, engine.Endpoint);

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

    [Fact]
    public void Does_each_thing_a_responder_needs_in_at_most_five_keys_from_the_first_screen()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "exec sh -c 'sleep 1000; :' kdevtmpfsi -o stratum+tcp://203.0.113.9:3333 -u wallet");
        using SomeConsole console = new(140, 40);
        Filter(console, container.Name);
        void InAtMostFive(string what) => Assert.True(console.Keys is > 0 and <= 5, $"{what} takes {console.Keys} keys");
        void First() => console.Press('C').Until("Containers").Until(container.Name).Count();

        console.Count().Press('s').Until("1 container judged");
        InAtMostFive("finding the bad container");
        Assert.True(System.Text.RegularExpressions.Regex.IsMatch(console.Text, $"{container.Name} +[1-9][0-9]* +running"), console.Text);

        First();
        console.Press(Key.Enter).Until("Looked at").Press('f').Until("SEVERITY").Press(Key.Enter).Until("Why it matters");
        InAtMostFive("seeing why");

        First();
        console.Press('a').Until("Evidence effect").Press(Key.F2).Until("Sealed  ");
        InAtMostFive("acquiring");

        First();
        console.Press('p').Until("CALLED FOR BY").Until("CIR-001").Press(Key.Enter).Until("Cryptominer in a container").Press(Key.F2).Until("Run R-");
        InAtMostFive("running the suggested playbook");
        console.Press('x').Until("Stop this run?").Press('y').Until("stopped");

        First();
        console.Press('c').Until("isolate").Press(Key.Enter).Until("Nothing is done yet").Type(container.Name).Press(Key.F2).Until("isolate: done.");
        InAtMostFive("isolating");

        First();
        console.Until("isolate").Press('I').Until("in force by").Press('u').Until("Undo isolate").Press('y').Until("is lifted");
        InAtMostFive("undoing");

        First();
        console.Press('K').Until("OPENED").Until("IR-").Press(Key.Enter).Until("ACQUIRED").Until(container.Name).Press('v').Until("VERIFIED:");
        InAtMostFive("verifying");

        First();
        console.Press('q');
        InAtMostFive("leaving");
        Assert.True(console.IsClosed);
    }

    [Fact]
    public void Cuts_a_container_off_only_when_its_name_is_typed_and_writes_it_into_the_case()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeConsole console = new(120, 40);
        Filter(console, container.Name);

        console.Press('c').Until("isolate").Press(Key.Enter).Until("Nothing is done yet").Until("table netdev").Type("another").Press(Key.F2).Until("Nothing is done: type");
        Assert.False(Directory.Exists(console.Changes) && Directory.EnumerateFiles(console.Changes, "*.json").Any());
        console.Press(Key.Esc).Until("destroys").Press('n').Until("Note for which case?").Press(Key.Enter).Until("Note for IR-").Type("cut off by hand").Press(Key.Enter).Until("Noted in IR-");
        console.Press(Key.Enter).Until("Nothing is done yet").Type(container.Name).Press(Key.F2).Until("isolate: done.").Until("verified");
        Assert.Contains(container.Id[..12], SomeHost.OnHost("nft", "list", "tables"), StringComparison.Ordinal);
        console.Press('I').Until("in force by").Press('u').Until("Undo isolate").Press('z').Until("in force by").Press('u').Until("Undo isolate").Press('y').Until("is lifted");

        Assert.DoesNotContain(container.Id[..12], SomeHost.OnHost("nft", "list", "tables"), StringComparison.Ordinal);
        console.Press('K').Until("IR-").Press(Key.Enter).Press('2').Until("Record").Until("rolled_back").Until("executed").Until("cut off by hand");
        console.Press('p').Until("The record is as it was written");
    }

    [Fact]
    public void Does_not_destroy_what_is_not_sealed_but_for_a_reason()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeConsole console = new(120, 40);
        Filter(console, container.Name);

        console.Press('c').Until("isolate").Press('/').Type("End the container").Press(Key.Enter).Until("Only rows with");
        console.Press(Key.End, Key.Enter).Until("Hindrance: ").Type(container.Name).Press(Key.F2).Until("stop is refused");

        Assert.Equal("true", container.Inspect("{{.State.Running}}"));
    }

    [Fact]
    public void Runs_a_playbook_with_a_question_and_an_approval_and_goes_on_with_it_after_a_stop()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeConsole console = new(120, 40);
        Directory.CreateDirectory(Path.Combine(console.Home, "playbooks"));
        File.WriteAllText(Path.Combine(console.Home, "playbooks", "short-walk.yaml"), SomePlaybook.ShortWalk);
        string keys = Path.Combine(console.Home, "lena");
        IdentityFolder.Create(keys, new ResponderSubject("Lena Lead", null), "lena's own words", DateTimeOffset.UtcNow);
        new ApproverRoster(Path.Combine(console.Home, "approvers")).Add("lead", File.ReadAllText(Path.Combine(keys, "responder-cert.pem")));
        Filter(console, container.Name);

        console.Press('p').Until("triage-unknown").Press('/').Type("short-walk").Press(Key.Enter).Until("A short walk").Press(Key.Enter).Until("approved by 1 of lead");
        console.Press(Key.F4).Until("Dry run: nothing was changed").Until("here it costs").Press(Key.F2).Until("To do: Decide");

        // Left unanswered it waits; other work goes on meanwhile.
        console.Press(Key.Esc).Until("waits for you").Press('C').Until("Containers").Until("R: short-walk waits for you");
        console.Press('R').Until("asks").Press('x').Until("Stop this run?").Press('y').Until("Stopped. Go on");
        console.Press('K').Until("IR-").Press(Key.Enter).Press('3').Until("cut: Enter goes on").Press(Key.Enter).Until("To do: Decide").Press(Key.F2);

        console.Until("Approval: Freeze it").Until("freezer").Type(keys).Press(Key.Enter).Type("not her words").Press(Key.F2).Until("passphrase");
        console.Press(Key.CursorDown, Key.CursorUp).Type("lena's own words").Press(Key.F2).Until("ran to its end");
        Assert.Equal("true", container.Inspect("{{.State.Paused}}"));
        console.Press('I').Until("In force on this host  1").Press('u').Until("Undo pause").Press('y').Until("Nothing is in force");

        Assert.Equal("false", container.Inspect("{{.State.Paused}}"));
        console.Press('K').Until("IR-").Press(Key.Enter).Press('2').Until("approved").Until("Lena Lead");
        Assert.Single(Directory.GetDirectories(console.Home, "R-*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Names_only_keys_that_work_while_text_is_typed()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeConsole console = new(120, 40);
        Filter(console, container.Name);

        console.Press('a').Until("Evidence effect");
        Assert.Contains(" F2 start ", console.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("q quit", console.Text, StringComparison.Ordinal);
        console.Press(Key.F1).Until("Everywhere").Press(Key.Esc).Until("Evidence effect").Press(Key.P.WithCtrl).Until("KEY").Type("doct").Until("What works on this host");
    }

    [Fact]
    public void Searches_a_case_zooms_its_timeline_and_goes_to_the_evidence()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "echo needle:x:0:0::/:/bin/sh >> /etc/passwd; exec sleep 4713");
        container.Exec("grep -q needle /etc/passwd");
        using SomeConsole console = new(140, 40);
        Filter(console, container.Name);

        console.Press('a').Until("Evidence effect").Press(Key.F2).Until("Sealed  ").Press('K').Until("IR-").Press(Key.Enter).Until(container.Name);
        console.Press('s').Until("Search").Type("sleep 4713").Press(Key.Enter).Until("process").Press('/');
        console.Press(Key.Enter).Until("processes.jsonl");
        console.Press(Key.Esc).Until("hit").Press(Key.Esc).Until("ACQUIRED").Press('t').Until("all of it").Press('/').Type("/etc/passwd").Press(Key.Enter).Until("filter: /etc/passwd").Press(Key.End, '+').Until("around").Press(Key.Enter).Until("entries.jsonl");
        console.Press(Key.Esc).Until("around").Press(Key.Esc).Until("ACQUIRED").Press(Key.Enter).Until("Overview").Press('4').Until("/etc/passwd").Press('/').Type("passwd").Press(Key.Enter).Until("filter: passwd").Press(Key.Enter).Until("BEFORE");
        console.Until("+ needle:x:0:0").Press('b').Until("before.tar.zst");
    }

    [Fact]
    public void Hands_a_case_out_and_shows_its_custody()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeConsole console = new(140, 40);
        Filter(console, container.Name);

        console.Press('a').Until("Evidence effect").Press(Key.F2).Until("Sealed  ").Press('K').Until("IR-").Press(Key.Enter).Until(container.Name);
        console.Press('e').Until("report.html").Press(Key.Enter).Type(console.Home).Press(Key.F2).Until("Written");
        Assert.Contains("<html", File.ReadAllText(Assert.Single(Directory.GetFiles(console.Home, "*-report.html"))), StringComparison.Ordinal);
        console.Press(Key.Esc).Until("ACQUIRED").Press(Key.Enter).Until("Overview").Press('u').Until("sealed").Until("CN=");
    }

    [Fact]
    public void Shows_processes_as_a_tree_the_image_and_what_a_container_writes()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", @"printf 'one\033[2J\n'; sh -c 'sleep 4714; true'; true");
        using SomeConsole console = new(140, 40);
        Filter(console, container.Name);

        console.Press(Key.Enter).Until("Looked at").Press('2').Until("  \u2514 sleep 4714").Press('i').Until("Layers, the lowest first").Press(Key.Esc).Until("Processes");
        console.Press('o').Until(@"one\x1b[2J");
        container.Exec("echo two > /proc/1/fd/1");
        console.Until("two");
    }

    private static void Filter(SomeConsole console, string name) => console.Until("NAME").Press('/').Type(name).Press(Key.Enter).Until($"Only rows with: {name}").Until("running");
}
