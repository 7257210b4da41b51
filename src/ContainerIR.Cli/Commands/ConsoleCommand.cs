using System.CommandLine;
using ContainerIR.Cli.Screens;
using ContainerIR.Evidence;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir console</c>: the same powers in a terminal user interface.</summary>
internal static class ConsoleCommand
{
    private static readonly string[] LocaleVariables = ["LC_ALL", "LC_CTYPE", "LANG"];

    public static Command Make(Surroundings surroundings)
    {
        Option<string?> endpoint = Shared.Endpoint();
        Option<string?> home = Shared.Home();
        Option<string?> passphraseFile = Shared.PassphraseFile();
        Option<bool> ascii = new("--ascii") { Description = "Draw with ASCII only. Chosen by itself where the locale is not UTF-8." };
        Command command = new("console", "The same powers in a terminal user interface. Opens when cir is started on a terminal without arguments.") { endpoint, home, passphraseFile, ascii };
        command.SetAction(async (parsed, ct) =>
        {
            if (surroundings.OutWidth() is null)
            {
                throw new OperatorException("The console needs a terminal, and the output is none.", "Run it at a terminal, or use the commands: cir --help");
            }

            ConsoleFacts facts = new(
                surroundings,
                parsed.GetValue(endpoint),
                parsed.GetValue(home),
                parsed.GetValue(passphraseFile),
                parsed.GetValue(ascii) || !IsUtf8(surroundings),
                surroundings.Environment("NO_COLOR") is { Length: > 0 });
            await TerminalConsole.RunAsync(facts, ct);
            return ExitCode.Success;
        });
        return command;
    }

    // locale(7): the first of these that is set decides.
    private static bool IsUtf8(Surroundings surroundings)
    {
        string? locale = LocaleVariables.Select(surroundings.Environment).FirstOrDefault(value => !string.IsNullOrEmpty(value));
        return locale is null || locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("utf8", StringComparison.OrdinalIgnoreCase);
    }
}
