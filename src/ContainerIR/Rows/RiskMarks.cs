using System.Text.Json;

namespace ContainerIR.Rows;

/// <summary>
/// Marks of risk a container's configuration shows by itself, worst first: each states what was set, none says that it was abused.
/// They are the observable half of the catalogue's rules on engine sockets, privilege, capabilities, mounts and shared namespaces.
/// </summary>
internal static class RiskMarks
{
    /// <summary>Capabilities that lead to the host, capabilities(7).</summary>
    private static readonly HashSet<string> Dangerous =
    [
        "ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "BPF", "SYS_BOOT", "NET_ADMIN", "PERFMON", "MAC_ADMIN", "SYSLOG", "CHECKPOINT_RESTORE",
    ];

    private static readonly string[] EngineSockets = ["docker.sock", "containerd.sock", "crio.sock", "podman.sock", "dockershim.sock", "cri-dockerd.sock"];

    /// <summary>Directories that hold an engine's socket.</summary>
    private static readonly string[] SocketDirectories = ["/run", "/run/docker", "/run/containerd", "/run/crio", "/run/podman"];

    /// <summary>Host paths that are sensitive themselves and with all below them.</summary>
    private static readonly string[] SensitiveTrees = ["/etc", "/root", "/boot", "/dev", "/proc", "/sys", "/lib/modules", "/usr/bin", "/usr/sbin", "/var/spool/cron", "/var/lib/containerd"];

    /// <summary>Host paths that are sensitive as a whole; what lies below is common to share.</summary>
    private static readonly string[] SensitiveRoots = ["/", "/home", "/usr", "/lib", "/opt", "/run", "/var", "/var/lib", "/var/log", "/var/lib/docker", "/var/lib/kubelet"];

    /// <summary>Reads the marks from a container's document.</summary>
    /// <param name="inspect">The engine's document of the container.</param>
    /// <param name="engineRoot">Where the engine keeps its data, so that a mount of it is seen wherever it lies; null when unknown.</param>
    /// <param name="hasDigest">Whether the image has a repository digest; null when not known.</param>
    public static IReadOnlyList<RiskMark> Of(JsonElement inspect, string? engineRoot, bool? hasDigest)
    {
        JsonElement host = inspect.Field("HostConfig") ?? default;
        List<(int Rank, RiskMark Mark)> marks = [];
        void Add(int rank, string id, string text) => marks.Add((rank, new RiskMark(id, text)));

        if (host.Flag("Privileged"))
        {
            Add(1, "privileged", "Privileged=true");
        }

        AddNamespaces(host, Add);
        AddCapabilities(host, Add);
        marks.AddRange(inspect.Items("Mounts").SelectMany(mount => OfMount(mount, engineRoot)));
        AddConfinement(inspect, host, Add);
        foreach (JsonElement device in host.Items("Devices"))
        {
            Add(7, "device", $"{device.Text("PathOnHost")} ({device.Text("CgroupPermissions")})");
        }

        if (hasDigest == false)
        {
            Add(20, "no-digest", inspect.Field("Config")?.Text("Image") ?? "");
        }

        return [.. marks.OrderBy(entry => entry.Rank).ThenBy(entry => entry.Mark.Id, StringComparer.Ordinal).Select(entry => entry.Mark)];
    }

    private static void AddNamespaces(JsonElement host, Action<int, string, string> add)
    {
        (string Field, string Id, int Rank)[] fields =
            [("PidMode", "host-pid", 3), ("NetworkMode", "host-network", 6), ("IpcMode", "host-ipc", 8), ("UTSMode", "host-uts", 9), ("UsernsMode", "host-userns", 9)];
        foreach ((string field, string id, int rank) in fields)
        {
            string value = host.Text(field) ?? "";
            if (value == "host")
            {
                add(rank, id, $"{field}=host");
            }
            else if (value.StartsWith("container:", StringComparison.Ordinal))
            {
                add(15, "shared-" + id["host-".Length..], $"{field}={value}");
            }
        }
    }

    private static void AddCapabilities(JsonElement host, Action<int, string, string> add)
    {
        foreach (string capability in host.Texts("CapAdd"))
        {
            string name = capability.StartsWith("CAP_", StringComparison.OrdinalIgnoreCase) ? capability[4..] : capability;
            bool isDangerous = Dangerous.Contains(name.ToUpperInvariant());
            add(isDangerous ? 4 : 12, "cap-add", isDangerous ? name.ToUpperInvariant() : name);
        }
    }

