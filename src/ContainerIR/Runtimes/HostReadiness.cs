using System.Globalization;
using System.Text;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;

namespace ContainerIR.Runtimes;

/// <summary>Whether this host lets an acquisition do its work: what will, what will not, and the remedy. Nothing is changed, and the engine's events are left alone.</summary>
public static class HostReadiness
{
    private const long EnoughBytes = 5L * 1024 * 1024 * 1024;
    private const long TooFewBytes = 256L * 1024 * 1024;

    private static readonly string[] FirewallPrograms = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft"];

    /// <summary>capabilities(7) by number, and what each is for.</summary>
    private static readonly (int Bit, string Name, string For)[] Needed =
    [
        (2, "CAP_DAC_READ_SEARCH", "reading files of any owner"),
        (12, "CAP_NET_ADMIN", "connection tables and isolation"),
        (13, "CAP_NET_RAW", "capturing traffic"),
        (18, "CAP_SYS_CHROOT", "entering a mount namespace"),
        (19, "CAP_SYS_PTRACE", "processes and their memory"),
        (21, "CAP_SYS_ADMIN", "namespaces, private mounts, freezing"),
    ];

    /// <summary>Makes all checks, in the order a person mends them.</summary>
    /// <param name="endpoint">Endpoint of the engine; null to look at DOCKER_HOST and the usual places.</param>
    /// <param name="outDirectory">Where bundles will be written.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<IReadOnlyList<ReadinessCheck>> CheckAsync(string? endpoint, string outDirectory, CancellationToken ct)
    {
        HostFacts host = HostFacts.Read();
        List<ReadinessCheck> checks = [];
        AddFile(checks);
        await AddEngineAsync(checks, endpoint, ct);
        AddRights(checks, host);
        AddKernel(checks, host);
        AddSpace(checks, outDirectory);
        AddClock(checks, host.Clock);
        AddFirewall(checks);
        AddLeftFrozen(checks);
        return checks;
    }

    private static void AddFile(List<ReadinessCheck> checks)
    {
        // The kernel maps a dynamic loader only for an executable that asks for one (AT_BASE of getauxval(3)).
        bool isStatic = Libc.getauxval(Libc.AT_BASE) == 0;
        Add(checks, "file", "This file", ReadinessState.Ok, isStatic ? "static: needs no library and no .NET of this host" : "started by the .NET of this host (a development build)",
            "Of the host's programs, only pkcs11-tool is ever started, and only for keys on a token.");
    }

    private static async Task AddEngineAsync(List<ReadinessCheck> checks, string? endpoint, CancellationToken ct)
    {
        try
        {
            await using IContainerRuntime runtime = RuntimeConnector.Find(endpoint);
            EngineFacts facts = await runtime.ReadFactsAsync(ct);
            Add(checks, "engine", "Container engine", ReadinessState.Ok, $"{facts.Kind} {facts.Version} at {facts.Endpoint}", "The engine answers.");
            Add(checks, "api", "API version", ReadinessState.Ok, facts.ApiVersion, "Spoken with the engine.");
            bool isOverlay = facts.StorageDriver is "overlay2" or "overlay" or "overlayfs" or "fuse-overlayfs";
            Add(checks, "storage", "Storage driver", isOverlay ? ReadinessState.Ok : ReadinessState.Warning, facts.StorageDriver,
                isOverlay ? "Changed files are read from the upper layer itself." : "Changed files of this driver cannot be read from a layer directory.",
                isOverlay ? null : "Acquire volatile evidence here, and image the disk for the files.");
            bool isFileLog = facts.LogDriver is "json-file" or "local" or "k8s-file";
            Add(checks, "log-driver", "Default log driver", isFileLog ? ReadinessState.Ok : ReadinessState.Warning, facts.LogDriver,
                isFileLog ? "Output is copied from its files, rotated ones included." : "Output went elsewhere; the engine keeps at most a cache of it here.",
                isFileLog ? null : "Secure the output where the log driver sends it.");
            Add(checks, "cgroups", "Control groups", ReadinessState.Ok, $"version {facts.CgroupVersion}, {facts.CgroupDriver}", "Processes are found, and frozen where asked, through them.");
            EngineProcess? engine = EngineProcess.Find(facts.Endpoint);
            Add(checks, "engine-process", "Engine's process", engine is null ? ReadinessState.Warning : ReadinessState.Ok, engine is null ? "not found" : $"pid {engine.Pid} ({engine.Name})",
                engine is null ? "Deleted log files that the engine still holds cannot be recovered, and its own log is not found." : "Files it holds open can be copied even when their names are gone.",
                engine is null ? "Run cir on the engine's host, in the host's pid namespace." : null);
        }
        catch (OperatorException failure)
        {
            Add(checks, "engine", "Container engine", ReadinessState.Failure, failure.Message, "Nothing can be acquired by container name or id.", failure.Remedy);
        }
    }

