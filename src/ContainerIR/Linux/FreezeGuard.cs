using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>How the guard is started: this executable with a hidden verb.</summary>
/// <param name="Program">Executable.</param>
/// <param name="Arguments">Arguments before those of the guard, the verb included.</param>
internal sealed record GuardLaunch(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>This executable, or its assembly where the .NET host runs it.</summary>
    public static GuardLaunch Self
    {
        get
        {
            string program = Environment.ProcessPath ?? "/proc/self/exe";
            return Path.GetFileName(program) == "dotnet"
                ? new GuardLaunch(program, [Path.GetFullPath(Environment.GetCommandLineArgs()[0]), FreezeGuard.Verb])
                : new GuardLaunch(program, [FreezeGuard.Verb]);
        }
    }
}

/// <summary>
/// The process that thaws what we froze should we die: it holds the other end of a pipe. It lives in its own session, so that what ends our process
/// group leaves it; it ignores the keyboard and thaws on SIGTERM. <c>guard-freeze CONTROL-FILE STATE-FILE MILLISECONDS</c>.
/// </summary>
internal sealed class FreezeGuard : IAsyncDisposable
{
    /// <summary>The hidden verb.</summary>
    public const string Verb = "guard-freeze";
    private const string Ready = "ready";
    private const byte Done = (byte)'d';
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);
    private readonly Process process;

    private FreezeGuard(Process process) => this.process = process;

    /// <summary>Its process id.</summary>
    public int Pid => process.Id;

    /// <summary>Starts a guard and waits until it is on guard.</summary>
    /// <exception cref="IOException">It did not start.</exception>
    public static async Task<FreezeGuard> StartAsync(GuardLaunch launch, string controlPath, string statePath, TimeSpan deadline, CancellationToken ct)
    {
        ProcessStartInfo start = new(launch.Program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = "/",
        };
        foreach (string argument in (string[])[.. launch.Arguments, controlPath, statePath, ((long)deadline.TotalMilliseconds).ToString(CultureInfo.InvariantCulture)])
        {
            start.ArgumentList.Add(argument);
        }

        Process process;
        try
        {
            process = Process.Start(start) ?? throw new IOException("the guard did not start");
        }
        catch (System.ComponentModel.Win32Exception failure)
        {
            throw new IOException($"the guard did not start: {failure.Message}", failure);
        }

        FreezeGuard guard = new(process);
        try
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(StartLimit);
            if (await process.StandardOutput.ReadLineAsync(limit.Token) == Ready)
            {
                return guard;
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
        }
        catch
        {
            await guard.DisposeAsync();
            throw;
        }

        await guard.DisposeAsync();
        throw new IOException("the guard did not answer");
    }

    /// <summary>Relieves it: it ends without touching anything. What it still has to thaw must be thawed before.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            process.StandardInput.BaseStream.WriteByte(Done);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It is gone already (its deadline, or a kill): there is nobody to relieve.
        }

        using CancellationTokenSource limit = new(StartLimit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }

        process.Dispose();
    }

    /// <summary>The guard's own life.</summary>
    /// <returns>0 relieved; 1 it thawed; 2 bad arguments.</returns>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        if (arguments.Length != 3 || FreezerControl.ThawWordOf(arguments[0]) is not { } thawWord
            || !long.TryParse(arguments[2], NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds))
        {
            return 2;
        }

        (string controlPath, string statePath) = (arguments[0], arguments[1]);
        _ = Libc.NewSession();
        using PosixSignalRegistration keyboard = PosixSignalRegistration.Create(PosixSignal.SIGINT, static signal => signal.Cancel = true);
        using PosixSignalRegistration hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, static signal => signal.Cancel = true);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            Thaw(controlPath, thawWord, statePath);
            Environment.Exit(1);
        });
        using (Stream output = Console.OpenStandardOutput())
        {
            output.Write("ready\n"u8);
        }

        if (IsRelieved(TimeSpan.FromMilliseconds(milliseconds)))
        {
            return 0;
        }

        Thaw(controlPath, thawWord, statePath);
        return 1;
    }

    // Relieved by one byte; the end of the pipe means that whoever froze is dead, the end of time that it forgot.
    private static unsafe bool IsRelieved(TimeSpan limit)
    {
        long started = Stopwatch.GetTimestamp();
        while (limit - Stopwatch.GetElapsedTime(started) is var left && left > TimeSpan.Zero)
        {
            if (Libc.WaitForEvent(0, Libc.POLLIN, left) != 0)
            {
                byte word;
                return Libc.read(0, &word, 1) == 1 && word == Done;
            }
        }

        return false;
    }

    private static void Thaw(string controlPath, string thawWord, string statePath)
    {
        try
        {
            FreezerControl.Write(controlPath, thawWord);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(controlPath))
            {
                // Still there and not ours to write: the record stays for the next start and for cir doctor.
                return;
            }
        }

        try
        {
            File.Delete(statePath);
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody cleared the records: there is nothing left to say.
        }
    }
}
