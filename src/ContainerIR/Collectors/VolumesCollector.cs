using ContainerIR.Collectors.Mounts;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// Volumes and bind mounts, each a tree of its own, and file systems somebody mounted inside that the host does not have. Directories of the host system
/// itself are left out unless they are named: the host's disk is not the container's evidence.
/// </summary>
internal sealed class VolumesCollector(CollectionContext context) : ICollector
{
    public const string CollectorName = "volumes";

    public string Name => CollectorName;

    public Volatility Volatility => Volatility.Disk;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        foreach (string missing in context.Mounts.Where(named => !container.Mounts.Any(mount => Same(mount.Destination, named))))
        {
            sink.AddGap($"mount {DisplayText.Shorten(missing, 200)}", "the container has no volume or bind mount there: cir containers --json and the mounts collector name them all");
        }

        TreeCopier copier = new(new() { MaxContentBytes = TreeCopier.MaxTreeBytes }, hasContent: true, context.Clock);
        using MountCopies copies = new(copier, sink);
        // A container that ended meanwhile has its volumes still: only what was mounted inside is gone with it.
        if (!container.HasProcesses || !await CopyMountedAsync(container, copies, sink, ct))
        {
            await CopyConfiguredAsync(container, copies, sink, ct);
        }

        await copies.CompleteAsync(ct);
    }

    /// <returns>Whether there was a process whose mounts could be read; else a gap says why not.</returns>
    private async Task<bool> CopyMountedAsync(ContainerRef container, MountCopies copies, IEvidenceSink sink, CancellationToken ct)
    {
        EngineProcess? engine = EngineProcess.Find(context.Runtime.Endpoint);
        if (MountScan.Read(container, engine?.PathPrefix() ?? "", sink, "volumes", ct) is not { } scan)
        {
            return false;
        }

        string? engineRoot = await EngineRootAsync();
        ProcMount? root = scan.Mounts.Select(seen => seen.Mount).FirstOrDefault(mount => mount.MountPoint is [(byte)'/']);
        List<SeenMount> wanted = [];
        foreach (SeenMount seen in scan.Mounts)
        {
            ContainerMount? configured = seen.Origin == MountOrigin.Configured ? scan.Expected.ConfiguredAt(seen.Mount.MountPoint) : null;
            string shown = $"{seen.Mount.FileSystem} at {DisplayText.Escape(seen.Mount.MountPoint)}";
            if (configured is { Type: not "tmpfs" } && IsNamed(configured))
            {
                if (WhyNot(configured, engineRoot) is { } reason)
                {
                    await copies.LeaveAsync(seen, scan.Expected, shown, reason, ct);
                }
                else
                {
                    wanted.Add(seen);
                }
            }
            else if (seen.Origin == MountOrigin.NotConfigured && context.Mounts.Count == 0 && IsStorage(seen) && !IsOf(root, seen.Mount))
            {
                // What somebody mounted inside: a file system of its own is theirs, one the host has too is the host's disk.
                if (seen.IsOfHost)
                {
                    await copies.LeaveAsync(seen, scan.Expected, shown, "nobody configured this mount, and the host has its file system mounted too: the host's disk is not copied", ct);
                }
                else
                {
                    wanted.Add(seen);
                }
            }
        }

        await copies.CopyAsync(wanted, scan.Expected, ct);
        return true;
    }

    // A piece of the container's own root bound elsewhere: its bytes are with the writable layer and the image.
    private static bool IsOf(ProcMount? root, ProcMount mount) =>
        root is not null && root.FileSystem == mount.FileSystem && (root.DeviceMajor, root.DeviceMinor) == (mount.DeviceMajor, mount.DeviceMinor);

    private async Task CopyConfiguredAsync(ContainerRef container, MountCopies copies, IEvidenceSink sink, CancellationToken ct)
    {
        string? engineRoot = await EngineRootAsync();
        string prefix = EngineProcess.Find(context.Runtime.Endpoint)?.PathPrefix() ?? "";
        foreach (ContainerMount mount in container.Mounts.Where(IsNamed))
        {
            string shown = $"{DisplayText.Escape(mount.Type)} at {DisplayText.Escape(mount.Destination)}";
            if (mount.Source.Length == 0)
            {
                sink.AddGap(shown, mount.Type == "tmpfs" ? "the container has no process: what was in memory is gone" : "where it lies on the host is not known, or not on the given disk");
            }
            else if (WhyNot(mount, engineRoot) is { } reason)
            {
                sink.AddGap(shown, reason);
            }
            else
            {
                await copies.CopyAsync(mount, prefix + mount.Source, ct);
            }
        }
    }

    private bool IsNamed(ContainerMount mount) => context.Mounts.Count == 0 || context.Mounts.Any(named => Same(mount.Destination, named));

    private string? WhyNot(ContainerMount mount, string? engineRoot) =>
        context.Mounts.Count == 0 && mount.Type != "volume" && RiskMarks.IsHostSystem(mount.Source, engineRoot)
            ? $"{DisplayText.Escape(mount.Source)} is a directory of the host system itself: the host's disk is not copied unless it is named (--mount {DisplayText.Escape(mount.Destination)})"
            : null;

    private static bool IsStorage(SeenMount seen) => seen.Mount.FileSystem is not (
        "tmpfs" or "ramfs" or "proc" or "sysfs" or "cgroup" or "cgroup2" or "devpts" or "mqueue" or "devtmpfs" or "nsfs" or "bpf" or "debugfs" or "tracefs" or "securityfs"
        or "configfs" or "pstore" or "efivarfs" or "hugetlbfs" or "binfmt_misc" or "fusectl" or "autofs");

    private static bool Same(string destination, string named) => destination.TrimEnd('/') == named.TrimEnd('/');

    private async Task<string?> EngineRootAsync()
    {
        try
        {
            return (await context.Runtime.ReadFactsAsync(CancellationToken.None)).RootDirectory;
        }
        catch (Exception failure) when (failure is IOException or Evidence.OperatorException)
        {
            return null;
        }
    }
}
