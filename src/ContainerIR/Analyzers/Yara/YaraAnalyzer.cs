using System.Diagnostics;
using System.Globalization;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Analyzers.Yara;

/// <summary>Holds YARA rules against the bytes of a bundle: executables, changed and deleted files, memory.</summary>
internal sealed class YaraAnalyzer(YaraRules rules, Action<string> note) : IAnalyzer
{
    private const int BatchFiles = 256;

    /// <summary>So many windows that took too long alone, and no more are tried alone.</summary>
    private const int MaxAlone = 3;

    private int tooLong;

    public string Name => "yara";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        if (rules.Files.Count == 0)
        {
            yield break;
        }

        if (!rules.Program.IsPresent)
        {
            note("YARA rules: the program yara is not installed (Debian: apt install yara); no bytes were held against them");
            yield break;
        }

        DirectoryInfo folder = Directory.CreateTempSubdirectory("cir-yara-");
        try
        {
            string compiled = Path.Combine(folder.FullName, "rules");
            rules.Program.Compile(rules.Files, compiled);
            Stopwatch watch = Stopwatch.StartNew();
            List<YaraWindow> batch = [];
            foreach (YaraWindow window in new YaraWindows(scene, folder.FullName).LayOut(ct))
            {
                batch.Add(window);
                if (batch.Count == BatchFiles || batch.Sum(each => each.Bytes) >= YaraWindows.WindowBytes)
                {
                    foreach (Finding finding in Scan(folder.FullName, compiled, batch))
                    {
                        yield return finding;
                    }

                    batch.Clear();
                }

                if (watch.Elapsed > rules.Total)
                {
                    note(string.Create(CultureInfo.InvariantCulture, $"YARA rules: stopped after {rules.Total.TotalSeconds:F0} s at {window.Item.Path}: what follows was not scanned"));
                    break;
                }
            }

            foreach (Finding finding in Scan(folder.FullName, compiled, batch))
            {
                yield return finding;
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private IEnumerable<Finding> Scan(string folder, string compiled, List<YaraWindow> batch)
    {
        if (batch.Count == 0)
        {
            yield break;
        }

        string list = Path.Combine(folder, "list");
        IReadOnlyList<YaraMatch> matches = ScanList(compiled, list, batch) ?? [.. batch.SelectMany(window => ScanAlone(compiled, list, window))];
        // The program scans several files at once and tells of them as they end: the same bytes must give the same order.
        ILookup<string, YaraMatch> byFile = matches.ToLookup(match => match.File);
        foreach (YaraWindow window in batch)
        {
            foreach (YaraMatch match in byFile[window.File])
            {
                yield return Make(match, window);
            }
        }

        batch.ForEach(window => File.Delete(window.File));
    }

    // One that took too long must not hide the others.
    private IReadOnlyList<YaraMatch> ScanAlone(string compiled, string list, YaraWindow window)
    {
        IReadOnlyList<YaraMatch>? matches = tooLong >= MaxAlone ? null : ScanList(compiled, list, [window]);
        if (matches is null)
        {
            tooLong++;
            note($"YARA rules: took too long on {Where(window)}: it was not scanned");
        }

        return matches ?? [];
    }

    private IReadOnlyList<YaraMatch>? ScanList(string compiled, string list, List<YaraWindow> windows)
    {
        File.WriteAllLines(list, windows.Select(window => window.File));
        bool isLate = false;
        IReadOnlyList<YaraMatch>? matches = rules.Program.Scan(compiled, list, problem =>
        {
            isLate |= problem.Contains("timed out", StringComparison.Ordinal);
            if (!problem.Contains("timed out", StringComparison.Ordinal))
            {
                note($"YARA rules: {DisplayText.Shorten(problem, 200)}");
            }
        });
        return isLate ? null : matches;
    }

    private static string Where(YaraWindow window) => window.Member is { } member ? $"{window.Item.Path} ({member})" : window.Item.Path;

    private static Finding Make(YaraMatch match, YaraWindow window)
    {
        Rule meaning = new(
            $"YARA:{match.Rule}", $"YARA rule {match.Rule}", Severity.High, [], "The bytes are of the kind the rule describes.", "What the rule's author did not think of.",
            "Look at the bytes in place: cir bundle extract. Acquire before anything is stopped.");
        long? offset = match.Offset + window.Start;
        List<SeenValue> seen = [new("rule", match.Rule)];
        if (window.Member is { } member)
        {
            seen.Add(SeenValue.Of("file", member));
            seen.Add(new("offset_in_file", offset?.ToString(CultureInfo.InvariantCulture) ?? "whole file"));
        }

        if (match.String is { } name)
        {
            seen.Add(new("string", name));
            seen.Add(SeenValue.Of("text", match.Text));
        }

        return new Finding(meaning, meaning.Severity, seen, new FindingPlace(window.Item.Path, null, window.Member is null ? offset : null));
    }
}
