using System.Globalization;
using ContainerIR.Diffs;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>
/// Changed files by path, kind, mode and time, where what stood there before, the container's command or another file decides; the rest are rule files. No content
/// is read: a bundle of profile triage has none.
/// </summary>
internal sealed class DiffAnalyzer : IAnalyzer
{
    private const int MaxLogs = 10_000;

    private static readonly TimeSpan Start = TimeSpan.FromSeconds(10);
    private static readonly string[] Accounts = ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sudoers"];
    private static readonly string[] WebRoots = ["/var/www/", "/srv/www/", "/usr/share/nginx/", "/usr/local/apache2/htdocs/", "/htdocs/", "/webapps/", "/public_html/", "/www/"];
    private static readonly string[] WebScripts = [".php", ".phtml", ".php5", ".phar", ".jsp", ".jspx", ".war", ".aspx", ".asp", ".ashx", ".cgi"];

    public string Name => "diff";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        HashSet<string> ownCommand = OwnCommand(scene);
        List<(FindingPlace Place, DiffEntry Entry)> cutLogs = [];
        HashSet<string> newLogs = [];
        foreach ((FindingPlace place, DiffEntry entry) in scene.Changes(ct))
        {
            string path = entry.DisplayPath;
            if (path.StartsWith("/var/log/", StringComparison.Ordinal) && cutLogs.Count < MaxLogs && newLogs.Count < MaxLogs)
            {
                bool isCut = entry.Kind == DiffKind.File && entry is { Verdict: DiffVerdict.Modified, Object: { } now, Original: { } before } && now.SizeBytes < before.SizeBytes;
                bool isRemoved = entry is { Verdict: DiffVerdict.Deleted, Original: { Kind: DiffKind.File, SizeBytes: > 0 } };
                if (isCut || isRemoved)
                {
                    cutLogs.Add((place, entry));
                }
                else if (entry.Verdict is DiffVerdict.Added or DiffVerdict.Renamed)
                {
                    newLogs.Add(path);
                }
            }

            foreach (Finding finding in OfEntry(scene, entry, path, ownCommand, place))
            {
                yield return finding;
            }
        }

