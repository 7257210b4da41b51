using System.Globalization;
using System.Text.Json;
using ContainerIR.Collectors.Processes;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// Copies every process of the container: one line each, the kernel's files raw, executables and files without a name by their bytes.
/// </summary>
/// <remarks>Source: /proc/PID of the host (proc(5)); nothing inside runs, and no file of the container is opened before all processes were read.</remarks>
internal sealed class ProcessesCollector(Profile profile, ReadWorkerLaunch worker) : ICollector
{
    private const int RawPieceBytes = 768 * 1024;

    // Targets of descriptors from this on stand raw too: the line of a process may have no room for them.
    private const int FirstRawDescriptor = 256;
    private static readonly TimeSpan ProcessDeadline = TimeSpan.FromSeconds(10);

    public string Name => "processes";

    public Volatility Volatility => Volatility.ProcessTable;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        BootClock clock = BootClock.Take();
        if (ContainerScope.Find(container, sink, "processes", clock, ct) is not { } membership)
        {
            return;
        }

        MountTables tables = new(membership.Init);
        using OverlayLayers layers = OverlayLayers.Open(tables.InitRoot);
        using FileContents contents = new(layers, worker);
        using FileShelf shelf = new(contents, sink, Limits());
        using DeadlineThread reader = new();
        await using (RowLines lines = new(sink.Create("processes.jsonl.zst", new ItemOptions("/proc/PID", ItemForm.Frames))))
        await using (RowLines raw = new(sink.Create("raw.jsonl.zst", new ItemOptions("/proc/PID/*", ItemForm.Frames))))
        {
            ProcessLine line = new(clock);
            foreach (Member member in membership.Members)
            {
                ct.ThrowIfCancellationRequested();
                await CopyAsync(member, line, lines, raw, tables, shelf, reader, sink, ct);
            }

            await tables.WriteAsync(raw, ct);
            await raw.CompleteAsync(null, ct);
            await lines.CompleteAsync(null, ct);
        }