    private static void AddRights(List<ReadinessCheck> checks, HostFacts host)
    {
        Add(checks, "root", "Rights", host.Login.EffectiveUid == 0 ? ReadinessState.Ok : ReadinessState.Failure,
            string.Create(CultureInfo.InvariantCulture, $"uid {host.Login.EffectiveUid} ({host.Login.Name ?? "no name"})"),
            host.Login.EffectiveUid == 0 ? "Runs as root." : "Most evidence needs root: layers, other users' processes, log files.", host.Login.EffectiveUid == 0 ? null : "Run it with sudo.");
        string missing = string.Join(", ", MissingCapabilities());
        Add(checks, "capabilities", "Capabilities", missing.Length == 0 ? ReadinessState.Ok : ReadinessState.Failure, missing.Length == 0 ? "all that are needed" : "missing: " + missing,
            missing.Length == 0 ? "No kernel right is missing." : "What these are for becomes a gap.", missing.Length == 0 ? null : "Run it on the host itself, as root, outside any container or sandbox.");
        Add(checks, "pid-namespace", "Process view", host.InInitialPidNamespace ? ReadinessState.Ok : ReadinessState.Failure,
            host.InInitialPidNamespace ? "the host's own" : "another pid namespace",
            host.InInitialPidNamespace ? "All processes are seen." : "Processes of other containers, and their pids as the engine gives them, are not seen.",
            host.InInitialPidNamespace ? null : "Run it on the host itself, or in a container with --pid=host.");
    }

    private static void AddKernel(List<ReadinessCheck> checks, HostFacts host)
    {
        Add(checks, "kernel", "Kernel", ReadinessState.Ok, $"{host.KernelRelease} ({host.Architecture})", "The features below say what it can do.");
        AddFeature(checks, "open-tree", "open_tree", KernelProbe.WhyNoOpenTree(), "Files are read through a private mount that keeps access times.", "Access times of links and directories may change while reading.", "5.2");
        AddFeature(checks, "mount-setattr", "mount_setattr", KernelProbe.WhyNoMountSetattr(), "The private mount is made read-only without access times.", "Access times of links and directories may change while reading.", "5.12");
        AddFeature(checks, "pidfd-getfd", "pidfd_getfd", KernelProbe.WhyNoPidfdGetfd(), "Sockets in network namespaces without a process are found.", "Sockets in network namespaces without a process stay unseen.", "5.6");
        AddFeature(checks, "pagemap-scan", "PAGEMAP_SCAN", KernelProbe.WhyNoPagemapScan(), "Memory is copied without scanning empty ranges.", "Memory capture of very large maps is slower.", "6.7");
        AddFeature(checks, "sock-diag", "sock_diag", KernelProbe.WhyNoSockDiag(), "Sockets are listed with owner, timers and filters.", "Sockets come from /proc only, with less detail.", "3.3");
        bool hasCgroup = HostFile.TryStat("/sys/fs/cgroup/cgroup.controllers") is not null || HostFile.TryStat("/sys/fs/cgroup/freezer") is not null || HostFile.TryStat("/sys/fs/cgroup/unified") is not null;
        string version = HostFile.TryStat("/sys/fs/cgroup/cgroup.controllers") is not null ? "v2" : HostFile.TryStat("/sys/fs/cgroup/unified") is not null ? "v1 with v2 beside it" : "v1";
        Add(checks, "cgroup-mount", "Control group mounts", hasCgroup ? ReadinessState.Ok : ReadinessState.Warning, hasCgroup ? version : "none at /sys/fs/cgroup",
            hasCgroup ? "Accounting and the freezer are reachable." : "Resource use and freezing are not available.", hasCgroup ? null : "Mount /sys/fs/cgroup, or acquire without freezing.");
    }

