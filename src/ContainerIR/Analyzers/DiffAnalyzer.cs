using System.Globalization;
using ContainerIR.Diffs;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>Changed files by path, kind, mode and time. No content is read: a bundle of profile triage has none.</summary>
internal sealed class DiffAnalyzer : IAnalyzer
{
    private const int MaxLogs = 10_000;

    private static readonly TimeSpan Start = TimeSpan.FromSeconds(10);
    private static readonly string[] Accounts = ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sudoers"];
    private static readonly string[] Schedules =
        ["/var/spool/cron/", "/etc/cron.d/", "/etc/cron.hourly/", "/etc/cron.daily/", "/etc/cron.weekly/", "/etc/cron.monthly/", "/etc/systemd/system/", "/lib/systemd/system/", "/usr/lib/systemd/system/", "/etc/init.d/", "/var/spool/at/"];
    private static readonly string[] WebRoots = ["/var/www/", "/srv/www/", "/usr/share/nginx/", "/usr/local/apache2/htdocs/", "/htdocs/", "/webapps/", "/public_html/", "/www/"];
    private static readonly string[] WebScripts = [".php", ".phtml", ".php5", ".phar", ".jsp", ".jspx", ".war", ".aspx", ".asp", ".ashx", ".cgi"];
    private static readonly string[] Watchers = ["falco", "auditd", "osqueryd", "clamscan", "clamd", "rkhunter", "chkrootkit", "aide", "tripwire", "wazuh-agentd", "aliyun-service", "sysdig"];

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
        string name = SeenProcess.LastOf(path);
        Finding Make(string id, bool mayBeStart = false, bool mayBePackage = true)
        {
            Rule rule = RuleList.Of(id);
            string? lowered = isPackaged && mayBePackage ? "a package manager ran and this is where packages write"
                : isAtStart && mayBeStart ? "written within ten seconds of the container's start: by its entry point" : null;
            return new Finding(rule, lowered is null || rule.Severity <= Severity.Low ? rule.Severity : Severity.Low, Seen(entry), place, lowered);
        }

        if (path == "/etc/ld.so.preload" && isWritten && entry.Object is { SizeBytes: > 0 })
        {
            yield return Make("CIR-026", mayBePackage: false);
        }

        if (isFile && GainsPower(entry))
        {
            yield return Make("CIR-027");
        }

        if (isFile && entry.Verdict is DiffVerdict.Modified or DiffVerdict.Renamed && Paths.IsSystemProgram(path) && IsReplacedProgram(entry))
        {
            yield return Make("CIR-028");
        }

        if (isWritten && isFile && (name is "authorized_keys" or "authorized_keys2"))
        {
            yield return Make("CIR-029", mayBeStart: true);
        }

        if (Accounts.Contains(path) || path.StartsWith("/etc/sudoers.d/", StringComparison.Ordinal))
        {
            yield return Make("CIR-030", mayBeStart: true);
        }

        if (isWritten && !entry.Kind.Equals(DiffKind.Directory) && (path.StartsWith("/etc/pam.d/", StringComparison.Ordinal) || (Paths.IsSystemProgram(path) && (name.StartsWith("libpam", StringComparison.Ordinal) || name.StartsWith("libnss_", StringComparison.Ordinal) || name.StartsWith("pam_", StringComparison.Ordinal)))))
        {
            yield return Make("CIR-031");
        }

        if (isWritten && isFile && (Paths.StartsWithAny(path, Schedules) || path is "/etc/crontab" or "/etc/rc.local" or "/etc/inittab"))
        {
            yield return Make("CIR-032", mayBeStart: true);
        }

        if (isWritten && isFile && (path.StartsWith("/etc/profile.d/", StringComparison.Ordinal) || path is "/etc/profile" or "/etc/bash.bashrc" || name is ".bashrc" or ".profile" or ".bash_profile" or ".zshrc"))
        {
            yield return Make("CIR-033", mayBeStart: true);
        }

        // Content decides where there is any (ContentAnalyzer); here only place and time speak.
        if (isWritten && IsWebScript(entry) && !scene.Has("rootfs-diff", "upper.tar.zst"))
        {
            Finding script = Make("CIR-034", mayBeStart: true);
            yield return script.LoweredBy is null ? script with { Severity = Severity.Medium, LoweredBy = "judged by place and time: the bundle has no content" } : script;
        }

        if (entry.Object is { Attributes: { Count: > 0 } marks } && isWritten)
        {
            yield return new Finding(RuleList.Of("CIR-055"), Severity.High, [.. Seen(entry), SeenValue.Of("attributes", string.Join(' ', marks))], place);
        }

        if (isWritten && isFile && ownCommand.Contains(path))
        {
            yield return Make("CIR-035", mayBeStart: true);
        }

        if (isWritten && Paths.IsPackageDatabase(path))
        {
            yield return new Finding(RuleList.Of("CIR-036"), Severity.Low, Seen(entry), place);
        }

        if (isWritten && isProgram && CommandAnalyzer.OffensiveTools.Contains(name))
        {
            yield return Make("CIR-037");
        }

        if (isWritten && isProgram && Place(path) is { } severity)
        {
            yield return new Finding(RuleList.Of("CIR-045"), severity.Severity, Seen(entry), place, severity.Why);
        }

        if (isWritten && isFile && name.EndsWith(".ko", StringComparison.Ordinal))
        {
            yield return Make("CIR-050");
        }

        if (isWritten && entry.Kind == DiffKind.SymbolicLink && name.EndsWith("_history", StringComparison.Ordinal) && entry.Object?.LinkTarget is { } target && target.AsSpan().SequenceEqual("/dev/null"u8))
        {
            yield return Make("CIR-052");
        }

        if (isWritten && isProgram && entry.Signs.Any(sign => sign is "mtime-before-birth" or "content-differs-mtime-same"))
        {
            yield return Make("CIR-054");
        }

        if (entry.Verdict == DiffVerdict.Deleted && entry.Original is { Kind: DiffKind.File } && Watchers.Contains(name))
        {
            yield return Make("CIR-056");
        }
    }

    /// <summary>A script in the place web servers serve from.</summary>
    internal static bool IsWebScript(DiffEntry entry) => entry.Kind == DiffKind.File && entry.DisplayPath is var path
        && WebRoots.Any(root => path.Contains(root, StringComparison.Ordinal)) && WebScripts.Any(end => path.EndsWith(end, StringComparison.OrdinalIgnoreCase));

    private static (Severity Severity, string? Why)? Place(string path) => Paths.IsBuildCache(path)
        ? Paths.IsHidden(path) || Paths.IsTemporary(path) ? (Severity.Low, "a build cache") : null
        : Paths.IsHidden(path) ? (Severity.High, null)
        : Paths.IsTemporary(path) ? (Severity.Low, "a directory for temporary files, not hidden")
        : null;

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
