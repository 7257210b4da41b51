using System.Runtime.InteropServices;

namespace ContainerIR.Cli;

/// <summary>
/// Turns Ctrl-C, a closed terminal and a polite kill into a cancellation, so that journals are closed. The second signal ends the process at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;

    /// <param name="isConsole">The console has its own answer to a closed terminal.</param>
    public Interruption(bool isConsole)
    {
        PosixSignal[] signals = isConsole ? [PosixSignal.SIGINT, PosixSignal.SIGTERM] : [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
        registrations = [.. signals.Select(signal => PosixSignalRegistration.Create(signal, Cancel))];
    }

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in registrations)
        {
            registration.Dispose();
        }

        source.Dispose();
    }

    private void Cancel(PosixSignalContext signal)
    {
        if (!source.IsCancellationRequested)
        {
            signal.Cancel = true;
            source.Cancel();
        }
    }
}
