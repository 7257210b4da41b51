using System.Diagnostics;
using System.Text.Json;
using ContainerIR.Cli;
using ContainerIR.Playbooks;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Rows;
using ContainerIR.Tests.Cli;
using Xunit;

namespace ContainerIR.Tests.Playbooks;

/// <summary><c>cir playbook</c>, with actions that do nothing but remember.</summary>
public sealed class The_playbook_command : IDisposable
{
    private readonly SomeTerminal terminal = new();
    private readonly SomeActions actions = new();

    public The_playbook_command() => terminal.Actions = _ => actions.All;

    public void Dispose() => terminal.Dispose();

    [Fact]
    public async Task Lists_shows_and_checks_what_comes_with_cir()
    {
        Assert.Equal(0, await terminal.RunAsync("playbook", "list"));
        Assert.All(PlaybookLibrary.Shipped, slug => Assert.Contains(slug, terminal.Out, StringComparison.Ordinal));
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("playbook", "check"));
        Assert.Equal(12, terminal.Out.Split('\n').Count(line => line.Contains(": good  sha256 ", StringComparison.Ordinal)));
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("playbook", "show", "cryptominer"));
        Assert.Contains("├─ hold  hold restart_policy=true watch_events=true\n│     evidence: one field of the engine's host configuration, put back exactly\n", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("approved by 2 of lead, owner, not the operator, within 4h", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("on failure", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("nist:RS.MI-01", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_every_fault_and_exits_with_2()
    {
        string file = Write("bad.yaml", "playbook: bad\nname: x\nversion: 1\ndescription: y\nsteps:\n  - { id: a, action: nope }\n");

        Assert.Equal(ExitCode.OperatorProblem, await terminal.RunAsync("playbook", "check", file));

        Assert.Contains($"{file}:3:10: 'version' must be text", terminal.Out, StringComparison.Ordinal);
        Assert.Contains($"{file}:6:22: there is no action 'nope'", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prints_what_would_be_done_and_does_nothing()
    {
        Assert.Equal(0, await terminal.RunAsync("playbook", "run", "cryptominer", "web", "--case", "IR-1", "--dry-run"));

        Assert.Contains("$ cir-fake stop SIGKILL", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("here it costs: destroys", terminal.Out, StringComparison.Ordinal);
        Assert.Empty(actions.Called);
        Assert.False(Directory.Exists(Path.Combine(terminal.Home, "cases")));
    }

    [Fact]
    public async Task Runs_with_answers_goes_on_where_the_input_ended_and_reports_the_status()
    {
        string file = Write("asks.yaml", Asks);
        terminal.Lines.Enqueue("first answer");
        terminal.Lines.Enqueue("");

        Assert.Equal(ExitCode.OperatorProblem, await terminal.RunAsync("playbook", "run", file, "web", "--case", "IR-1"));
        string run = terminal.Out.Trim();
        Assert.Contains($"cir playbook resume {run} --case IR-1", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(["collect"], actions.Called);

        terminal.Forget();
        terminal.Lines.Enqueue("second answer");
        terminal.Lines.Enqueue("yes");
        Assert.Equal(0, await terminal.RunAsync("playbook", "resume", run, "--case", "IR-1"));
        Assert.DoesNotContain("First?", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(["collect", "notify"], actions.Called);
        Assert.Equal("first answer, second answer", actions.CallOf("notify").With["text"]);

        terminal.Forget();
        Assert.Equal(0, await terminal.RunAsync("playbook", "export", "--format", "execution-status", "--run", run, "--case", "IR-1"));
        using JsonDocument status = JsonDocument.Parse(terminal.Out);
        Assert.Equal("successfully_executed", status.RootElement.Text("status"));
        Assert.Equal("successfully_executed", status.RootElement.Object("step_results").Object("tell").Text("status"));
        Assert.StartsWith("action--", status.RootElement.Object("step_results").Object("tell").Text("step_id"), StringComparison.Ordinal);
        Assert.Equal(ExitCode.OperatorProblem, await terminal.RunAsync("playbook", "resume", run, "--case", "IR-1"));
    }

    [Fact]
    public async Task Exports_CACAO_and_takes_it_back_as_the_same_playbook()
    {
        Assert.Equal(0, await terminal.RunAsync("playbook", "export", "web-shell"));
        string file = Write("exported.json", terminal.Out);
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("playbook", "check", "web-shell", file));

        string[] digests = [.. terminal.Out.Split('\n').Where(line => line.Contains("sha256", StringComparison.Ordinal)).Select(line => line[^64..])];
        Assert.Equal(2, digests.Length);
        Assert.Single(digests.Distinct());
    }

    [Fact]
    public async Task Shows_foreign_commands_and_never_runs_them()
    {
        string proof = Path.Combine(terminal.Folder, "was-run");
        string file = Write("foreign.json", Foreign.Replace("PROOF", proof, StringComparison.Ordinal));
        Assert.Equal(0, await terminal.RunAsync("playbook", "import", file));
        Assert.Contains("[bash] touch " + proof, terminal.Error, StringComparison.Ordinal);
        string name = terminal.Out.Trim();
        terminal.Forget();
        terminal.Lines.Enqueue("true");
        terminal.Lines.Enqueue("");
        terminal.Lines.Enqueue("");

        Assert.Equal(0, await terminal.RunAsync("playbook", "run", name, "web", "--case", "IR-2"));

        Assert.Contains("touch " + proof, terminal.Error, StringComparison.Ordinal);
        Assert.Contains("Does this hold? [ipv4-addr:value = '198.51.100.1']", terminal.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(proof));
        Assert.Equal(["pause"], actions.Called);
    }

    [Fact]
    public async Task Runs_foreign_commands_of_the_very_playbook_that_is_allowed_and_never_with_a_variable()
    {
        string proof = Path.Combine(terminal.Folder, "was-run"), other = Path.Combine(terminal.Folder, "other");
        string file = Write("foreign.json", Foreign
            .Replace("touch PROOF", $"echo home=$CIR_HOME; cat; touch {proof}", StringComparison.Ordinal)
            .Replace("\"http-api\", \"command\": \"GET / HTTP/1.1\"", "\"bash\", \"command\": \"touch " + proof + "2\"", StringComparison.Ordinal));
        string variable = Write("variable.json", Foreign.Replace("touch PROOF", $"touch {other}-__container__:value", StringComparison.Ordinal).Replace("http-api", "bash", StringComparison.Ordinal));
        Assert.Equal(0, await terminal.RunAsync("playbook", "check", file, variable));
        string[] digests = [.. terminal.Out.Split('\n').Where(line => line.Contains("sha256", StringComparison.Ordinal)).Select(line => line[^64..])];
        terminal.Forget();

        terminal.Lines.Enqueue("true");
        terminal.Lines.Enqueue("");
        Assert.Equal(0, await terminal.RunAsync("playbook", "run", file, "web", "--case", "IR-2", "--allow-commands", digests[0]));

        Assert.True(File.Exists(proof) && File.Exists(proof + "2"));
        string record = File.ReadAllText(Assert.Single(Directory.GetFiles(terminal.Folder, "run.jsonl", SearchOption.AllDirectories)));
        Assert.Contains("exit 0: home=\"", record, StringComparison.Ordinal);
        Assert.Contains($"the operator allows the foreign commands of {digests[0]}", record, StringComparison.Ordinal);
        File.Delete(proof);
        terminal.Forget();
        foreach ((string path, string digest) in new[] { (file, digests[1]), (variable, digests[1]) })
        {
            terminal.Lines.Enqueue("true");
            terminal.Lines.Enqueue("");
            terminal.Lines.Enqueue("");
            Assert.Equal(0, await terminal.RunAsync("playbook", "run", path, "web", "--case", "IR-2", "--allow-commands", digest));
        }

        Assert.False(File.Exists(proof));
        Assert.Empty(Directory.GetFiles(terminal.Folder, "other*"));
        Assert.Contains("by hand", terminal.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, await terminal.RunAsync("playbook", "run", file, "web", "--case", "IR-2", "--allow-commands", "yes"));
        Assert.Contains("is no SHA-256", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ends_at_a_foreign_command_that_fails_and_keeps_what_it_said()
    {
        string file = Write("foreign.json", Foreign.Replace("touch PROOF", "echo no such rule >&2; exit 4", StringComparison.Ordinal).Replace("http-api", "bash", StringComparison.Ordinal));
        Assert.Equal(0, await terminal.RunAsync("playbook", "check", file));
        string digest = terminal.Out.Split('\n').First(line => line.Contains("sha256", StringComparison.Ordinal))[^64..];
        terminal.Lines.Enqueue("true");
        terminal.Lines.Enqueue("");

        await terminal.RunAsync("playbook", "run", file, "web", "--case", "IR-2", "--allow-commands", digest);

        Assert.Contains("exit 4: no such rule", terminal.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"on_completion\": \"end--", "\"on_completion\": \"gone--", "which is no step")]
    [InlineData("\"type\": \"playbook\"", "\"type\": \"report\"", "no playbook of CACAO 2.0")]
    [InlineData("cir do pause ", "cir do pause; reboot ", "")]
    [InlineData("\"name\": \"Foreign\"", "\"name\": \"Foreign\", \"name\": \"Twice\"", "no JSON that can be taken")]
    [InlineData("\"on_completion\": \"end--11111111-1111-4111-8111-111111111111\"", "\"on_completion\": \"if-condition--11111111-1111-4111-8111-111111111111\"", "leads back to itself")]
    public async Task Refuses_a_foreign_playbook_with_a_broken_graph(string from, string to, string expected)
    {
        string file = Write("foreign.json", Foreign.Replace("PROOF", "x", StringComparison.Ordinal).Replace(from, to, StringComparison.Ordinal));

        int code = await terminal.RunAsync("playbook", "show", file);

        Assert.Equal(expected.Length > 0 ? 2 : 0, code);
        Assert.Contains(expected.Length > 0 ? expected : "foreign, by hand: [bash] cir do pause; reboot", terminal.Error + terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lets_people_approve_with_their_own_keys()
    {
        string file = Write("stops.yaml", Stops);
        foreach (string who in (string[])["lena", "olaf"])
        {
            terminal.Variables["CIR_PASSPHRASE"] = "long enough " + who;
            Assert.Equal(0, await terminal.RunAsync("keys", "new", "--home", Path.Combine(terminal.Folder, who), "--name", who));
            Assert.Equal(0, await terminal.RunAsync("playbook", "approvers", "--add", Path.Combine(terminal.Folder, who, "keys", "responder-cert.pem"), "--role", "lead"));
        }

        terminal.Forget();
        terminal.Typed = new(["long enough lena", "long enough olaf"]);
        foreach (string line in (string[])[Path.Combine(terminal.Folder, "lena", "keys"), "yes", Path.Combine(terminal.Folder, "olaf", "keys"), "yes"])
        {
            terminal.Lines.Enqueue(line);
        }

        Assert.Equal(0, await terminal.RunAsync("playbook", "run", file, "web", "--case", "IR-3"));

        Assert.Equal(["stop"], actions.Called);
        Assert.Contains("approved by lena", terminal.Error, StringComparison.Ordinal);
    }

    /// <summary>A real process, killed with SIGKILL while it waits for its second answer; another one goes on.</summary>
    [Fact]
    public async Task Goes_on_after_SIGKILL()
    {
        string file = Write("asks.yaml", Asks.Replace("  - { id: look, action: collect, with: { profile: volatile } }\n", "", StringComparison.Ordinal));
        using Process first = Start("playbook", "run", file, "web", "--case", "IR-9", "--home", terminal.Home);
        string run = (await first.StandardOutput.ReadLineAsync())!;
        await first.StandardInput.WriteAsync("one\n\n");
        await first.StandardInput.FlushAsync();
        await SeenAsync(first.StandardError, "Second?");
        first.Kill();
        await first.WaitForExitAsync();
        Assert.Equal(137, first.ExitCode);

        using Process second = Start("playbook", "resume", run, "--case", "IR-9", "--home", terminal.Home);
        await second.StandardInput.WriteAsync("two\n\n");
        second.StandardInput.Close();
        string said = await second.StandardError.ReadToEndAsync();
        await second.WaitForExitAsync();

        Assert.Equal(0, second.ExitCode);
        Assert.DoesNotContain("First?", said, StringComparison.Ordinal);
        Assert.Contains("! one, two", said, StringComparison.Ordinal);
        long[] seqs = [.. RunFile.ReadLines(Path.Combine(terminal.Home, "cases", "IR-9"), run).Select(line => line.Field("row")).OfType<JsonElement>().Select(row => row.Number("seq")!.Value)];
        Assert.Equal(Enumerable.Range(1, seqs.Length).Select(i => (long)i), seqs);
    }

    private static async Task SeenAsync(StreamReader reader, string words)
    {
        System.Text.StringBuilder seen = new();
        char[] one = new char[1];
        while (!seen.ToString().Contains(words, StringComparison.Ordinal))
        {
            Assert.Equal(1, await reader.ReadAsync(one));
            seen.Append(one);
        }
    }

    private static Process Start(params string[] arguments)
    {
        string folder = AppContext.BaseDirectory;
        ProcessStartInfo start = new(Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])["exec", "--runtimeconfig", Path.Combine(folder, "ContainerIR.Tests.runtimeconfig.json"), Path.Combine(folder, "cir.dll"), .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(terminal.Folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private const string Asks = """
        playbook: asks
        name: Asks twice
        version: 1.0.0
        description: For a test.
        variables:
          container: { type: string, external: true }
          one: { type: string }
          two: { type: string }
        steps:
          - { id: first, manual: "First?", ask: [one] }
          - { id: look, action: collect, with: { profile: volatile } }
          - { id: second, manual: "Second?", ask: [two] }
          - { id: tell, action: notify, with: { text: "${one}, ${two}" } }

        """;

    private const string Stops = """
        playbook: stops
        name: Stops
        version: 1.0.0
        description: For a test.
        variables:
          container: { type: string, external: true }
        agents:
          lead: { type: group, name: Leads }
        steps:
          - { id: stop, action: stop, evidence: memory, approve: { quorum: 2, roles: [lead] } }
        """;

    private const string Foreign = """
        {
          "type": "playbook", "spec_version": "cacao-2.0", "id": "playbook--11111111-1111-4111-8111-111111111111", "name": "Foreign",
          "created_by": "identity--11111111-1111-4111-8111-111111111112", "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
          "workflow_start": "start--11111111-1111-4111-8111-111111111111",
          "agent_definitions": { "individual--11111111-1111-4111-8111-111111111111": { "type": "individual", "name": "Anna" } },
          "playbook_variables": { "__container__": { "type": "string", "external": true } },
          "workflow": {
            "start--11111111-1111-4111-8111-111111111111": { "type": "start", "on_completion": "if-condition--11111111-1111-4111-8111-111111111111" },
            "if-condition--11111111-1111-4111-8111-111111111111": { "type": "if-condition", "name": "Known address", "condition": "[ipv4-addr:value = '198.51.100.1']", "on_true": "action--11111111-1111-4111-8111-111111111111", "on_completion": "action--11111111-1111-4111-8111-111111111112" },
            "action--11111111-1111-4111-8111-111111111111": { "type": "action", "name": "Touch", "agent": "individual--11111111-1111-4111-8111-111111111111", "commands": [ { "type": "bash", "command": "touch PROOF" }, { "type": "http-api", "command": "GET / HTTP/1.1" } ], "on_completion": "end--11111111-1111-4111-8111-111111111112" },
            "action--11111111-1111-4111-8111-111111111112": { "type": "action", "name": "Ours", "agent": "individual--11111111-1111-4111-8111-111111111111", "commands": [ { "type": "bash", "command": "cir do pause --container \"__container__:value\" --for-window=true" } ], "on_completion": "end--11111111-1111-4111-8111-111111111111" },
            "end--11111111-1111-4111-8111-111111111111": { "type": "end" },
            "end--11111111-1111-4111-8111-111111111112": { "type": "end" }
          }
        }
        """;
}
