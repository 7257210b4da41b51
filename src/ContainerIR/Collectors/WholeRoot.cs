using System.Text;
using ContainerIR.Collectors.Mounts;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// The root of a container whose storage driver keeps no writable layer of its own (vfs, btrfs, zfs, devicemapper), or whose layers are not found: the whole
/// of it, lossless, from the driver's directory or through its mount. Where neither can be read, the engine's export, which loses much.
/// </summary>
internal sealed class WholeRoot(IContainerRuntime? runtime, Profile profile, TimeProvider clock, DiffLimits limits)
{
    public const string Name = "root";
    public const string ExportItem = "export.tar.zst";

    private const string Lost =
        "lossy: the engine's export has no deletions, user.* and trusted.* attributes, sockets, fractions of seconds, access, change and birth times, inode numbers, holes, nor what is mounted";

    public async Task CollectAsync(ContainerRef container, string whyNoLayers, IEvidenceSink sink, CancellationToken ct)
    {
        try
        {
            PrivateTree tree = Open(container, out string source, out MountPoints mounted);
            sink.AddGap("difference to the image", $"{whyNoLayers}; the whole root is copied in its place");
            await new TreeCopier(limits, profile != Profile.Triage, clock).CopyAsync(tree, Name, source, mounted, sink, ct);
        }
        catch (IOException failure) when (failure is not BundleWriteException)
        {
            await ExportAsync(container, $"{whyNoLayers}; {DisplayText.Escape(failure.Message)}", sink, ct);
        }
    }

    /// <exception cref="IOException">Neither the driver's directory nor the mount can be read.</exception>
    private static PrivateTree Open(ContainerRef container, out string source, out MountPoints mounted)
    {
        mounted = new([]);
        if (container.StorageData.TryGetValue("Dir", out string? directory))
        {
            source = DisplayText.Escape(directory);
            return PrivateTree.Open(Encoding.UTF8.GetBytes(directory));
        }

        if (!container.HasProcesses)
        {
            throw new IOException("the storage driver names no directory, and the container has no process whose root could be read");
        }

        using ProcEntry process = ProcEntry.Open(container.InitPid, out int errno) ?? throw new IOException($"process {container.InitPid}: {Libc.Describe(errno)}");
        using var space = MountNamespace.CopyOf(process);
        ProcMount root = space.Mounts.Root ?? throw new IOException("its mount table names no root");
        if (root.FileSystem != "overlay" && space.Mounts.MayBlock(root))
        {
            throw new IOException($"its root is of type {DisplayText.Escape(root.FileSystem)}, served by a process or another machine: a read could wait for ever");
        }

        mounted = new(space.Mounts.All.Select(mount => mount.MountPoint));
        source = $"root of process {container.InitPid}, {DisplayText.Escape(root.FileSystem)}";
        return space.Open(root);
    }

    private async Task ExportAsync(ContainerRef container, string why, IEvidenceSink sink, CancellationToken ct)
    {
        const string sought = "writable layer";
        if (runtime is not { IsLive: true } || profile == Profile.Triage)
        {
            sink.AddGap(sought, why);
            return;
        }

        string source = $"GET /containers/{container.Id}/export";
        try
        {
            await using Stream content = await runtime.OpenDocumentAsync(EngineDocument.ContainerExport, container.Id, ct);
            await sink.AddAsync(ExportItem, content, new ItemOptions(source, ItemForm.Frames), ct);
            sink.AddGap(sought, $"{why}. {ExportItem} is {Lost}");
            sink.AddEffect($"{source}: the engine adds an event \"export\" to its ring of 256 and reads every file: access times of files the engine's mount does not exempt may have moved.");
        }
        catch (Exception failure) when (failure is IOException or OperatorException && failure is not BundleWriteException)
        {
            sink.AddGap(sought, $"{why}; and the engine's export: {failure.Message}");
        }
    }
}