    private static void AddFeature(List<ReadinessCheck> checks, string id, string title, string? whyNot, string meaning, string without, string since) =>
        Add(checks, id, title, whyNot is null ? ReadinessState.Ok : ReadinessState.Warning, whyNot ?? "there", whyNot is null ? meaning : without,
            whyNot is null ? null : $"It is in Linux since {since}; inside a container a seccomp filter may forbid it. The lesser way is taken by itself.");

    private static void AddSpace(List<ReadinessCheck> checks, string directory)
    {
        string? existing = Path.GetFullPath(directory);
        while (existing is not null && !Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing);
        }

        try
        {
            long free = new DriveInfo(existing ?? "/").AvailableFreeSpace;
            string seen = string.Create(CultureInfo.InvariantCulture, $"{free / (1024.0 * 1024 * 1024):0.0} GiB at {DisplayText.Escape(existing ?? "/")}");
            ReadinessState state = free < TooFewBytes ? ReadinessState.Failure : free < EnoughBytes ? ReadinessState.Warning : ReadinessState.Ok;
            Add(checks, "space", "Free space for bundles", state, seen, state == ReadinessState.Ok ? "Enough for a usual container." : "A large container, or its memory, may not fit.",
                state == ReadinessState.Ok ? null : "Give --out a larger disk, best not one of the suspect host.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            Add(checks, "space", "Free space for bundles", ReadinessState.Warning, failure.Message, "It is not known whether a bundle fits.", "Give --out a directory that can be written.");
        }
    }

    private static void AddClock(List<ReadinessCheck> checks, ClockFacts clock)
    {
        string seen = string.Create(CultureInfo.InvariantCulture, $"{clock.SyncState}, largest error {clock.MaxErrorUs / 1000.0:0.###} ms");
        bool isSynchronised = clock.IsSynchronised == true;
        Add(checks, "clock", "Clock", isSynchronised ? ReadinessState.Ok : ReadinessState.Warning, seen,
            isSynchronised ? "The kernel holds its clock to be right." : "Times in the bundle may be off by an unknown offset; it is recorded.",
            isSynchronised ? null : "Note the offset to a trusted clock in the case, or acquire with a time stamp authority. Do not set the suspect host's clock.");
    }

    private static void AddFirewall(List<ReadinessCheck> checks)
    {
        string? nft = FirewallPrograms.FirstOrDefault(path => HostFile.TryStat(path, followLast: true) is not null);
        Add(checks, "nft", "nftables", nft is null ? ReadinessState.Warning : ReadinessState.Ok, nft ?? "no nft program",
            nft is null ? "Isolation by firewall rules, and the listing of rules, are not available." : "Isolation by firewall rules is available.",
            nft is null ? "Install the package nftables, or isolate by disconnecting the container's networks." : null);
    }

    private static void AddLeftFrozen(List<ReadinessCheck> checks)
    {
        RepairedFreeze[] left = [.. Freezer.FindLeftovers().Where(one => one.Outcome is "frozen" or "failed")];
        Add(checks, "frozen", "Left frozen", left.Length == 0 ? ReadinessState.Ok : ReadinessState.Warning,
            left.Length == 0 ? "none" : string.Join("; ", left.Select(one => $"{(one.ContainerId.Length > 0 ? one.ContainerId : one.ControlPath)} ({one.Detail})")),
            left.Length == 0 ? "No container stands still because of an earlier run." : "An earlier run was killed, with its guard, while it held this container still.",
            left.Length == 0 ? null : "cir doctor --repair thaws it; so does the next cir acquire.");
    }

    private static List<string> MissingCapabilities()
    {
        try
        {
            string status = Encoding.ASCII.GetString(HostFile.ReadSmall("/proc/self/status", 64 * 1024));
            string line = status.Split('\n').FirstOrDefault(one => one.StartsWith("CapEff:", StringComparison.Ordinal)) ?? "";
            ulong bits = ulong.TryParse(line["CapEff:".Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong value) ? value : 0;
            return [.. Needed.Where(need => (bits >> need.Bit & 1) == 0).Select(need => $"{need.Name} ({need.For})")];
        }
        catch (HostFileException failure)
        {
            return [failure.Message];
        }
    }

    private static void Add(List<ReadinessCheck> checks, string id, string title, ReadinessState state, string seen, string meaning, string? remedy = null) =>
        checks.Add(new ReadinessCheck(id, title, state, seen, meaning, remedy));
}