        foreach ((FindingPlace place, DiffEntry entry) in cutLogs.Where(log => !newLogs.Any(name => IsRotationOf(name, log.Entry.DisplayPath))))
        {
            yield return new Finding(RuleList.Of("CIR-053"), Severity.High, Seen(entry), place);
        }
    }

    private static IEnumerable<Finding> OfEntry(Scene scene, DiffEntry entry, string path, HashSet<string> ownCommand, FindingPlace place)
    {
        if (entry.Verdict is DiffVerdict.Touched or DiffVerdict.MountStub or DiffVerdict.Unreadable or DiffVerdict.WhiteoutOfNothing or DiffVerdict.Unknown)
        {
            yield break;
        }

        bool isPackaged = scene.HasPackageChange && Paths.IsPackaged(path);
        bool isAtStart = entry.Object?.ChangedAt is { } changed && scene.Starts.Any(start => changed.Seconds >= start.ToUnixTimeSeconds() && changed.Seconds <= (start + Start).ToUnixTimeSeconds());
        bool isWritten = entry.Verdict is DiffVerdict.Added or DiffVerdict.Modified or DiffVerdict.Renamed;
        bool isFile = entry.Kind == DiffKind.File;
        bool isProgram = isFile && entry.Object is { Mode: var mode, SizeBytes: > 0 } && (mode & 0b001_001_001) != 0;
        Finding Make(string id, bool mayBeStart = false)
        {
            Rule rule = RuleList.Of(id);
            string? lowered = isPackaged ? "a package manager ran and this is where packages write"
                : isAtStart && mayBeStart ? "written within ten seconds of the container's start: by its entry point" : null;
            return new Finding(rule, lowered is null || rule.Severity <= Severity.Low ? rule.Severity : Severity.Low, Seen(entry), place, lowered);
        }

        if (isFile && GainsPower(entry))
        {
            yield return Make("CIR-027");
        }

        if (isFile && entry.Verdict is DiffVerdict.Modified or DiffVerdict.Renamed && Paths.IsSystemProgram(path) && IsReplacedProgram(entry))
        {
            yield return Make("CIR-028");
        }

        if (Accounts.Contains(path) || path.StartsWith("/etc/sudoers.d/", StringComparison.Ordinal))
        {
            yield return Make("CIR-030", mayBeStart: true);
        }

        // Content decides where there is any (ContentAnalyzer); here only place and time speak.
        if (isWritten && IsWebScript(entry) && !scene.Has("rootfs-diff", "upper.tar.zst"))
        {
            Finding script = Make("CIR-034", mayBeStart: true);
            yield return script.LoweredBy is null ? script with { Severity = Severity.Medium, LoweredBy = "judged by place and time: the bundle has no content" } : script;
        }

        if (isWritten && isFile && ownCommand.Contains(path))
        {
            yield return Make("CIR-035", mayBeStart: true);
        }

        if (isWritten && isProgram && entry.Signs.Any(sign => sign is "mtime-before-birth" or "content-differs-mtime-same"))
        {
            yield return Make("CIR-054");
        }
    }

    /// <summary>A script in the place web servers serve from.</summary>
    internal static bool IsWebScript(DiffEntry entry) => entry.Kind == DiffKind.File && entry.DisplayPath is var path
        && WebRoots.Any(root => path.Contains(root, StringComparison.Ordinal)) && WebScripts.Any(end => path.EndsWith(end, StringComparison.OrdinalIgnoreCase));

    private static bool GainsPower(DiffEntry entry)
    {
        const int power = 0b110_000_000_000;
        int now = entry.Object?.Mode ?? 0, before = entry.Original?.Mode ?? 0;
        bool isExecutable = (now & 0b001_001_001) != 0;
        bool hasCapability = entry.Xattrs.Any(xattr => xattr.Name.AsSpan().SequenceEqual("security.capability"u8)) && (entry.Original is null || entry.Changed.Contains("xattrs"));
        return isExecutable && ((now & power & ~before) != 0 || hasCapability);
    }

    private static bool IsReplacedProgram(DiffEntry entry)
    {
        DiffObject? before = entry.Verdict == DiffVerdict.Renamed ? entry.Replaced : entry.Original;
        return before is not null && (before.Kind == DiffKind.SymbolicLink || (before.Kind == DiffKind.File && (before.Mode & 0b001_001_001) != 0));
    }

    private static bool IsRotationOf(string rotated, string log) =>
        rotated.Length > log.Length && rotated.StartsWith(log, StringComparison.Ordinal) && rotated[log.Length] is '.' or '-' && rotated.AsSpan(log.Length + 1).ContainsAnyInRange('0', '9');

    // Scripts named whole as a word of the command; what a "sh -c" line mentions is not its entry point.
    private static HashSet<string> OwnCommand(Scene scene)
    {
        System.Text.Json.JsonElement configuration = scene.Inspect.Object("Config");
        IEnumerable<string> check = configuration.Object("Healthcheck").Texts("Test").Select(word => word.Split(' ', 2)[0]);
        return
        [
            .. configuration.Texts("Entrypoint").Concat(configuration.Texts("Cmd")).Append(scene.Inspect.Text("Path") ?? "").Concat(check)
                .Where(word => word.StartsWith('/') && !word.Contains(' ', StringComparison.Ordinal)).Select(Evidence.Text.DisplayText.Escape),
        ];
    }

    internal static List<SeenValue> Seen(DiffEntry entry)
    {
        List<SeenValue> seen = [SeenValue.OfBytes("path", entry.Path), new("verdict", DiffWords.Of(entry.Verdict))];
        void Add(string name, DiffObject? of)
        {
            if (of is not null)
            {
                seen.Add(new(name, string.Create(CultureInfo.InvariantCulture, $"{DiffWords.Of(of.Kind)} mode {Convert.ToString(of.Mode, 8)} uid {of.Uid} size {of.SizeBytes} mtime {of.ModifiedAt} ctime {of.ChangedAt}")));
            }
        }

        Add("now", entry.Object);
        Add("before", entry.Original);
        if (entry.Object?.Sha256 is { } digest)
        {
            seen.Add(new("sha256", digest));
        }

        return seen;
    }
}
