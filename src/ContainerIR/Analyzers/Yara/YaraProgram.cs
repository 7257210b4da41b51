using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Analyzers.Yara;

/// <summary>A string of a rule in a file that was scanned.</summary>
/// <param name="Rule">Name of the rule.</param>
/// <param name="File">Path of the file as it was given.</param>
/// <param name="Offset">In the file; null for a rule that holds without a string.</param>
/// <param name="String">Name of the string, <c>$a</c>; null for a rule that holds without one.</param>
/// <param name="Text">What stood there as the program prints it, shortened.</param>
internal sealed record YaraMatch(string Rule, string File, long? Offset, string? String, string Text);

/// <summary>
/// The <c>yara</c> program, one process for a batch of files: rules of others are run where they can be given a time limit and killed, and cannot bring
/// this process down (docs/decisions/0013). Its form of output: yara(1), options -s and -L.
/// </summary>
internal sealed class YaraProgram(string program, TimeSpan limit)
{
    private const int MaxOutputCharacters = 16 * 1024 * 1024;
    private const int MaxStringsOfMatch = 5;
    private const int MaxText = 200;

    private readonly Lazy<bool> isPresent = new(() => Answers(program));

    /// <summary>Whether the program is there.</summary>
    public bool IsPresent => isPresent.Value;

    /// <summary>Compiles rule files into one.</summary>
    /// <exception cref="OperatorException">The compiler does not take them.</exception>
    public void Compile(IReadOnlyList<string> rules, string compiled)
    {
        // Each file in a namespace of its own: two files may have a rule of one name.
        string[] named = [.. rules.Select((file, index) => string.Create(CultureInfo.InvariantCulture, $"f{index}:{Path.GetFullPath(file)}"))];
        (int code, _, string errors) = Run(program + "c", ["-w", .. named, compiled]);
        if (code != 0)
        {
            throw new OperatorException($"The YARA rules do not compile: {DisplayText.Shorten(errors.Trim(), 500)}", "Mend the file it names, or leave it out.");
        }
    }

    /// <summary>Scans files.</summary>
    /// <param name="compiled">Compiled rules.</param>
    /// <param name="list">File with one path a line.</param>
    /// <param name="problems">Told what the program could not scan.</param>
    /// <returns>Matches; null when it had to be killed.</returns>
    public IReadOnlyList<YaraMatch>? Scan(string compiled, string list, Action<string> problems)
    {
        string seconds = ((int)Math.Max(1, limit.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        (int code, string output, string errors) = Run(program, ["-C", "-w", "-N", "-s", "-L", "-a", seconds, compiled, "--scan-list", list]);
        foreach (string line in errors.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            problems(line);
        }

        return code < 0 ? null : Parse(output);
    }

    /// <summary>Reads its output: <c>RULE PATH</c>, then <c>0xOFFSET:LENGTH:$STRING: TEXT</c> for each string.</summary>
    internal static IReadOnlyList<YaraMatch> Parse(string output)
    {
        List<YaraMatch> matches = [];
        (string Rule, string File)? now = null;
        int strings = 0;
        foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("0x", StringComparison.Ordinal) && now is { } of)
            {
                string[] parts = line.Split(':', 4);
                if (parts.Length == 4 && strings++ < MaxStringsOfMatch && long.TryParse(parts[0].AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long offset))
                {
                    matches.Add(new YaraMatch(of.Rule, of.File, offset, DisplayText.Shorten(parts[2], 64), DisplayText.Shorten(parts[3].Trim(), MaxText)));
                }

                continue;
            }

            if (now is { } last && strings == 0)
            {
                matches.Add(new YaraMatch(last.Rule, last.File, null, null, ""));
            }

            int blank = line.IndexOf(' ', StringComparison.Ordinal);
            (now, strings) = (blank > 0 ? (DisplayText.Shorten(line[..blank], 128), line[(blank + 1)..]) : null, 0);
        }

        if (now is { } end && strings == 0)
        {
            matches.Add(new YaraMatch(end.Rule, end.File, null, null, ""));
        }

        return matches;
    }

    private (int Code, string Output, string Errors) Run(string file, string[] arguments)
    {
        using Process process = Start(file, arguments);
        bool isLate = false;
        using (new Timer(_ => { Volatile.Write(ref isLate, true); Kill(process); }, null, limit + TimeSpan.FromSeconds(2), Timeout.InfiniteTimeSpan))
        {
            StringBuilder errors = new();
            process.ErrorDataReceived += (_, said) =>
            {
                if (said.Data is { } line && errors.Length < 64 * 1024)
                {
                    errors.Append(line).Append('\n');
                }
            };
            process.BeginErrorReadLine();
            char[] buffer = new char[64 * 1024];
            StringBuilder output = new();
            int count;
            while ((count = process.StandardOutput.Read(buffer, 0, buffer.Length)) > 0)
            {
                output.Append(buffer, 0, Math.Min(count, MaxOutputCharacters - output.Length));
            }

            process.WaitForExit();
            return (Volatile.Read(ref isLate) ? -1 : process.ExitCode, output.ToString(), errors.ToString());
        }
    }

    private static Process Start(string file, string[] arguments)
    {
        ProcessStartInfo start = new(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.Latin1, StandardErrorEncoding = Encoding.Latin1 };
        try
        {
            return Process.Start(start) ?? throw new InvalidOperationException("no process was started");
        }
        catch (Win32Exception failure)
        {
            throw new OperatorException($"{file} cannot be started: {failure.Message}.", "Install it (Debian: apt install yara).", failure);
        }
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

    private static bool Answers(string program)
    {
        try
        {
            using Process process = Start(program, ["--version"]);
            _ = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (OperatorException)
        {
            return false;
        }
    }
}
