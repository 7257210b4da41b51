using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Cli;

/// <summary>The help, held against the text that was read and approved: tests/ContainerIR.Tests/Cli/help.txt.</summary>
public sealed class The_help
{
    private static readonly string Approved = Path.Combine(Repository.Root, "tests", "ContainerIR.Tests", "Cli", "help.txt");

    private static readonly string[][] Commands =
    [
        [], ["containers"], ["acquire"], ["triage"], ["whois"], ["verify"], ["case"], ["case", "new"], ["case", "list"], ["case", "show"], ["case", "add"], ["case", "rebuild"], ["timeline"], ["bundle"], ["bundle", "recover"],
        ["bundle", "export-image"],
        ["bundle", "timestamp"], ["bundle", "sign"], ["bundle", "prove"], ["bundle", "extract"], ["bundle", "pack"], ["bundle", "unpack"], ["handover"], ["receive"], ["custody"],
        ["keys"], ["keys", "new"], ["keys", "show"], ["keys", "csr"], ["keys", "install-chain"], ["keys", "age"], ["doctor"], ["console"], ["export"], ["report"], ["ship"],
        ["do"], ["do", "isolate"], ["do", "throttle"], ["do", "stop"], ["undo"], ["status"], ["watch"], ["watch", "isolation"],
        ["playbook"], ["playbook", "list"], ["playbook", "show"], ["playbook", "check"], ["playbook", "run"], ["playbook", "resume"], ["playbook", "export"], ["playbook", "import"],
        ["playbook", "approvers"],
    ];

    [Fact]
    public async Task Is_the_text_that_was_approved()
    {
        System.Text.StringBuilder all = new();
        foreach (string[] command in Commands)
        {
            using SomeTerminal terminal = new();
            Assert.Equal(0, await terminal.RunAsync([.. command, "--help"]));
            Assert.Empty(terminal.Error);
            all.Append("$ cir ").AppendJoin(' ', command).Append(command.Length > 0 ? " " : "").Append("--help\n");
            all.AppendJoin('\n', terminal.Out.Split('\n').Select(line => line.TrimEnd())).Append('\n');
        }

        string text = all.ToString().TrimEnd('\n') + "\n";
        if (Environment.GetEnvironmentVariable("CIR_APPROVE") == "1")
        {
            File.WriteAllText(Approved, text);
        }

        Assert.Equal(File.ReadAllText(Approved), text);
    }

    [Fact]
    public async Task Is_what_no_arguments_give()
    {
        using SomeTerminal bare = new();
        using SomeTerminal asked = new();

        Assert.Equal(0, await bare.RunAsync());
        await asked.RunAsync("--help");

        Assert.Equal(asked.Out, bare.Out);
    }

    [Fact]
    public async Task Ends_with_every_exit_code()
    {
        using SomeTerminal terminal = new();

        await terminal.RunAsync("verify", "--help");

        foreach (string code in (string[])["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "130"])
        {
            Assert.Contains($"\n  {code}", terminal.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Names_every_command_file()
    {
        string folder = Path.Combine(Repository.Root, "src", "ContainerIR.Cli");
        string list = File.ReadAllText(Path.Combine(folder, "Cli.cs"));
        IEnumerable<string> files = Directory.EnumerateFiles(Path.Combine(folder, "Commands"), "*Command.cs").Select(file => Path.GetFileNameWithoutExtension(file)!);

        Assert.DoesNotContain(files, name => !list.Contains($"{name}.Make(", StringComparison.Ordinal));
    }
}
