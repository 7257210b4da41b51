using System.Globalization;
using System.Text.RegularExpressions;
using ContainerIR.Diffs;

namespace ContainerIR.Analyzers;

/// <summary>Files rewritten under another ending, with or without a note that asks for money; commands that wipe.</summary>
internal sealed partial class DestructionAnalyzer : IAnalyzer
{
    private const int Many = 20;
    private const int MaxNames = 200_000;
    private static readonly Rule Destroyed = RuleList.Of("CIR-061");

    // What backups, rotation, compaction, editors and package managers leave beside or in place of files.
    private static readonly string[] Ordinary =
        [".gz", ".bz2", ".xz", ".zst", ".zip", ".tar", ".bak", ".old", ".orig", ".save", ".tmp", ".new", ".swp", ".dpkg-new", ".dpkg-old", ".dpkg-dist", ".rpmsave", ".rpmnew", ".apk-new", ".log", ".db", ".sst", ".ldb", ".pyc", ".map", ".br", ".part"];

    public string Name => "destruction";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        Dictionary<string, (List<string> Paths, FindingPlace First)> endings = [];
        HashSet<string> gone = [];
        List<(FindingPlace Place, string Path)> notes = [];
        int kept = 0;
        foreach ((FindingPlace place, DiffEntry entry) in scene.Changes(ct))
        {
            if (kept == MaxNames)
            {
                break;
            }

            string path = entry.DisplayPath, name = SeenProcess.LastOf(path);
            if (entry.Verdict == DiffVerdict.Deleted)
            {
                kept++;
                gone.Add(path);
            }
            else if (entry.Kind == DiffKind.File && entry.Verdict is DiffVerdict.Added or DiffVerdict.Renamed)
            {
                if (Note().IsMatch(name))
                {
                    notes.Add((place, path));
                }
                else if (Ending().Match(name) is { Success: true } match && !Ordinary.Contains(match.Value.ToLowerInvariant()))
                {
                    kept++;
                    (endings.TryGetValue(match.Value, out (List<string> Paths, FindingPlace) seen) ? seen.Paths : (endings[match.Value] = ([], place)).Paths).Add(path);
                }
            }
        }

        foreach ((string ending, (List<string> paths, FindingPlace first)) in endings.OrderBy(each => each.Key, StringComparer.Ordinal))
        {
            int replaced = paths.Count(path => gone.Contains(path[..^ending.Length]));
            if (replaced >= Many || (paths.Count >= Many && notes.Count > 0))
            {
                yield return new Finding(
                    Destroyed, Destroyed.Severity,
                    [
                        SeenValue.Of("ending", ending), new("files", paths.Count.ToString(CultureInfo.InvariantCulture)), new("of_them_in_place_of_a_deleted_one", replaced.ToString(CultureInfo.InvariantCulture)),
                        SeenValue.Of("first", paths[0]), .. notes.Take(5).Select(note => SeenValue.Of("note", note.Path)),
                    ],
                    first);
            }
        }

        if (notes.Count > 0 && endings.Values.All(each => each.Paths.Count < Many))
        {
            yield return new Finding(Destroyed, Severity.Low, [.. notes.Take(20).Select(note => SeenValue.Of("note", note.Path))], notes[0].Place, "only the name of the file speaks of it, no files were replaced");
        }

        foreach (SeenProcess process in scene.Processes.Where(process => Wipe().IsMatch(process.CommandLine)))
        {
            yield return new Finding(Destroyed, Destroyed.Severity, process.Seen(), process.Place);
        }
    }

    [GeneratedRegex(@"(decrypt|ransom|restore|recover|unlock)[-_ .]*(my|your|all)?[-_ .]*(files?|data|instruction|note|info)|(how|read).?(to|me).*(decrypt|recover|restore)", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex Note();

    // A second ending: "report.doc.locked".
    [GeneratedRegex(@"(?<=\.[A-Za-z0-9]{1,8})\.[A-Za-z0-9_-]{2,24}$")]
    private static partial Regex Ending();

    [GeneratedRegex(@"^rm( -[a-zA-Z-]+)* (-[a-zA-Z]*[rR][a-zA-Z]*|--recursive)( -[a-zA-Z-]+)* /(\*| |$)|--no-preserve-root|\bdd\b.*\bof=/dev/(sd|vd|xvd|nvme|dm-|mapper)|^mkfs(\.[a-z0-9]+)? /dev/|^shred .*/dev/|\bDROP (DATABASE|SCHEMA)\b", RegexOptions.NonBacktracking)]
    private static partial Regex Wipe();
}
