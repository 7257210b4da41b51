namespace ContainerIR.Analyzers;

/// <summary>Processes by themselves: deleted, in memory, dressed up, traced, on a terminal.</summary>
internal sealed class ProcessAnalyzer : IAnalyzer
{
    private static readonly Rule Deleted = RuleList.Of("CIR-005");
    private static readonly Rule InMemory = RuleList.Of("CIR-006");
    private static readonly Rule Masquerade = RuleList.Of("CIR-044");
    private static readonly Rule Traced = RuleList.Of("CIR-048");
    private static readonly Rule History = RuleList.Of("CIR-052");
    private static readonly Rule Session = RuleList.Of("CIR-058");
    private static readonly Rule UnderService = RuleList.Of("CIR-008");
    private static readonly Rule Preload = RuleList.Of("CIR-026");
    private static readonly string[] Services = ["nginx", "httpd", "apache2", "lighttpd", "php-fpm", "java", "redis-server", "postgres", "mysqld", "mariadbd", "mongod", "caddy", "uwsgi", "gunicorn"];

    public string Name => "process";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        foreach (SeenProcess process in scene.Processes)
        {
            ct.ThrowIfCancellationRequested();
            if (process.IsInMemory)
            {
                yield return IsRuntimeStarting(process)
                    ? new Finding(InMemory, Severity.Info, process.Seen(), process.Place, "the form of the container runtime while it starts a process")
                    : new Finding(InMemory, InMemory.Severity, process.Seen(), process.Place);
            }
            else if (process.IsDeleted)
            {
                bool isUpgrade = process.PathNow == "other" && scene.HasPackageChange && Paths.IsPackaged(process.ExecutablePath ?? "");
                SeenValue now = new("path_now", process.PathNow);
                yield return isUpgrade
                    ? new Finding(Deleted, Severity.Low, process.Seen(now), process.Place, "a package manager ran, and another file stands at its name")
                    : new Finding(Deleted, Deleted.Severity, process.Seen(now), process.Place);
            }

            if (process.Has("kernel-thread-name") || IsRenamedInTemporary(process))
            {
                yield return new Finding(Masquerade, Masquerade.Severity, process.Seen(SeenValue.Of("comm", process.Comm)), process.Place);
            }

            if (process.Tracer is not (null or "0"))
            {
                yield return new Finding(Traced, Traced.Severity, process.Seen(SeenValue.Of("tracer_pid", process.Tracer)), process.Place);
            }

            foreach (Finding finding in OfEnvironment(scene, process).Concat(OfShell(scene, process)))
            {
                yield return finding;
            }
        }
    }

    private static IEnumerable<Finding> OfEnvironment(Scene scene, SeenProcess process)
    {
        HashSet<string> configured = [.. Rows.JsonFields.Texts(Rows.JsonFields.Object(scene.Inspect, "Config"), "Env")];
        foreach (string pair in process.Environment.Where(pair => !configured.Contains(pair)))
        {
            if (pair is "HISTFILE=/dev/null" or "HISTFILE=" or "HISTSIZE=0" or "HISTFILESIZE=0")
            {
                yield return new Finding(History, History.Severity, process.Seen(SeenValue.Of("environment", pair)), process.Place);
            }
            else if (pair.StartsWith("LD_PRELOAD=/", StringComparison.Ordinal) && Paths.IsTemporary(pair["LD_PRELOAD=".Length..]))
            {
                yield return new Finding(Preload, Preload.Severity, process.Seen(SeenValue.Of("environment", pair)), process.Place);
            }
        }
    }

    private static IEnumerable<Finding> OfShell(Scene scene, SeenProcess process)
    {
        if (!process.IsShell || process.Terminal == 0)
        {
            yield break;
        }

        SeenValue terminal = new("tty", process.Terminal.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (scene.Process(process.ParentPid) is { } parent && Services.Contains(parent.Role))
        {
            yield return new Finding(UnderService, UnderService.Severity, process.Seen(terminal, SeenValue.Of("parent", parent.CommandLine)), process.Place);
        }
        else if (process.Has("engine-exec"))
        {
            yield return new Finding(Session, Session.Severity, process.Seen(terminal), process.Place);
        }
    }

    // runc copies itself into a memfd before it enters a container (CVE-2019-5736): its first argument is "init" until it becomes the program.
    private static bool IsRuntimeStarting(SeenProcess process) =>
        process.ExecutableLink.StartsWith("/memfd:runc_cloned:", StringComparison.Ordinal) && process.Comm.StartsWith("runc:[", StringComparison.Ordinal) && process.Arguments is [_, "init"];

    private static bool IsRenamedInTemporary(SeenProcess process) =>
        process.ExecutablePath is { } path && Paths.IsTemporary(path) && process.Arguments is [var called, ..] && process.ExecutableName != "busybox"
        && SeenProcess.LastOf(called).TrimStart('-') != process.ExecutableName;
}
