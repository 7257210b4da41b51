using ContainerIR.Collectors.Mounts;
using ContainerIR.Evidence.Items;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// What lives only in memory: every tmpfs of every mount namespace of the container, /dev and /dev/shm among them, those covered by other mounts too. The
/// engine's own interface gives them back empty.
/// </summary>
internal sealed class TmpfsCollector(CollectionContext context) : ICollector
{
    public string Name => "tmpfs";

    public Volatility Volatility => Volatility.TemporaryFileSystem;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        if (MountScan.Read(container, EngineProcess.Find(context.Runtime.Endpoint)?.PathPrefix() ?? "", sink, "tmpfs", ct) is not { } scan)
        {
            return;
        }

        TreeCopier copier = new(new() { MaxContentBytes = TreeCopier.MaxTreeBytes }, context.Profile != Profile.Triage, context.Clock);
        using MountCopies copies = new(copier, sink);
        await copies.CopyAsync(scan.Mounts.Where(IsWanted), scan.Expected, ct);
        foreach (SeenMount shared in scan.Mounts.Where(seen => IsMemory(seen) && seen.IsOfHost && seen.Origin == MountOrigin.Engine))
        {
            await copies.LeaveAsync(shared, scan.Expected, $"tmpfs at {Evidence.Text.DisplayText.Escape(shared.Mount.MountPoint)}", "it is the host's own, shared with the container: other processes' data is in it", ct);
        }

        await copies.CompleteAsync(ct);
    }

    // A tmpfs the host has mounted too is the host's; where it was configured (a bind mount of /run) the volumes collector decides.
    private static bool IsWanted(SeenMount seen) => IsMemory(seen) && !seen.IsOfHost;

    private static bool IsMemory(SeenMount seen) => seen.Mount.FileSystem is "tmpfs" or "ramfs";
}
