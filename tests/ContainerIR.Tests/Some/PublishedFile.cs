using System.Diagnostics;
using System.Text;

namespace ContainerIR.Tests.Some;

/// <summary>
/// The single file users get, run as they run it. test.sh makes it; CIR_PUBLISHED names another place than <c>out/cir</c>. A test that finds none fails.
/// </summary>
internal static class PublishedFile
{
    public const string Passphrase = "a passphrase of the tests";

    public static string FullPath
    {
        get
        {
            string path = Environment.GetEnvironmentVariable("CIR_PUBLISHED") is { Length: > 0 } named ? named : Path.Combine(Repository.Root, "out", "cir");
            return File.Exists(path) ? path : throw new InvalidOperationException($"{path} does not exist: run ./build.sh");
        }
    }

    /// <summary>Runs it to its end with a home of its own.</summary>
    public static async Task<Outcome> RunAsync(string home, params string[] arguments)
    {
        using PublishedRun run = new(home, arguments);
        return await run.EndAsync();
    }
}

/// <summary>How a run of the published file ended.</summary>
internal sealed record Outcome(int ExitCode, string Out, string Error)
{
    public override string ToString() => $"exit {ExitCode}\n{Out}\n{Error}";
}

/// <summary>A run of the published file: what it says can be waited for, and signals sent.</summary>
internal sealed class PublishedRun : IDisposable
{
    private readonly Process process;
    private readonly StringBuilder errors = new();
    private readonly Task<string> output;
    private readonly TaskCompletionSource errorsEnded = new();

    public PublishedRun(string home, params string[] arguments)
    {
        ProcessStartInfo start = new(PublishedFile.FullPath, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["CIR_HOME"] = home;
        start.Environment["CIR_CHANGES"] = home + "/changes";
        start.Environment["CIR_PASSPHRASE"] = PublishedFile.Passphrase;
        start.Environment["DOCKER_HOST"] = RealEngine.Endpoint;
        process = Process.Start(start)!;
        process.StandardInput.Close();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
            {
                errorsEnded.SetResult();
                return;
            }

            lock (errors)
            {
                errors.Append(line.Data).Append('\n');
            }
        };
        process.BeginErrorReadLine();
        output = process.StandardOutput.ReadToEndAsync();
    }

    private string Errors
    {
        get
        {
            lock (errors)
            {
                return errors.ToString();
            }
        }
    }

    /// <summary>Waits until it says this on stderr.</summary>
    public Task Says(string words) => RealEngine.Until(
        () => Errors.Contains(words, StringComparison.Ordinal) || (process.HasExited ? throw new InvalidOperationException($"ended without saying '{words}': {Errors}") : false),
        $"cir says '{words}'");

    /// <summary>Sends a signal by its name, e.g. INT.</summary>
    public void Signal(string name) => RealEngine.Run("kill", "-" + name, process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));

    public async Task<Outcome> EndAsync()
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"did not end within two minutes; it said: {Errors}");
        }

        await errorsEnded.Task;
        return new Outcome(process.ExitCode, await output, Errors);
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }

        process.Dispose();
    }
}
