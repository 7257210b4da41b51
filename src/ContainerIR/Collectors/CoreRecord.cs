using System.Globalization;
using System.Text.Json;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors;

/// <summary>What a row of <c>cores.jsonl</c> says of one process. Small: the mappings themselves are rows of their own item.</summary>
internal sealed class CoreRecord
{
    private const int MaxThreadsListed = 256;

    public required int Pid { get; init; }

    public required ulong StartTicks { get; init; }

    public int InnerPid { get; set; }

    public byte[] Comm { get; set; } = [];

    public IReadOnlyList<string> Signs { get; set; } = [];

    /// <summary>Name of the core in its section, as in the rows of processes; null when there is none.</summary>
    public string? Item { get; set; }

    /// <summary>SHA-256 of the core before compression.</summary>
    public string? Sha256 { get; set; }

    /// <summary>Why there is no core, or why it is not whole; null when it is.</summary>
    public string? Problem { get; set; }

    /// <summary>Whether it stood still while it was copied.</summary>
    public bool WasFrozen { get; set; }

    public DateTimeOffset StartedAt { get; set; }

    public DateTimeOffset EndedAt { get; set; }

    public IReadOnlyList<CoreThread> Threads { get; set; } = [];

    public int MappingCount { get; set; }

    public long SegmentCount { get; set; }

    public ulong VirtualBytes { get; set; }

    public ulong CopiedBytes { get; set; }

    public ulong FileBytes { get; set; }

    public ulong MergedHoleBytes { get; set; }

    public ulong UnreadableBytes { get; set; }

    public IReadOnlyList<PageRun> Unreadable { get; set; } = [];

    public int FilesLeftOutOfNote { get; set; }

    /// <summary>Files whose unchanged pages are not in the core, with how many bytes that were.</summary>
    public IReadOnlyList<(int File, ulong Bytes)> SkippedFiles { get; set; } = [];

    /// <summary>Writes the row.</summary>
    public void Write(Utf8JsonWriter json, SkippedFiles files)
    {
        json.WriteNumber("pid", Pid);
        json.WriteNumber("inner_pid", InnerPid);
        json.WriteNumber("start_ticks", StartTicks);
        ByteJson.Write(json, "comm", Comm);
        json.WriteString("core", Item);
        json.WriteString("core_raw_sha256", Sha256);
        json.WriteString("problem", Problem);
        json.WriteBoolean("frozen", WasFrozen);
        json.WriteString("started_at", StartedAt.ToString("O", CultureInfo.InvariantCulture));
        json.WriteString("ended_at", EndedAt.ToString("O", CultureInfo.InvariantCulture));
        json.WriteStartArray("signs");
        foreach (string sign in Signs)
        {
            json.WriteStringValue(sign);
        }

        json.WriteEndArray();
        json.WriteNumber("mappings", MappingCount);
        json.WriteNumber("segments", SegmentCount);
        json.WriteNumber("virtual_bytes", VirtualBytes);
        json.WriteNumber("copied_bytes", CopiedBytes);
        json.WriteNumber("skipped_file_bytes", FileBytes);
        json.WriteNumber("hole_bytes", VirtualBytes - Math.Min(VirtualBytes, CopiedBytes + FileBytes));
        json.WriteNumber("zero_filled_hole_bytes", MergedHoleBytes);
        json.WriteNumber("unreadable_bytes", UnreadableBytes);
        json.WriteNumber("files_left_out_of_note", FilesLeftOutOfNote);
        WriteUnreadable(json);
        WriteThreads(json);
        json.WriteStartArray("skipped_files");
        foreach ((int file, ulong bytes) in SkippedFiles)
        {
            json.WriteStartObject();
            files.Write(json, file);
            json.WriteNumber("skipped_bytes", bytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Writes the row of one mapping.</summary>
    public static void WriteMapping(Utf8JsonWriter json, int pid, string core, CorePlan plan, int index)
    {
        MemoryMapping mapping = plan.Map.Mappings[index];
        MappingPlan treated = plan.Plans[index];
        ulong copied = 0;
        for (int i = treated.FirstRun; i < treated.FirstRun + treated.RunCount; i++)
        {
            copied += plan.Runs[i].Length;
        }

        json.WriteNumber("pid", pid);
        json.WriteString("core", core);
        json.WriteString("start", Hex(mapping.Start));
        json.WriteString("end", Hex(mapping.End));
        json.WriteString("permissions", mapping.Permissions);
        json.WriteNumber("offset", mapping.Offset);
        json.WriteString("device", string.Create(CultureInfo.InvariantCulture, $"{mapping.DeviceMajor:x2}:{mapping.DeviceMinor:x2}"));
        json.WriteNumber("inode", mapping.Inode);
        ByteJson.Write(json, "path", mapping.Path);
        json.WriteString("treatment", Word(treated.Treatment));
        json.WriteNumber("runs", treated.RunCount);
        json.WriteNumber("copied_bytes", copied);
        json.WriteNumber("skipped_file_bytes", treated.FileBytes);
        json.WriteNumber("hole_bytes", mapping.Length - Math.Min(mapping.Length, copied + treated.FileBytes));
        json.WriteString("problem", treated.Errno == 0 ? null : Libc.Describe(treated.Errno));
    }

    public static string Hex(ulong address) => string.Create(CultureInfo.InvariantCulture, $"0x{address:x}");

    private void WriteUnreadable(Utf8JsonWriter json)
    {
        json.WriteStartArray("unreadable");
        foreach (PageRun range in Unreadable)
        {
            json.WriteStartObject();
            json.WriteString("start", Hex(range.Start));
            json.WriteString("end", Hex(range.End));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteThreads(Utf8JsonWriter json)
    {
        json.WriteStartObject("registers");
        json.WriteNumber("ptrace", Threads.Count(static t => t.Source == RegisterSource.Ptrace));
        json.WriteNumber("syscall_file", Threads.Count(static t => t.Source == RegisterSource.SyscallFile));
        json.WriteNumber("none", Threads.Count(static t => t.Source == RegisterSource.None));
        json.WriteEndObject();
        json.WriteStartArray("threads");
        foreach (CoreThread thread in Threads.Take(MaxThreadsListed))
        {
            json.WriteStartObject();
            json.WriteNumber("tid", thread.Tid);
            json.WriteNumber("inner_tid", thread.InnerTid);
            json.WriteString("state", thread.State.ToString());
            json.WriteString("registers", thread.Source switch { RegisterSource.Ptrace => "ptrace", RegisterSource.SyscallFile => "syscall-file", _ => "none" });
            json.WriteString("problem", thread.Problem);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string Word(MappingTreatment treatment) => treatment switch
    {
        MappingTreatment.Memory => "memory",
        MappingTreatment.FileContent => "file-content",
        MappingTreatment.ChangedPages => "changed-pages",
        MappingTreatment.Device => "device",
        MappingTreatment.MayBlock => "may-block",
        MappingTreatment.Secret => "secret",
        MappingTreatment.UnknownFile => "unknown-file",
        _ => "kernel",
    };
}
