using System.Globalization;
using System.Text.Json;
using ContainerIR.Diffs;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>Ways out of the container that are open or were used: descriptors of the host's mounts, cgroups that can be written, programs the kernel starts, processes that are hidden.</summary>
internal sealed class EscapeAnalyzer : IAnalyzer
{
    private static readonly Rule Leaked = RuleList.Of("CIR-009");
    private static readonly Rule ReleaseAgent = RuleList.Of("CIR-015");
    private static readonly Rule KernelHelper = RuleList.Of("CIR-016");
    private static readonly Rule Hidden = RuleList.Of("CIR-051");

    private static readonly string[] Helpers = ["core_pattern", "modprobe", "uevent_helper"];
    private static readonly string[] Distributions = ["/usr/lib/systemd/", "/lib/systemd/", "/usr/share/apport/", "/usr/libexec/", "/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"];

    public string Name => "escape";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct) =>
        OfMounts(scene, ct).Concat(OfKernelHelpers(scene, ct)).Concat(OfUnlisted(scene));

    private static IEnumerable<Finding> OfMounts(Scene scene, CancellationToken ct)
    {
        Dictionary<long, HashSet<long>> known = [];
        string[] given = [.. scene.Inspect.Items("Mounts").Select(mount => mount.Text("Destination")?.TrimEnd('/')).OfType<string>().Select(Evidence.Text.DisplayText.Escape)];
        foreach ((FindingPlace place, SeenMount mount) in scene.Rows("mounts", "mounts.jsonl", SeenMount.Parse, ct))
        {
            (known.TryGetValue(mount.Namespace, out HashSet<long>? ids) ? ids : known[mount.Namespace] = []).Add(mount.Id);
            if (mount is { Origin: "not-configured", Type: "cgroup" or "cgroup2" } && mount.Options.Split(',').Contains("rw"))
            {
                List<SeenValue> seen = [SeenValue.Of("mount_point", mount.Point), new("type", mount.Type), SeenValue.Of("options", mount.Options), new("origin", mount.Origin)];
                yield return given.Any(point => mount.Point.StartsWith(point + "/", StringComparison.Ordinal))
                    ? new Finding(ReleaseAgent, Severity.Medium, seen, place, "it came with a path of the host that was mounted on purpose: CIR-022 names that")
                    : new Finding(ReleaseAgent, ReleaseAgent.Severity, seen, place);
            }
        }

        foreach (SeenProcess process in scene.Processes)
        {
            ct.ThrowIfCancellationRequested();
            // Without the table of its namespace nothing is known of its mounts.
            if (!known.TryGetValue(process.MountNamespace, out HashSet<long>? own))
            {
                continue;
            }

            IEnumerable<(string What, string Target, long Mount)> held = process.Descriptors.Select(each => ($"fd {each.Number.ToString(CultureInfo.InvariantCulture)}", each.Target, each.MountId))
                .Append(("cwd", process.WorkingDirectory, process.WorkingDirectoryMount));
            foreach ((string what, string target, long mount) in held.Where(each => each.Mount != 0 && !own.Contains(each.Mount) && !IsOfNoMount(each.Target)))
            {
                SeenValue[] more = [SeenValue.Of(what, target), new("mnt_id", mount.ToString(CultureInfo.InvariantCulture)), new("mnt_namespace", process.MountNamespace.ToString(CultureInfo.InvariantCulture))];
                yield return process.Has("entered")
                    ? new Finding(Leaked, Severity.Low, process.Seen(more), process.Place, "the process was started on the host and entered the container: a responder's own tool looks so")
                    : new Finding(Leaked, Leaked.Severity, process.Seen(more), process.Place);
            }
        }
    }

    // Kernel-internal mounts, and terminals and /dev/null that the runtime hands over.
    private static bool IsOfNoMount(string target) =>
        target.StartsWith("/memfd:", StringComparison.Ordinal) || target.StartsWith("/dev/pts/", StringComparison.Ordinal) || target.StartsWith("/SYSV", StringComparison.Ordinal)
        || target.StartsWith("/[", StringComparison.Ordinal) || target.StartsWith("/dmabuf:", StringComparison.Ordinal)
        || target is "/dev/null" or "/dev/ptmx" or "/dev/zero (deleted)" or "/secretmem (deleted)";

    private static IEnumerable<Finding> OfKernelHelpers(Scene scene, CancellationToken ct)
    {
        (JsonElement host, FindingPlace place) = scene.Document("host", "host.json");
        JsonElement helpers = host.Object("kernel_helpers");
        List<(string Name, string Program, string Value)> programs =
        [
            .. Helpers
                .Select(name => (name, helpers.Text(name) ?? ""))
                .Select(pair => (pair.name, pair.name == "core_pattern" ? (pair.Item2.StartsWith('|') ? pair.Item2[1..].TrimStart().Split(' ')[0] : "") : pair.Item2.Trim(), pair.Item2))
                .Where(each => each.Item2.StartsWith('/')),
        ];
        // What distributions install is looked up by most kernels; a container has files of the same names without meaning anything.
        bool isUnusual = programs.Exists(each => !Paths.StartsWithAny(each.Program, Distributions));
        HashSet<string> added = [];
        foreach ((_, DiffEntry entry) in isUnusual ? scene.Changes(ct) : [])
        {
            if (entry.Kind == DiffKind.File && entry.Verdict is DiffVerdict.Added or DiffVerdict.Renamed && programs.Any(each => each.Program == entry.DisplayPath))
            {
                added.Add(entry.DisplayPath);
            }
        }

        foreach ((string name, string program, string value) in programs)
        {
            bool isUnderEngine = program.Contains("/overlay2/", StringComparison.Ordinal) || program.Contains("/docker/", StringComparison.Ordinal) || program.Contains("/containers/", StringComparison.Ordinal)
                || program.Contains("/proc/", StringComparison.Ordinal);
            if (isUnderEngine || (added.Contains(program) && !Paths.StartsWithAny(program, Distributions)))
            {
                yield return new Finding(
                    KernelHelper, KernelHelper.Severity, [new(name, value), new("because", isUnderEngine ? "it lies where containers' files lie" : "the container has a file of that name, added at run time")], place);
            }
        }
    }

    private static IEnumerable<Finding> OfUnlisted(Scene scene)
    {
        (JsonElement membership, FindingPlace place) = scene.Document("processes", "membership.json");
        foreach (long pid in membership.Numbers("unlisted"))
        {
            yield return new Finding(Hidden, Hidden.Severity, [new("pid", pid.ToString(CultureInfo.InvariantCulture)), new("seen_by", "cgroup.procs and /proc/PID, in three looks; not in the listing of /proc")], place);
        }
    }

    private sealed record SeenMount(long Namespace, long Id, string Origin, string Type, string Point, string Options)
    {
        public static SeenMount? Parse(JsonElement row) => row.Number("mount_id") is not { } id
            ? null
            : new(row.Number("mnt_namespace") ?? 0, id, row.Text("origin") ?? "", row.Text("type") ?? "", row.Text("mount_point") ?? "", row.Text("options") ?? "");
    }
}
