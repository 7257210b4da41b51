using System.Globalization;
using System.Text;
using System.Text.Json;
using ContainerIR.Diffs;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Linux.Trees;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Mounts;

/// <summary>
/// Copies what mounts show, each tree once however often it is mounted: through a private copy of the namespace it was seen in, uncovered mounts first.
/// Beside the trees a row for each says which mount it is, where its source lies on the host, and what was not copied and why.
/// </summary>
internal sealed class MountCopies(TreeCopier copier, IEvidenceSink sink) : IDisposable
{
    public const string RowsItem = "trees.jsonl";

    private const int MaxTrees = 512;

    private readonly Dictionary<ulong, MountNamespace?> spaces = [];
    private readonly Dictionary<(uint, uint, string), string> copied = [];
    private readonly RowLines rows = new(sink.Create(RowsItem, new("mounts of the container")));
    private int number;

    /// <summary>Copies mounts seen in namespaces of the container.</summary>
    public async Task CopyAsync(IEnumerable<SeenMount> wanted, ExpectedMounts expected, CancellationToken ct)
    {
        foreach (SeenMount seen in wanted.OrderBy(seen => seen.IsCovered ? 1 : 0))
        {
            ct.ThrowIfCancellationRequested();
            ProcMount mount = seen.Mount;
            string shown = $"{mount.FileSystem} at {DisplayText.Escape(mount.MountPoint)}{(seen.IsCovered ? " (covered by another mount)" : "")}";
            (uint, uint, string) key = (mount.DeviceMajor, mount.DeviceMinor, Encoding.Latin1.GetString(mount.Root));
            if (copied.TryGetValue(key, out string? sameAs))
            {
                await WriteAsync(seen, expected, null, null, sameAs, ct);
                continue;
            }

            if (seen.MayBlock)
            {
                await LeaveAsync(seen, expected, shown, $"a file system of type {DisplayText.Escape(mount.FileSystem)} is served by a process or another machine: a read could wait for ever", ct);
                continue;
            }

            try
            {
                MountNamespace space = Enter(seen);
                ProcMount own = space.Mounts.All.FirstOrDefault(each => each.MountPoint.AsSpan().SequenceEqual(mount.MountPoint) && each.ShowsSameAs(mount))
                    ?? throw new IOException("it is no longer mounted");
                MountPoints below = new(space.Mounts.All.Where(each => IsBelow(each.MountPoint, own.MountPoint)).Select(each => each.MountPoint[own.MountPoint.Length..]));
                copied[key] = await CopyAsync(space.Open(own), seen, expected, shown, below, ct);
            }
            catch (IOException failure) when (failure is not Evidence.BundleWriteException)
            {
                await LeaveAsync(seen, expected, shown, DisplayText.Escape(failure.Message), ct);
            }
        }
    }

    /// <summary>Copies a directory or file of the host that a container without processes has configured.</summary>
    public async Task CopyAsync(Runtimes.ContainerMount configured, string hostPath, CancellationToken ct)
    {
        string shown = $"{configured.Type} at {DisplayText.Escape(configured.Destination)}, {DisplayText.Escape(hostPath)} on the host";
        try
        {
            await CopyAsync(PrivateTree.Open(Encoding.UTF8.GetBytes(hostPath)), null, null, shown, new MountPoints([]), ct, configured);
        }
        catch (IOException failure) when (failure is not Evidence.BundleWriteException)
        {
            sink.AddGap(shown, DisplayText.Escape(failure.Message));
        }
    }

    /// <summary>Records that a mount was not copied.</summary>
    public async Task LeaveAsync(SeenMount seen, ExpectedMounts expected, string shown, string reason, CancellationToken ct)
    {
        sink.AddGap(shown, reason);
        await WriteAsync(seen, expected, null, reason, null, ct);
    }

    public async Task CompleteAsync(CancellationToken ct)
    {
        await rows.CompleteAsync(null, ct);
        await rows.DisposeAsync();
    }

    public void Dispose()
    {
        foreach (MountNamespace? space in spaces.Values)
        {
            space?.Dispose();
        }
    }

    private static bool IsBelow(byte[] path, byte[] above) => path.Length > above.Length && path.AsSpan().StartsWith(above) && path[above.Length] == '/';

