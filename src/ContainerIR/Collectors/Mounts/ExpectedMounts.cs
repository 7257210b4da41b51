using System.Text;
using System.Text.Json;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Mounts;

/// <summary>Who wanted a mount.</summary>
internal enum MountOrigin
{
    /// <summary>Nobody who configured the container: a process with the right to mount made it.</summary>
    NotConfigured,

    /// <summary>The container's root.</summary>
    Root,

    /// <summary>A volume, bind mount or tmpfs of the container's configuration.</summary>
    Configured,

    /// <summary>The engine and its runtime, for every container: /proc, /dev, /etc/hosts, masked paths.</summary>
    Engine,
}

/// <summary>
/// The mounts a container was given, by where they are: the engine's configuration and the specification its runtime was called with. Without that
/// specification (no monitor process names it) the mounts every container of Docker and Podman gets.
/// </summary>
internal sealed class ExpectedMounts
{
    // runc and crun bind these where the specification says nothing of them (runc libcontainer/specconv, rootfs_linux.go).
    private static readonly string[] Always = ["/dev/console", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero", "/dev/full", "/dev/tty", "/dev/init", "/run/.containerenv", "/run/secrets"];

    /// <summary>Where the engines mount something in every container, whatever its configuration.</summary>
    public static IEnumerable<string> UsualPlaces => Always.Concat(Defaults);

    private static readonly string[] Defaults =
    [
        "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts",
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/proc/interrupts", "/sys/firmware", "/sys/devices/virtual/powercap",
        "/sys/devices/system/cpu",
    ];

    private readonly Dictionary<string, ContainerMount> configured = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string?> engine = new(StringComparer.Ordinal);

    private ExpectedMounts(ContainerRef container)
    {
        foreach (ContainerMount mount in container.Mounts)
        {
            configured[Normal(mount.Destination)] = mount;
        }

        foreach (string path in Always)
        {
            engine[path] = null;
        }
    }

    /// <summary>Whether the runtime's own specification was read.</summary>
    public bool HasSpecification { get; private set; }

    /// <summary>Configured mounts by their place.</summary>
    public IEnumerable<ContainerMount> Configured => configured.Values;

    /// <summary>Reads what is known of a container.</summary>
    /// <param name="container">The container.</param>
    /// <param name="prefix">Makes the engine's paths true for us.</param>
    public static ExpectedMounts Of(ContainerRef container, string prefix)
    {
        ExpectedMounts expected = new(container);
        if (container.HasProcesses && RuntimeBundle.Find(container) is { } bundle)
        {
            try
            {
                using JsonDocument spec = ContainerInspect.Parse(HostFile.ReadSmall($"{prefix}{bundle.Directory}/config.json", 16 * 1024 * 1024));
                expected.Read(spec.RootElement);
            }
            catch (Exception failure) when (failure is HostFileException or InvalidDataException)
            {
                // The defaults below serve; the configuration collector says that the specification is missing.
            }
        }

        foreach (string path in expected.HasSpecification ? [] : Defaults)
        {
            expected.engine.TryAdd(path, null);
        }

        return expected;
    }

    /// <summary>The configured mount at a place; null when there is none.</summary>
    public ContainerMount? ConfiguredAt(ReadOnlySpan<byte> mountPoint) => configured.GetValueOrDefault(Encoding.UTF8.GetString(mountPoint));

    /// <summary>Who wanted this mount, as far as its place, type and device tell.</summary>
    public MountOrigin OriginOf(ProcMount mount)
    {
        string at = Encoding.UTF8.GetString(mount.MountPoint);
        if (at == "/")
        {
            return MountOrigin.Root;
        }

        if (configured.TryGetValue(at, out ContainerMount? known))
        {
            return IsOf(mount, known) ? MountOrigin.Configured : MountOrigin.NotConfigured;
        }

        if (engine.TryGetValue(at, out string? type) && (type is null or "bind" or "none" || type == mount.FileSystem || (type == "cgroup" && mount.FileSystem is "cgroup2" or "tmpfs")))
        {
            return MountOrigin.Engine;
        }

        // Below the one cgroup mount of the specification the runtime makes one for each hierarchy.
        return at.StartsWith("/sys/fs/cgroup/", StringComparison.Ordinal) && mount.FileSystem is "cgroup" or "cgroup2" && engine.ContainsKey("/sys/fs/cgroup")
            ? MountOrigin.Engine
            : MountOrigin.NotConfigured;
    }

    /// <summary>Whether what is mounted lies on the device the configured source lies on; a source we cannot ask says nothing.</summary>
    private static bool IsOf(ProcMount mount, ContainerMount known) => known.Type == "tmpfs"
        ? mount.FileSystem == "tmpfs"
        : known.Source.Length == 0 || HostFile.TryStat(known.Source, followLast: true) is not { } source
            || (source.stx_dev_major == mount.DeviceMajor && source.stx_dev_minor == mount.DeviceMinor);

    private void Read(JsonElement spec)
    {
        foreach (JsonElement mount in spec.Items("mounts"))
        {
            if (mount.Text("destination") is { Length: > 0 } destination && engine.Count < 4096)
            {
                engine[Normal(destination)] = mount.Text("type");
            }
        }

        JsonElement linux = spec.Object("linux");
        foreach (string path in linux.Texts("maskedPaths").Concat(linux.Texts("readonlyPaths")).Take(4096))
        {
            engine.TryAdd(Normal(path), null);
        }

        HasSpecification = spec.Items("mounts").Any();
    }

    private static string Normal(string path) => path.Length > 1 ? path.TrimEnd('/') : path;
}
