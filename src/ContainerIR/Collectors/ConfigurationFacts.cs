using System.Globalization;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors;

/// <summary>What of a container's configuration decides over its freedom, in one place: as asked for (the engine's inspect) and as the kernel has it (the first process).</summary>
internal static class ConfigurationFacts
{
    private const int ProcLimitBytes = 64 * 1024;
    private const int MaxLabels = 200;

    /// <summary>capabilities(7) by number.</summary>
    private static readonly string[] Capabilities =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
        "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
        "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
    ];

    private static readonly string[] Modes = ["NetworkMode", "PidMode", "IpcMode", "UsernsMode", "UTSMode", "CgroupnsMode", "CgroupParent", "Isolation", "Runtime"];
    private static readonly (string Prefix, string Name)[] Orchestrators =
        [("com.docker.compose.", "compose"), ("com.docker.swarm.", "swarm"), ("io.kubernetes.", "kubernetes"), ("com.hashicorp.nomad.", "nomad"), ("io.podman.compose.", "podman-compose"), ("io.rancher.", "rancher")];

    /// <summary>Writes them.</summary>
    /// <param name="json">Inside an object.</param>
    /// <param name="inspect">The engine's inspect document.</param>
    /// <param name="initPid">The container's first process; 0 for none.</param>
    public static void Write(Utf8JsonWriter json, JsonElement inspect, int initPid)
    {
        JsonElement config = inspect.Object("Config"), host = inspect.Object("HostConfig"), state = inspect.Object("State");
        json.WriteBoolean("privileged", host.Flag("Privileged"));
        json.WriteString("user", Text(config, "User"));
        json.WriteBoolean("read_only_root", host.Flag("ReadonlyRootfs"));
        json.WriteTexts("capabilities_added", host.Texts("CapAdd"));
        json.WriteTexts("capabilities_dropped", host.Texts("CapDrop"));
        json.WriteTexts("security_options", host.Texts("SecurityOpt"));
        json.WriteString("apparmor_profile", Text(inspect, "AppArmorProfile"));
        json.WriteString("selinux_process_label", Text(inspect, "ProcessLabel"));
        json.WriteTexts("masked_paths", host.Texts("MaskedPaths"));
        json.WriteTexts("read_only_paths", host.Texts("ReadonlyPaths"));
        foreach (string mode in Modes)
        {
            json.WriteString(mode, Text(host, mode));
        }

        json.WriteTexts("devices", host.Items("Devices").Select(device => $"{device.Text("PathOnHost")} as {device.Text("PathInContainer")} {device.Text("CgroupPermissions")}"));
        json.WriteTexts("device_rules", host.Texts("DeviceCgroupRules"));
        json.WriteTexts("mounts", inspect.Items("Mounts").Select(mount =>
            $"{mount.Text("Type")} {mount.Text("Source")} at {mount.Text("Destination")} {(mount.Flag("RW") ? "rw" : "ro")} {mount.Text("Propagation")}".TrimEnd()));
        json.WriteTexts("ports", host.Members("PortBindings").SelectMany(port => port.Value.ValueKind == JsonValueKind.Array
            ? port.Value.EnumerateArray().Select(binding => $"{port.Name} at {binding.Text("HostIp")}:{binding.Text("HostPort")}") : []));
        json.WriteString("restart_policy", Text(host.Object("RestartPolicy"), "Name"));
        json.WriteNumber("restart_limit", host.Object("RestartPolicy").Number("MaximumRetryCount") ?? 0);
        json.WriteNumber("restarts", inspect.Number("RestartCount") ?? 0);
        json.WriteBoolean("removed_at_end", host.Flag("AutoRemove"));
        json.WriteNumber("memory_limit_bytes", host.Number("Memory") ?? 0);
        json.WriteNumber("cpu_nanos", host.Number("NanoCpus") ?? 0);
        json.WriteNumber("processes_limit", host.Number("PidsLimit") ?? 0);
        json.WriteTexts("sysctls", host.TextMembers("Sysctls").Select(pair => $"{pair.Key}={pair.Value}"));
        json.WriteTexts("health_check", config.Object("Healthcheck").Texts("Test"));
        json.WriteString("health", Text(state.Object("Health"), "Status"));
        json.WriteNumber("health_failures", state.Object("Health").Number("FailingStreak") ?? 0);
        WriteOrchestrator(json, config);
        WriteKernel(json, initPid);
    }

    /// <summary>Names of the bits set in a capability set of /proc/PID/status; a number where the kernel knows more than this list.</summary>
    internal static List<string> Names(string hex)
    {
        List<string> names = [];
        for (int bit = 0; ulong.TryParse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong set) && bit < 64; bit++)
        {
            if ((set >> bit & 1) != 0)
            {
                names.Add(bit < Capabilities.Length ? Capabilities[bit] : bit.ToString(CultureInfo.InvariantCulture));
            }
        }

        return names;
    }

    private static void WriteOrchestrator(Utf8JsonWriter json, JsonElement config)
    {
        Dictionary<string, string> labels = config.TextMembers("Labels");
        json.WriteTexts("orchestrators", Orchestrators.Where(one => labels.Keys.Any(label => label.StartsWith(one.Prefix, StringComparison.Ordinal))).Select(one => one.Name));
        json.WriteStartObject("orchestrator_labels");
        foreach ((string name, string value) in labels.Where(label => Orchestrators.Any(one => label.Key.StartsWith(one.Prefix, StringComparison.Ordinal))).OrderBy(label => label.Key, StringComparer.Ordinal).Take(MaxLabels))
        {
            json.WriteString(DisplayText.Shorten(name, 200), DisplayText.Shorten(value, 500));
        }

        json.WriteEndObject();
    }

    private static void WriteKernel(Utf8JsonWriter json, int initPid)
    {
        json.WriteStartObject("first_process");
        using ProcEntry? process = initPid > 0 ? ProcEntry.Open(initPid, out _) : null;
        if (process is not null)
        {
            ProcStatus status = ProcStatus.Parse(process.Read("status", ProcLimitBytes).Content);
            foreach ((string name, string field) in new[] { ("capabilities_effective", "CapEff"), ("capabilities_bounding", "CapBnd"), ("capabilities_ambient", "CapAmb") })
            {
                json.WriteTexts(name, Names(Encoding.ASCII.GetString(status[field])));
            }

            json.WriteString("seccomp", status.Number("Seccomp") switch { 0 => "off", 1 => "strict", 2 => "filter", _ => "unknown" });
            json.WriteNumber("seccomp_filters", status.Number("Seccomp_filters") ?? 0);
            json.WriteBoolean("no_new_privileges", status.Number("NoNewPrivs") == 1);
            json.WriteString("security_label", process.Read("attr/current", ProcLimitBytes) is { IsRead: true } label ? DisplayText.Escape(label.Line.TrimEnd((byte)0)) : null);
            json.WriteTexts("uid_map", Encoding.ASCII.GetString(process.Read("uid_map", ProcLimitBytes).Content).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }

        json.WriteEndObject();
    }

    private static string Text(JsonElement of, string field) => DisplayText.Shorten(of.Text(field) ?? "", 1000);
}