    private MountNamespace Enter(SeenMount seen)
    {
        if (!spaces.TryGetValue(seen.Namespace, out MountNamespace? space))
        {
            spaces[seen.Namespace] = null;
            using ProcEntry process = ProcEntry.Open(seen.Pid, out int errno) ?? throw new IOException($"process {seen.Pid}: {Libc.Describe(errno)}");
            if (process.Namespace("mnt") != seen.Namespace)
            {
                throw new IOException($"process {seen.Pid} left the mount namespace {seen.Namespace}");
            }

            spaces[seen.Namespace] = space = MountNamespace.CopyOf(process);
        }

        return space ?? throw new IOException($"mount namespace {seen.Namespace} could not be entered");
    }

    private async Task<string> CopyAsync(
        PrivateTree tree, SeenMount? seen, ExpectedMounts? expected, string shown, MountPoints below, CancellationToken ct, Runtimes.ContainerMount? configured = null)
    {
        using (tree)
        {
            if (++number > MaxTrees)
            {
                throw new IOException($"more than {MaxTrees} trees");
            }

            string name = number.ToString("D4", CultureInfo.InvariantCulture);
            StatX stat = default;
            if (!Nodes.Stat(tree.Descriptor, ref stat))
            {
                throw new IOException("cannot be examined");
            }

            if (Nodes.IsDirectory(stat))
            {
                TreeCopy copy = await copier.CopyAsync(tree, name, shown, below, sink, ct);
                await WriteAsync(seen, expected, copy, null, null, ct, configured);
                return name;
            }

            if (!Nodes.IsRegular(stat))
            {
                // A masked path has /dev/null over it: nothing is missing when that is not copied.
                await WriteAsync(seen, expected, null, "neither a directory nor a file is mounted there", null, ct, configured);
                return name;
            }

            Descriptor file = Descriptor.Own(Nodes.Reopen(tree.Descriptor, tree.ReadFlags), out int errno) ?? throw new IOException(Libc.Describe(errno));
            await using DescriptorStream content = new(file, (long)stat.stx_size);
            await sink.AddAsync(name + ".file.zst", content, new ItemOptions(shown, ItemForm.Frames), ct);
            await WriteAsync(seen, expected, new(name, new DiffSummary { FoundBy = "file", Upper = shown, Lowers = [], IsPrivate = tree.IsPrivate, HasContent = true, StartedAt = default, EndedAt = default, Entries = 1, ContentBytes = (long)stat.stx_size }), null, null, ct, configured);
            return name;
        }
    }

    private async Task WriteAsync(
        SeenMount? seen, ExpectedMounts? expected, TreeCopy? copy, string? whyNot, string? sameAs, CancellationToken ct, Runtimes.ContainerMount? configured = null)
    {
        configured ??= seen is null ? null : expected?.ConfiguredAt(seen.Mount.MountPoint);
        await rows.WriteAsync(
            json =>
            {
                if (seen is not null)
                {
                    json.WriteString("origin", MountsCollector.WordOf(seen.Origin));
                    json.WriteNumber("mnt_namespace", seen.Namespace);
                    json.WriteNumber("mount_id", seen.Mount.Id);
                    json.WriteString("device", string.Create(CultureInfo.InvariantCulture, $"{seen.Mount.DeviceMajor}:{seen.Mount.DeviceMinor}"));
                    json.WriteString("type", DisplayText.Escape(seen.Mount.FileSystem));
                    ByteJson.Write(json, "mount_point", seen.Mount.MountPoint);
                    ByteJson.Write(json, "root", seen.Mount.Root);
                    json.WriteBoolean("covered", seen.IsCovered);
                    json.WriteBoolean("of_host", seen.IsOfHost);
                }

                if (configured is not null)
                {
                    ByteJson.Write(json, "configured_type", Encoding.UTF8.GetBytes(configured.Type));
                    ByteJson.Write(json, "host_path", Encoding.UTF8.GetBytes(configured.Source));
                    ByteJson.Write(json, "destination", Encoding.UTF8.GetBytes(configured.Destination));
                    json.WriteBoolean("writable", configured.Writable);
                }

                Write(json, copy, whyNot, sameAs);
            },
            ct);
    }

    private static void Write(Utf8JsonWriter json, TreeCopy? copy, string? whyNot, string? sameAs)
    {
        if (copy is not null)
        {
            json.WriteString(copy.Summary.FoundBy == "file" ? "file" : "tree", copy.Name);
            json.WriteNumber("entries", copy.Summary.Entries);
            json.WriteNumber("content_bytes", copy.Summary.ContentBytes);
            json.WriteBoolean("private_mount", copy.Summary.IsPrivate);
        }

        if (sameAs is not null)
        {
            json.WriteString("same_tree_as", sameAs);
        }

        if (whyNot is not null)
        {
            json.WriteString("not_copied", whyNot);
        }
    }
}