    /// <summary>The marks of one of its mounts, each with its rank.</summary>
    public static IEnumerable<(int Rank, RiskMark Mark)> OfMount(JsonElement mount, string? engineRoot)
    {
        string type = mount.Text("Type") ?? "";
        string source = Normal(mount.Text("Source") ?? "");
        string destination = Normal(mount.Text("Destination") ?? "");
        bool isWritable = mount.Flag("RW");
        string text = $"{source} -> {destination} ({(isWritable ? "rw" : "ro")})";
        if (type is "volume" or "tmpfs" || source.Length == 0)
        {
            yield break;
        }

        if (EngineSockets.Any(name => LastOf(source) == name || LastOf(destination) == name) || SocketDirectories.Contains(source))
        {
            yield return (0, new RiskMark("engine-socket", text));
        }
        else if (source.StartsWith("//./pipe/", StringComparison.Ordinal) || IsSensitive(source, engineRoot))
        {
            yield return (isWritable ? 5 : 11, new RiskMark("sensitive-mount", text));
        }

        if (mount.Text("Propagation") is "shared" or "rshared")
        {
            yield return (10, new RiskMark("shared-propagation", $"{source} -> {destination} ({mount.Text("Propagation")})"));
        }
    }

    private static void AddConfinement(JsonElement inspect, JsonElement host, Action<int, string, string> add)
    {
        bool isPrivileged = host.Flag("Privileged");
        bool appArmorSaid = false;
        foreach (string option in host.Texts("SecurityOpt"))
        {
            string pair = option.Replace(':', '=');
            appArmorSaid |= pair == "apparmor=unconfined";
            (int Rank, string Id)? mark = pair switch
            {
                "seccomp=unconfined" => (9, "seccomp-unconfined"),
                "apparmor=unconfined" => (9, "apparmor-unconfined"),
                // The engine sets this itself for host namespaces and privilege, which have their own marks.
                "label=disable" when !isPrivileged && host.Text("PidMode") != "host" && host.Text("IpcMode") != "host" => (9, "selinux-off"),
                "systempaths=unconfined" => (9, "system-paths-unmasked"),
                _ => null,
            };
            if (mark is { } found)
            {
                add(found.Rank, found.Id, option);
            }
        }

        if (!appArmorSaid && !isPrivileged && inspect.Text("AppArmorProfile") == "unconfined")
        {
            add(9, "apparmor-unconfined", "AppArmorProfile=unconfined");
        }

        if (!isPrivileged && host.Field("MaskedPaths") is { ValueKind: JsonValueKind.Array } masked && masked.GetArrayLength() == 0)
        {
            add(9, "system-paths-unmasked", "MaskedPaths=[]");
        }
    }

    /// <summary>Whether a path is a directory of the host system itself, or holds the engine's data: more than one container's.</summary>
    public static bool IsHostSystem(string path, string? engineRoot)
    {
        string normal = Normal(path);
        return IsSensitive(normal, engineRoot) || (engineRoot is { Length: > 1 } root && IsBelow(root, normal));
    }

    private static bool IsSensitive(string path, string? engineRoot) =>
        SensitiveRoots.Contains(path)
        || SensitiveTrees.Any(tree => IsBelow(path, tree))
        || (path.StartsWith("/home/", StringComparison.Ordinal) && path.Contains("/.ssh", StringComparison.Ordinal))
        || (engineRoot is { Length: > 1 } root && (path == root || (IsBelow(path, root) && !IsBelow(path, root + "/volumes"))));

    private static bool IsBelow(string path, string tree) => path == tree || (path.StartsWith(tree, StringComparison.Ordinal) && path[tree.Length] == '/');

    private static string LastOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    /// <summary>Removes double slashes, dots and the last slash, goes up at two dots, and takes /var/run for the link it is on every current Linux.</summary>
    private static string Normal(string path)
    {
        if (!path.StartsWith('/'))
        {
            return path;
        }

        List<string> parts = [];
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".." && parts.Count > 0)
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (part is not ("." or ".."))
            {
                parts.Add(part);
            }
        }

        string normal = "/" + string.Join('/', parts);
        return IsBelow(normal, "/var/run") ? "/run" + normal["/var/run".Length..] : normal;
    }
}
