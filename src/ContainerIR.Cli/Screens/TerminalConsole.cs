using System.Runtime.InteropServices;
using Terminal.Gui.App;

namespace ContainerIR.Cli.Screens;

/// <summary>Runs the console on the terminal of this process.</summary>
internal static class TerminalConsole
{
    /// <summary>Runs it until the person leaves. What still runs then is stopped and waited for.</summary>
    public static async Task RunAsync(ConsoleFacts facts, CancellationToken ct)
    {
        using Shell shell = new(facts);
        RunOnTerminal(shell, ct);
        await shell.WorkEnded;
    }

    private static void RunOnTerminal(Shell shell, CancellationToken ct)
    {
        using IApplication app = WaitingInput.Give(Application.Create()).Init();
        using CancellationTokenRegistration interrupted = ct.Register(() => app.Invoke(shell.Leave));
        using PosixSignalRegistration hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            // The terminal is gone, the work is not: an acquisition goes on to its seal, a playbook to its next question. The library waits for a terminal that will not answer, so the
            // process ends without it.
            signal.Cancel = true;
            shell.LoseTerminal();
            _ = EndWithoutTerminalAsync(shell);
        });
        shell.IsRunningChanged += (_, change) =>
        {
            if (change.Value)
            {
                shell.Start();
            }
        };
        app.Run(shell);
    }

    private static async Task EndWithoutTerminalAsync(Shell shell)
    {
        await shell.WorkEnded;
        shell.RemoveLeftovers();
        Environment.Exit(ExitCode.Success);
    }
}
