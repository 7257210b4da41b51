using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Evidence.Keys;

/// <summary>
/// Runs OpenSC's pkcs11-tool: one process for one operation. This program is one static file and cannot load a token maker's module (docs/decisions/
/// 0007-pkcs11-by-process.md). The PIN goes through the child's environment, never through its arguments, and there is no shell.
/// </summary>
internal sealed class Pkcs11Tool(Pkcs11Options options, string pin)
{
    private const string PinVariable = "CIR_PKCS11_PIN";
    private const int MaxOutputBytes = 256 * 1024;

    /// <summary>Runs an operation with the PIN.</summary>
    /// <exception cref="OperatorException">The tool is not there, fails, or takes too long. Its words are repeated.</exception>
    public byte[] Run(byte[] input, params string[] arguments)
    {
        ProcessStartInfo start = new(options.ToolPath) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["--module", options.ModulePath, .. (options.TokenLabel is null ? (string[])[] : ["--token-label", options.TokenLabel]), "--login", "--pin", $"env:{PinVariable}", .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment[PinVariable] = pin;
        start.Environment["LC_ALL"] = "C";
        using Process process = Start(start);
        StringBuilder errors = new();
        process.ErrorDataReceived += (_, line) => errors.Append(errors.Length < MaxOutputBytes ? line.Data + "; " : "");
        process.BeginErrorReadLine();
        bool late = false;
        byte[] output;
        using (new Timer(_ => { Volatile.Write(ref late, true); Kill(process); }, null, options.Timeout, Timeout.InfiniteTimeSpan))
        {
            output = Exchange(process, input);
            process.WaitForExit();
        }

        if (Volatile.Read(ref late))
        {
            throw new OperatorException(
                string.Create(CultureInfo.InvariantCulture, $"The token did not answer within {options.Timeout.TotalSeconds:0.#} s."), "Plug it in, touch it where it asks for it, and try again.");
        }

        string words = DisplayText.Shorten(errors.ToString().TrimEnd(' ', ';'), 400);
        return process.ExitCode == 0 ? output : throw new OperatorException($"The token does not do it: {words}.", RemedyFor(words));
    }

    private string RemedyFor(string words) =>
        words.Contains("CKR_PIN", StringComparison.Ordinal) ? "Check the PIN before trying again: a token locks itself after a few wrong ones."
        : words.Contains("not found", StringComparison.Ordinal) ? $"See what the token holds: {options.ToolPath} --module {options.ModulePath} --list-objects --login"
        : $"See whether the token is there: {options.ToolPath} --module {options.ModulePath} --list-slots";

    private Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start) ?? throw new InvalidOperationException("no process was started");
        }
        catch (Win32Exception failure)
        {
            throw new OperatorException($"{options.ToolPath} cannot be started: {failure.Message}.", "Install it (Debian: apt install opensc), on the machine the token is plugged into.", failure);
        }
    }

    private static byte[] Exchange(Process process, byte[] input)
    {
        try
        {
            process.StandardInput.BaseStream.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before reading its input: its exit code says why.
        }

        byte[] buffer = new byte[MaxOutputBytes];
        return buffer[..process.StandardOutput.BaseStream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended in the same moment.
        }
    }
}
