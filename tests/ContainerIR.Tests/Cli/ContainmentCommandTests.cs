using System.Text.Json;
using ContainerIR.Actions;
using ContainerIR.Tests.Exporters;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Cli;

/// <summary><c>cir do</c>, <c>cir undo</c>, <c>cir status</c>, <c>cir watch</c> as typed.</summary>
public sealed class The_containment_commands
{
    [Fact]
    public async Task Say_what_would_be_done_do_it_show_it_and_undo_it()
    {
        using SomeHost host = new();
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeTerminal terminal = new();
        terminal.Variables["CIR_CHANGES"] = host.Parts.ChangesFolder;

        Assert.Equal(0, await terminal.RunAsync("do", "isolate", container.Name, "--case", "C-1", "--dry-run"));
        Assert.Contains("nft -f -", terminal.Out, StringComparison.Ordinal);
        Assert.Empty(host.Parts.Journal.List(out _));
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("do", "isolate", container.Name, "--case", "C-1", "--log-drops", "--examiner", "Ada", "--json"));
        string id = JsonDocument.Parse(terminal.Out).RootElement.GetProperty("change_id").GetString()!;
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("status"));
        Assert.Contains(id, terminal.Out, StringComparison.Ordinal);
        Assert.Contains("C-1", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("Ada", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("in force by veth-nft", terminal.Out, StringComparison.Ordinal);
        Assert.Equal(2, await terminal.RunAsync("do", "isolate", container.Name, "--case", "C-2"));
        Assert.Contains("isolated already", terminal.Error, StringComparison.Ordinal);
        terminal.Forget();

        RealEngine.Docker("restart", "-t", "0", container.Id);
        Assert.Equal(6, await terminal.RunAsync("do", "verify", container.Name, "--case", "C-1", "--what", "isolation"));
        Assert.Equal(0, await terminal.RunAsync("watch", "isolation", "--once"));
        Assert.Contains("in force again", terminal.Out, StringComparison.Ordinal);
        Assert.Equal(0, await terminal.RunAsync("do", "verify", container.Name, "--case", "C-1", "--what", "isolation"));

        Assert.Equal(0, await terminal.RunAsync("undo"));
        Assert.Equal(2, await terminal.RunAsync("undo"));
        terminal.Forget();
        Assert.Equal(0, await terminal.RunAsync("status", "--all", "--json"));
        Assert.Equal("undone", JsonDocument.Parse(terminal.Out).RootElement[0].GetProperty("change").GetProperty("state").GetString(), ignoreCase: true);
    }

    [Fact]
    public async Task Stand_in_the_record_of_their_case_and_what_went_against_the_rules_first_in_the_report()
    {
        using SomeHost host = new();
        using TestContainer container = RealEngine.Start(["--restart", "on-failure:3"], "sleep", "1000");
        using SomeTerminal terminal = new();
        terminal.Variables["CIR_CHANGES"] = host.Parts.ChangesFolder;
        string bundle = (await SomeHandoutBundle.MakeAsync(terminal.Folder)).Path;
        Assert.Equal(0, await terminal.RunAsync("case", "new", "C-9"));
        Assert.Equal(0, await terminal.RunAsync("case", "add", "C-9", bundle));

        Assert.Equal(0, await terminal.RunAsync("do", "hold", container.Name, "--case", "C-9", "--examiner", "Ada"));
        Assert.Equal(0, await terminal.RunAsync("undo"));
        Assert.Equal(0, await terminal.RunAsync("do", "stop", container.Name, "--case", "C-9", "--yes", "--override", "the shop burns", "--examiner", "Ada"));
        Assert.Equal(2, await terminal.RunAsync("do", "stop-process", container.Name, "--case", "C-9", "--pid", "1"));
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("timeline", "C-9", "--source", "case", "--json"));
        Assert.Equal(
            ["executed", "rolled_back", "break_glass", "executed"],
            terminal.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("meaning").GetString()).Where(word => word != "added"));
        Assert.Equal(0, await terminal.RunAsync("case", "check", "C-9"));
        foreach (string form in (string[])["html", "md", "json"])
        {
            string file = Path.Combine(terminal.Folder, "report." + form);
            Assert.Equal(0, await terminal.RunAsync("report", "C-9", "--out", file));
            string report = await File.ReadAllTextAsync(file);
            Assert.Contains("the shop burns", report, StringComparison.Ordinal);
            Assert.True(report.IndexOf("the shop burns", StringComparison.Ordinal) < report.IndexOf(form == "json" ? "\"bundles\"" : "copied the state of", StringComparison.Ordinal), "what went against the rules stands first");
            Assert.Contains(form == "md" ? "cir do hold" : "cir do hold " + container.Name, report, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Say_that_a_deed_is_in_no_record_where_there_is_no_case_and_refuse_one_in_a_closed_case()
    {
        using SomeHost host = new();
        using TestContainer container = RealEngine.Start(["--restart", "on-failure:3"], "sleep", "1000");
        using SomeTerminal terminal = new();
        terminal.Variables["CIR_CHANGES"] = host.Parts.ChangesFolder;

        Assert.Equal(0, await terminal.RunAsync("do", "hold", container.Name, "--case", "C-9"));
        Assert.Contains("Not in the record of case C-9", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(0, await terminal.RunAsync("undo"));
        Assert.Equal(0, await terminal.RunAsync("case", "new", "C-9"));
        Assert.Equal(0, await terminal.RunAsync("case", "close", "C-9", "--reason", "done"));
        Assert.Equal(2, await terminal.RunAsync("do", "hold", container.Name, "--case", "C-9"));

        Assert.Equal("on-failure", container.Inspect("{{.HostConfig.RestartPolicy.Name}}"));
    }

    /// <summary>What the steps of playbooks do can each be done by hand, with the same row in the case's record.</summary>
    [Fact]
    public async Task Look_copy_judge_prove_tell_and_report_by_hand()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeTerminal terminal = new() { Acquire = ContainerIR.Acquisitions.Acquirer.RunAsync };
        terminal.Variables["CIR_PASSPHRASE"] = "a passphrase of tests";

        Assert.Equal(0, await terminal.RunAsync("do", "preflight", container.Name, "--case", "C-1"));
        Assert.Contains($"{container.Name} is running", terminal.Out, StringComparison.Ordinal);
        Assert.Equal(6, await terminal.RunAsync("do", "preflight", "--case", "C-1", "--min-free", "900000TiB"));
        Assert.Equal(2, await terminal.RunAsync("do", "notify", "--case", "C-1", "--text", "nobody hears it"));
        Assert.Equal(2, await terminal.RunAsync("do", "collect", "--case", "C-1", "--profile", "volatile"));
        Assert.Equal(2, await terminal.RunAsync("do", "triage", container.Name, "--case", "C-1"));
        Assert.False(Directory.Exists(Path.Combine(terminal.Home, "cases")));

        Assert.Equal(0, await terminal.RunAsync("do", "collect", container.Name, "--case", "C-1", "--profile", "volatile", "--examiner", "Ada"));
        terminal.Forget();
        Assert.Equal(0, await terminal.RunAsync("do", "triage", container.Name, "--case", "C-1", "--json"));
        Assert.Equal("0", JsonDocument.Parse(terminal.Out).RootElement.GetProperty("outputs").GetProperty("score").GetString());
        Assert.Equal(0, await terminal.RunAsync("do", "seal", "--case", "C-1"));
        Assert.Equal(0, await terminal.RunAsync("do", "verify", container.Name, "--case", "C-1", "--what", "bundle"));
        Assert.Equal(0, await terminal.RunAsync("do", "notify", "--case", "C-1", "--text", "the shop is looked at"));
        Assert.Equal(2, await terminal.RunAsync("do", "report", "--case", "C-1", "--formats", "md,pdf"));
        Assert.Equal(0, await terminal.RunAsync("do", "report", "--case", "C-1", "--formats", "md,json"));
        Assert.Equal([".json", ".md"], Directory.EnumerateFiles(Path.Combine(terminal.Home, "cases", "C-1", "reports"), "C-1-*").Select(Path.GetExtension).Order(StringComparer.Ordinal));
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("timeline", "C-1", "--source", "case", "--json"));
        string[] words = [.. terminal.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("message").GetString()!)];
        Assert.Equal(["acquired", "executed", "executed", "executed", "executed", "executed", "executed"], words.Select(word => word.Split(' ')[0]));
        Assert.Contains($"by Ada: cir do collect {container.Name} --profile=volatile", words[1], StringComparison.Ordinal);
        Assert.Contains("the shop is looked at", words[5], StringComparison.Ordinal);
        Assert.Equal(0, await terminal.RunAsync("case", "check", "C-1"));

        // What another responder writes at this moment is judged by the next triage.
        string bundle = Assert.Single(Directory.GetDirectories(terminal.Home, "EV-*", SearchOption.AllDirectories)), half = Directory.CreateDirectory(bundle + "-half").FullName;
        File.Copy(Path.Combine(bundle, "custody.json"), Path.Combine(half, "custody.json"));
        File.Copy(Path.Combine(bundle, "bagit.txt"), Path.Combine(half, "bagit.txt"));
        terminal.Forget();
        Assert.Equal(0, await terminal.RunAsync("do", "triage", container.Name, "--case", "C-1"));
        Assert.Contains("not judged, for not sealed: 1", terminal.Out, StringComparison.Ordinal);
        Directory.Delete(half, recursive: true);

        Assert.Equal(0, await terminal.RunAsync("case", "close", "C-1", "--reason", "done"));
        Assert.Equal(0, await terminal.RunAsync("do", "verify", container.Name, "--case", "C-1", "--what", "bundle"));
        Assert.Equal(2, await terminal.RunAsync("do", "collect", container.Name, "--case", "C-1", "--profile", "volatile"));
    }

    [Fact]
    public async Task Do_not_destroy_without_yes_nor_with_values_that_do_not_fit()
    {
        using SomeHost host = new();
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeTerminal terminal = new();
        terminal.Variables["CIR_CHANGES"] = host.Parts.ChangesFolder;

        Assert.Equal(2, await terminal.RunAsync("do", "remove", container.Name, "--case", "C-1", "--override", "why"));
        Assert.Contains("--yes", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(2, await terminal.RunAsync("do", "remove", container.Name, "--case", "C-1", "--yes"));
        Assert.Contains("cir acquire", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(2, await terminal.RunAsync("do", "remove", container.Name, "--case", "C-1", "--yes", "--override", " "));
        Assert.Equal(2, await terminal.RunAsync("do", "isolate", container.Name, "--case", "C-1", "--method", "magic"));
        Assert.Equal(2, await terminal.RunAsync("do", "isolate", container.Name, "--case", "C-1", "--allow", "not an address"));
        Assert.Equal(2, await terminal.RunAsync("do", "throttle", container.Name, "--case", "C-1", "--pids", "none"));
        Assert.Equal(2, await terminal.RunAsync("do", "isolate", container.Name, "--case", "../x"));
        Assert.Equal("running", container.Inspect("{{.State.Status}}"));
        Assert.Empty(host.Parts.Journal.List(out _));
    }

    [Fact]
    public async Task Tell_of_a_change_whose_record_cannot_be_read()
    {
        using SomeHost host = new();
        using SomeTerminal terminal = new();
        terminal.Variables["CIR_CHANGES"] = host.Parts.ChangesFolder;
        Directory.CreateDirectory(host.Parts.ChangesFolder);
        File.WriteAllText(host.Parts.ChangesFolder + "/00000000.json", "{");

        Assert.Equal(0, await terminal.RunAsync("status"));

        Assert.Contains("00000000.json", terminal.Error, StringComparison.Ordinal);
    }
}

/// <summary>The list of actions.</summary>
public sealed class The_list_of_actions
{
    [Fact]
    public void Names_every_action_file_and_each_name_once()
    {
        string folder = Path.Combine(Repository.Root, "src", "ContainerIR", "Actions");
        string list = File.ReadAllText(Path.Combine(folder, "ActionList.cs"));
        IEnumerable<string> files = Directory.EnumerateFiles(folder, "*Action.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetFileNameWithoutExtension(file)!)
            .Where(name => name is not (nameof(IAction) or nameof(ContainerAction)));
        Assert.DoesNotContain(files, name => !list.Contains($"new {name}(", StringComparison.Ordinal));

        using SomeHost host = new();
        IReadOnlyList<IAction> all = ActionList.Make(host.Parts);
        Assert.Equal(all.Count, all.Select(each => each.Name).Distinct().Count());
    }
}
