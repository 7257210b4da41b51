using System.Globalization;
using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>Processes held against what the runtime was told: capabilities, filter, namespaces, cgroup.</summary>
internal sealed class ConfinementAnalyzer : IAnalyzer
{
    private static readonly Rule Capabilities = RuleList.Of("CIR-011");
    private static readonly Rule Filter = RuleList.Of("CIR-012");
    private static readonly Rule HostNamespace = RuleList.Of("CIR-013");
    private static readonly Rule LeftCgroup = RuleList.Of("CIR-014");

    /// <summary>capabilities(7), in the order of their bits.</summary>
    private static readonly string[] Names =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN",
        "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
        "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON",
        "BPF", "CHECKPOINT_RESTORE",
    ];

    public string Name => "confinement";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        JsonElement told = scene.RuntimeSpec.Object("process");
        ulong? allowed = told.Object("capabilities").Field("bounding") is { } list ? MaskOf(list) : null;
        bool hasFilter = scene.RuntimeSpec.Object("linux").Field("seccomp") is not null;
        bool isLocked = told.Flag("noNewPrivileges");
        foreach (SeenProcess process in scene.Processes)
        {
            ct.ThrowIfCancellationRequested();
            bool isStarting = process.Comm.StartsWith("runc:[", StringComparison.Ordinal) && process.Arguments is [_, "init"];
            bool isElsewhere = process.Has("foreign-namespace:user") || process.Has("entered");
            if (allowed is { } mask && !isStarting && !isElsewhere && ((process.Effective | process.Permitted) & ~mask) is { } excess and not 0)
            {
                yield return new Finding(
                    Capabilities, Capabilities.Severity, process.Seen(new SeenValue("excess", NamesOf(excess)), Hex("configured", mask), Hex("has", (process.Effective | process.Permitted) ?? 0)), process.Place);
            }

            if (hasFilter && process.Seccomp == "0" && !isStarting && !isElsewhere)
            {
                yield return new Finding(Filter, Filter.Severity, process.Seen(new SeenValue("Seccomp", "0")), process.Place);
            }

            if (isLocked && process.NoNewPrivileges == "0" && !isStarting && !isElsewhere)
            {
                yield return new Finding(Filter, Filter.Severity, process.Seen(new SeenValue("NoNewPrivs", "0")), process.Place);
            }

            string[] shared = [.. process.Signs.Where(sign => sign is "host-namespace:mnt" or "host-namespace:pid" or "host-root")];
            if (shared.Length > 0)
            {
                SeenValue signs = new("signs", string.Join(' ', shared));
                yield return isStarting
                    ? new Finding(HostNamespace, Severity.Info, process.Seen(signs), process.Place, "the form of the container runtime while it starts a process")
                    : new Finding(HostNamespace, HostNamespace.Severity, process.Seen(signs), process.Place);
            }

            if (process.Has("left-cgroup"))
            {
                yield return new Finding(LeftCgroup, LeftCgroup.Severity, process.Seen(new SeenValue("signs", "left-cgroup")), process.Place);
            }
        }
    }

    private static ulong MaskOf(JsonElement list) => list.ValueKind != JsonValueKind.Array ? 0 : list.EnumerateArray()
        .Select(name => Array.IndexOf(Names, (name.TextOrNull() ?? "").Replace("CAP_", "", StringComparison.Ordinal)))
        .Where(bit => bit >= 0)
        .Aggregate(0UL, (mask, bit) => mask | (1UL << bit));

    private static string NamesOf(ulong mask) =>
        string.Join(' ', Enumerable.Range(0, 64).Where(bit => (mask >> bit & 1) != 0).Select(bit => bit < Names.Length ? Names[bit] : bit.ToString(CultureInfo.InvariantCulture)));

    private static SeenValue Hex(string name, ulong mask) => new(name, mask.ToString("x16", CultureInfo.InvariantCulture));
}
