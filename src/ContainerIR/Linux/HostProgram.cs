using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>How a program of the host ended.</summary>
/// <param name="ExitCode">Its exit code; above 128 a signal ended it.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Errors">Standard error.</param>
internal sealed record ProgramResult(int ExitCode, string Output, string Errors);

/// <summary>Runs a program of the host, by argv, with our words on its standard input, inside a network namespace: a thread enters and starts it there, and ends.</summary>
internal static class HostProgram
{
    private static readonly string[] UsualFolders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin"];
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>Where a program is: the PATH's folders, then the usual ones that a PATH of a plain user lacks. Null when nowhere.</summary>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Where(folder => folder.StartsWith('/')).Concat(UsualFolders)
        .Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(File.Exists);

    /// <exception cref="IOException">It could not be started, or did not end in time.</exception>
    public static ProgramResult Run(NamespaceHandle space, string program, IReadOnlyList<string> arguments, string input)
    {
        ProgramResult? result = null;
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                // The child is forked by this thread and so begins in its namespace.
                result = Libc.setns(space.Descriptor.Number, Libc.CLONE_NEWNET) == 0
                    ? Run(program, arguments, input)
                    : throw new IOException($"network namespace {space.Inode}: {Libc.Describe(Marshal.GetLastPInvokeError())}");
            }
            catch (Exception thrown) when (thrown is IOException or System.ComponentModel.Win32Exception)
            {
                failure = thrown;
            }
        })
        { IsBackground = true, Name = "netns-program" };
        thread.Start();
        thread.Join();
        return result ?? throw new IOException($"{program}: {failure?.Message}", failure);
    }

    private static ProgramResult Run(string program, IReadOnlyList<string> arguments, string input)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        start.Environment["LC_ALL"] = "C";
        using Process process = Process.Start(start) ?? throw new IOException("it did not start");
        using Timer limit = new(
            static state =>
            {
                try
                {
                    ((Process)state!).Kill();
                }
                catch (InvalidOperationException)
                {
                    // It ended just now.
                }
            },
            process,
            Limit,
            Timeout.InfiniteTimeSpan);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading: its exit code says why.
        }

        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ProgramResult(process.ExitCode, output, errors.GetAwaiter().GetResult());
    }
}
