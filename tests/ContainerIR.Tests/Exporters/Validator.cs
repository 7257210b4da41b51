using System.Diagnostics;
using Xunit;

namespace ContainerIR.Tests.Exporters;

/// <summary>A program we did not write, asked for its word on a file. A machine that lacks it skips the test; nothing passes in its place.</summary>
internal static class Validator
{
    /// <summary>Runs it; gives what it printed. Its failure fails the test.</summary>
    public static string Run(string program, params string[] arguments)
    {
        Assert.SkipUnless(File.Exists(program), $"{program} is not installed");
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["TZ"] = "UTC";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        string said = error.GetAwaiter().GetResult();
        Assert.SkipWhen(said.Contains("ModuleNotFoundError", StringComparison.Ordinal), said);
        Assert.True(process.ExitCode == 0, $"{program}: {said}{output}");
        return output;
    }

    /// <summary>Runs a Python script over a file with Debian's interpreter.</summary>
    public static string Python(string script, params string[] arguments) => Run("/usr/bin/python3", ["-c", script, .. arguments]);
}
