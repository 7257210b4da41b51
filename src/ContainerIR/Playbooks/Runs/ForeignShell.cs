using System.Diagnostics;
using System.Text;

namespace ContainerIR.Playbooks.Runs;

/// <summary>How a foreign command ended.</summary>
/// <param name="ExitCode">Its exit code; null when it was ended for taking too long.</param>
/// <param name="Output">The beginning of what it wrote, standard error after standard output.</param>
internal sealed record ForeignResult(int? ExitCode, string Output);

/// <summary>
/// Runs a command of a foreign playbook that the operator has allowed: <c>/bin/bash -c TEXT</c>, the text exactly as the playbook has it. Nothing is filled in:
/// a command that uses a variable is done by hand. It has no standard input, so it cannot answer what people are asked.
/// </summary>
internal static class ForeignShell
{
    public const string Program = "/bin/bash";

    private const int MaxOutput = 16_000;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    /// <summary>The argv that is run.</summary>
    public static IReadOnlyList<string> CommandOf(string text) => [Program, "-c", text];

    /// <exception cref="IOException">It could not be started.</exception>
    public static async Task<ForeignResult> RunAsync(string text, CancellationToken ct)
    {
        ProcessStartInfo start = new(Program, ["-c", text]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };

        // Passphrases and homes of ours are no business of somebody else's command.
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment["LC_ALL"] = "C.UTF-8";
        Process process;
        try
        {
            process = Process.Start(start) ?? throw new IOException($"{Program} did not start");
        }
        catch (System.ComponentModel.Win32Exception failure)
        {
            throw new IOException($"{Program}: {failure.Message}", failure);
        }

        using (process)
        {
            process.StandardInput.Close();
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(Limit);
            StringBuilder output = new(), errors = new();
            try
            {
                // What it leaves running in the background may hold the pipes: that counts as not ended.
                await Task.WhenAll(ReadAsync(process.StandardOutput, output, limit.Token), ReadAsync(process.StandardError, errors, limit.Token));
                await process.WaitForExitAsync(limit.Token);
                return new ForeignResult(process.ExitCode, Joined(output, errors));
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                ct.ThrowIfCancellationRequested();
                return new ForeignResult(null, Joined(output, errors));
            }
        }
    }

    private static string Joined(StringBuilder output, StringBuilder errors) => output.Append(errors).ToString();

    private static async Task ReadAsync(StreamReader from, StringBuilder to, CancellationToken ct)
    {
        char[] buffer = new char[4096];
        int read;
        while ((read = await from.ReadAsync(buffer.AsMemory(), ct)) > 0)
        {
            to.Append(buffer, 0, Math.Min(read, Math.Max(0, MaxOutput - to.Length)));
        }
    }
}