        await sink.AddAsync("membership.json", MembershipDocument.Write(membership), new ItemOptions("/proc/*/{stat,cgroup,ns,root}"), ct);
        await shelf.CopyAsync(ct);
        if (contents.ReadInView > 0)
        {
            sink.AddEffect(
                $"{contents.ReadInView} reads of files by the container's own inodes (files without a name or on volumes have no other): access times kept (O_NOATIME), but an inotify watch on them inside would have seen an open");
        }
    }

    private FileLimits Limits() => profile == Profile.Full ? new FileLimits(16L << 30, 64L << 30) : new FileLimits(1L << 30, 4L << 30);

    private async Task CopyAsync(
        Member member, ProcessLine line, RowLines lines, RowLines raw, MountTables tables, FileShelf shelf, DeadlineThread reader, IEvidenceSink sink, CancellationToken ct)
    {
        int pid = member.Facts.Pid;
        if (!reader.TryRun(() => ProcessSnapshot.Read(pid, member.Facts.StartTicks, tables.Of), ProcessDeadline, out ProcessSnapshot? snapshot))
        {
            sink.AddGap($"process {pid}", $"a read of /proc/{pid} did not answer in {ProcessDeadline.TotalSeconds:0} s and was given up");
            await lines.WriteAsync(json => line.WriteVanished(json, member, "a read blocked and was given up"), ct);
            return;
        }

        if (snapshot is null)
        {
            await lines.WriteAsync(json => line.WriteVanished(json, member, "ended before it could be read"), ct);
            return;
        }

        using (snapshot)
        {
            foreach ((string what, int errno) in snapshot.Failures)
            {
                sink.AddGap($"/proc/{pid}/{what}", Libc.Describe(errno));
            }

            ProcMounts mounts = tables.Of(snapshot.Living);
            Dictionary<string, string> items = [];
            KeepDeleted(snapshot, mounts, tables, shelf, items);
            ExecutableFacts? executable = await ReadExecutableAsync(snapshot, mounts, shelf, ct);
            List<string> signs = ProcessSigns.Of(snapshot, executable);
            await lines.WriteAsync(json => line.Write(json, member, snapshot, executable, signs, items), ct);
            foreach ((string name, Bytes content) in snapshot.Raw)
            {
                await WriteRawAsync(raw, pid, member.Facts.StartTicks, name, content, ct);
            }

            foreach (ProcDescriptor descriptor in snapshot.Descriptors)
            {
                string number = descriptor.Number.ToString(CultureInfo.InvariantCulture);
                await WriteRawAsync(raw, pid, member.Facts.StartTicks, "fdinfo/" + number, descriptor.Info, ct);
                if (descriptor.Number >= FirstRawDescriptor)
                {
                    await WriteRawAsync(raw, pid, member.Facts.StartTicks, "fd/" + number, new Bytes(descriptor.Target, false, 0), ct);
                }
            }
        }
    }

    private async Task<ExecutableFacts?> ReadExecutableAsync(ProcessSnapshot snapshot, ProcMounts mounts, FileShelf shelf, CancellationToken ct)
    {
        if (snapshot.Executable is not { } file)
        {
            return null;
        }

        ExecutableState state = ExecutableState.Of(file, snapshot.Living, mounts);
        using FileProbe? other = state.Other;
        FileDigest digest = await shelf.DigestAsync(file, ct);
        FileDigest? otherDigest = other is { IsRegular: true } ? await shelf.DigestAsync(other, ct) : null;
        string? item = null;
        if (profile >= Profile.Standard && FileProbe.Open(snapshot.Living, snapshot.LivingFolder, "exe", mounts, out _) is { } kept)
        {
            item = shelf.Keep(kept, "exe", state.IsDeleted || state.IsMemory || state.PathNow == PathNow.Other ? 0 : 2);
        }

        return new ExecutableFacts(file, state, digest, otherDigest, item);
    }

    // Files no name leads to: through the descriptor, or, when only a mapping is left, through map_files.
    private void KeepDeleted(ProcessSnapshot snapshot, ProcMounts mounts, MountTables tables, FileShelf shelf, Dictionary<string, string> items)
    {
        if (profile < Profile.Standard)
        {
            return;
        }

        HashSet<ulong> inodes = [];
        foreach (ProcDescriptor descriptor in snapshot.Descriptors.Where(d => d.IsDeletedFile))
        {
            string link = "fd/" + descriptor.Number.ToString(CultureInfo.InvariantCulture);
            inodes.Add(descriptor.Stat!.Value.stx_ino);
            Keep(link);
        }

        // Nor does one lead to a file in memory whose mount was taken off while it was open (umount -l, fsmount without a place).
        foreach (ProcDescriptor descriptor in snapshot.Descriptors.Where(d => d is { IsRegularFile: true, IsDeletedFile: false } && mounts.Find(d.MountId) is null && !tables.IsListed(d.Stat!.Value)))
        {
            Keep("fd/" + descriptor.Number.ToString(CultureInfo.InvariantCulture), onlyInMemory: true);
        }

        foreach (ProcMapping mapping in snapshot.Maps.Deleted)
        {
            // Shared anonymous memory is memory, not a file: it comes with the memory of the process.
            bool isSharedMemory = mapping.Path.AsSpan().StartsWith("/dev/zero"u8) || mapping.Path.AsSpan().StartsWith("/SYSV"u8);
            if (!inodes.Contains(mapping.Inode) && (!isSharedMemory || mapping.IsExecutable) && mapping.Inode != snapshot.Executable?.Stat.stx_ino)
            {
                Keep("map_files/" + mapping.FileName);
            }
        }

        void Keep(string link, bool onlyInMemory = false)
        {
            if (FileProbe.Open(snapshot.Living, LinkFolder(link), link, mounts, out _) is not { } file)
            {
                return;
            }

            if (onlyInMemory && !file.IsOnMemoryFileSystem)
            {
                file.Dispose();
            }
            else if (shelf.Keep(file, "deleted", 1) is { } item)
            {
                items[link] = item;
            }
        }

        // map_files stands only below the process, not below its threads.
        string LinkFolder(string link) => link.StartsWith("map_files", StringComparison.Ordinal) ? $"/proc/{snapshot.Entry.Pid}" : snapshot.LivingFolder;
    }

    private static async ValueTask WriteRawAsync(RowLines raw, int pid, ulong startTicks, string name, Bytes content, CancellationToken ct)
    {
        for (int at = 0; at == 0 || at < content.Content.Length; at += RawPieceBytes)
        {
            int length = Math.Min(RawPieceBytes, content.Content.Length - at);
            await raw.WriteAsync(
                json =>
                {
                    json.WriteNumber("pid", pid);
                    json.WriteNumber("start_ticks", startTicks);
                    WriteRaw(json, name, content, at, length);
                },
                ct);
        }
    }

    internal static void WriteRaw(Utf8JsonWriter json, string name, Bytes content, int at, int length)
    {
        json.WriteString("file", name);
        if (at > 0)
        {
            json.WriteNumber("offset", at);
        }

        json.WriteBase64String("b64", content.Content.AsSpan(at, length));
        if (content.IsCut && at + length == content.Content.Length)
        {
            json.WriteBoolean("cut", true);
        }

        if (content.Errno != 0)
        {
            json.WriteString("error", Libc.Describe(content.Errno));
        }
    }
}
