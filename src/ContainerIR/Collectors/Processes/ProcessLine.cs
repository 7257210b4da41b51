using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Processes;

/// <summary>The executable of a process as the line shows it.</summary>
internal sealed record ExecutableFacts(FileProbe File, ExecutableState State, FileDigest Digest, FileDigest? OtherDigest, string? Item);

/// <summary>Writes the line of one process; <see cref="ProcessRow"/> reads it.</summary>
internal sealed class ProcessLine(BootClock clock)
{
    private const int CommandLineShown = 32 * 1024;
    private const int EnvironmentShown = 64 * 1024;

    // Readers take lines of 8 MiB: lists end before, and say so. What they would have shown stands in raw.jsonl.zst.
    private const int LineBudget = 4 * 1024 * 1024;

    /// <summary>The line of a process that was gone before anything could be read.</summary>
    public void WriteVanished(Utf8JsonWriter json, Member member, string reason)
    {
        WriteHead(json, member);
        json.WriteString("vanished", reason);
    }

    /// <summary>The line of a process.</summary>
    public void Write(Utf8JsonWriter json, Member member, ProcessSnapshot process, ExecutableFacts? executable, IReadOnlyList<string> signs, IReadOnlyDictionary<string, string> items)
    {
        WriteHead(json, member);
        if (process.Vanished is not null)
        {
            json.WriteString("vanished", process.Vanished);
        }

        WriteList(json, "signs", [.. member.Signs, .. signs]);
        if (process.Stat is { } stat)
        {
            WriteStat(json, stat, process);
        }

        WriteCommandLine(json, process.CommandLine);
        WriteEnvironment(json, process.Environment);
        WriteExecutable(json, process, executable);
        ByteJson.Write(json, "cwd", process.WorkingDirectory.Content);
        if (process.WorkingDirectoryMount != 0)
        {
            json.WriteNumber("cwd_mnt_id", process.WorkingDirectoryMount);
        }

        ByteJson.Write(json, "root", process.Root.Content);
        WriteStatus(json, process.Status);
        WriteMaps(json, process.Maps, items);
        WriteDescriptors(json, process, items);
        WriteThreads(json, process);
        if (process.Failures.Count > 0)
        {
            WriteList(json, "not_read", [.. process.Failures.Select(f => $"{f.What}: {Libc.Describe(f.Errno)}")]);
        }
    }

    private void WriteHead(Utf8JsonWriter json, Member member)
    {
        ProcessFacts facts = member.Facts;
        json.WriteNumber("pid", facts.Pid);
        json.WriteNumber("ppid", facts.ParentPid);
        json.WriteNumber("start_ticks", facts.StartTicks);
        if (clock.At(facts.StartTicks) is { } started)
        {
            json.WriteString("started_at", started);
        }

        json.WriteStartArray("member_by");
        foreach (MemberReason reason in member.Reasons)
        {
            json.WriteStartObject();
            json.WriteString("why", reason.Why);
            json.WriteString("detail", reason.Detail);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("namespaces");
        for (int i = 0; i < NamespaceSet.Kinds.Count; i++)
        {
            json.WriteNumber(NamespaceSet.Kinds[i], facts.Namespaces[i]);
        }

        json.WriteEndObject();
        json.WriteStartArray("cgroups");
        foreach ((string hierarchy, byte[] path) in facts.Cgroups.Lines)
        {
            json.WriteStartObject();
            json.WriteString("hierarchy", hierarchy);
            ByteJson.Write(json, "path", path);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteStat(Utf8JsonWriter json, ProcStat stat, ProcessSnapshot process)
    {
        ByteJson.Write(json, "comm", stat.Comm);
        json.WriteString("state", stat.State.ToString());
        json.WriteNumber("pgrp", stat.ProcessGroup);
        json.WriteNumber("session", stat.Session);
        json.WriteNumber("tty", stat.Terminal);
        json.WriteNumber("flags", stat.Flags);
        json.WriteNumber("user_ticks", stat.UserTicks);
        json.WriteNumber("system_ticks", stat.SystemTicks);
        json.WriteNumber("threads", process.ThreadCount);
        if (process.LivingThread != 0)
        {
            json.WriteNumber("read_through_thread", process.LivingThread);
        }
    }

    private static void WriteCommandLine(Utf8JsonWriter json, Bytes line)
    {
        ReadOnlySpan<byte> shown = line.Content.AsSpan(0, Math.Min(line.Content.Length, CommandLineShown));
        json.WriteStartArray("cmdline");
        foreach (Range range in (shown is [.., 0] ? shown[..^1] : shown).Split((byte)0))
        {
            if (line.Content.Length > 0)
            {
                json.WriteStringValue(DisplayText.Escape(shown[range]));
            }
        }

        json.WriteEndArray();
        if (shown.ContainsAnyExceptInRange((byte)0x20, (byte)0x7e))
        {
            json.WriteBase64String("cmdline_b64", shown);
        }

        WriteExtent(json, "cmdline", line, shown.Length);
    }

    private static void WriteEnvironment(Utf8JsonWriter json, Bytes environment)
    {
        ReadOnlySpan<byte> shown = environment.Content.AsSpan(0, Math.Min(environment.Content.Length, EnvironmentShown));
        json.WriteStartArray("environ");
        foreach (Range range in shown.Split((byte)0))
        {
            if (!shown[range].IsEmpty)
            {
                json.WriteStringValue(DisplayText.Escape(shown[range]));
            }
        }

        json.WriteEndArray();
        WriteExtent(json, "environ", environment, shown.Length);
    }

    private static void WriteExtent(Utf8JsonWriter json, string name, Bytes bytes, int shown)
    {
        json.WriteNumber(name + "_bytes", bytes.Content.Length);
        if (bytes.IsCut || shown < bytes.Content.Length)
        {
            json.WriteBoolean(name + "_cut", true);
        }
    }

    private static void WriteExecutable(Utf8JsonWriter json, ProcessSnapshot process, ExecutableFacts? executable)
    {
        json.WriteStartObject("exe");
        if (executable is null)
        {
            if (process.ExecutableErrno != 0)
            {
                json.WriteString("problem", Libc.Describe(process.ExecutableErrno));
            }
        }
        else
        {
            (FileProbe file, ExecutableState state, FileDigest digest, FileDigest? other, string? item) = executable;
            ByteJson.Write(json, "link", file.Link);
            json.WriteBoolean("deleted", state.IsDeleted);
            json.WriteBoolean("memory", state.IsMemory);
            json.WriteBoolean("decoy", state.HasDecoy);
            json.WriteString("path_now", state.PathNow.ToString().ToLowerInvariant());
            WriteOptional(json, "path_now_sha256", other?.Sha256);
            WriteOptional(json, "sha256", digest.Sha256);
            WriteOptional(json, "problem", digest.Problem);
            WriteOptional(json, "item", item);
            WriteStatX(json, file.Stat);
            json.WriteBoolean("may_block", file.MayBlock);
        }

        json.WriteEndObject();
    }

    private static void WriteStatX(Utf8JsonWriter json, in StatX stat)
    {
        json.WriteNumber("size", stat.stx_size);
        json.WriteString("mode", Convert.ToString(stat.stx_mode, 8));
        json.WriteNumber("uid", stat.stx_uid);
        json.WriteNumber("gid", stat.stx_gid);
        json.WriteNumber("nlink", stat.stx_nlink);
        json.WriteString("dev", string.Create(CultureInfo.InvariantCulture, $"{stat.stx_dev_major}:{stat.stx_dev_minor}"));
        json.WriteNumber("ino", stat.stx_ino);
        WriteTime(json, "mtime", stat.stx_mtime);
        WriteTime(json, "ctime", stat.stx_ctime);
        if ((stat.stx_mask & StatX.STATX_BTIME) != 0)
        {
            WriteTime(json, "btime", stat.stx_btime);
        }
    }

    // Seconds and nanoseconds as the kernel holds them: a forged time can lie outside every calendar.
    private static void WriteTime(Utf8JsonWriter json, string name, StatXTime time) =>
        json.WriteString(name, string.Create(CultureInfo.InvariantCulture, $"{time.tv_sec}.{time.tv_nsec:000000000}"));

    private static void WriteStatus(Utf8JsonWriter json, ProcStatus status)
    {
        WriteNumbers(json, "nspid", status.Numbers("NSpid"));
        WriteNumbers(json, "uids", status.Numbers("Uid"));
        WriteNumbers(json, "gids", status.Numbers("Gid"));
        WriteNumbers(json, "groups", status.Numbers("Groups"));
        json.WriteStartObject("status");
        foreach ((string name, byte[] value) in status.Lines)
        {
            if (name is "Umask" or "State" or "TracerPid" or "CapInh" or "CapPrm" or "CapEff" or "CapBnd" or "CapAmb" or "NoNewPrivs" or "Seccomp" or "Seccomp_filters"
                or "VmRSS" or "VmSize" or "RssAnon" or "CoreDumping" or "SigIgn" or "SigCgt")
            {
                json.WriteString(name, DisplayText.Escape(value));
            }
        }

        json.WriteEndObject();
    }

    private static void WriteMaps(Utf8JsonWriter json, ProcMaps maps, IReadOnlyDictionary<string, string> items)
    {
        json.WriteStartObject("maps");
        json.WriteNumber("count", maps.Count);
        json.WriteNumber("virtual_bytes", maps.VirtualBytes);
        WriteMappings(json, "rwx", maps.WritableExecutable, items);
        WriteMappings(json, "anonymous_x", maps.AnonymousExecutable, items);
        WriteMappings(json, "deleted", maps.Deleted, items);
        if (maps.Malformed > 0)
        {
            json.WriteNumber("malformed", maps.Malformed);
        }

        json.WriteEndObject();
    }

    private static void WriteMappings(Utf8JsonWriter json, string name, List<ProcMapping> mappings, IReadOnlyDictionary<string, string> items)
    {
        json.WriteStartArray(name);
        foreach (ProcMapping mapping in mappings)
        {
            if (IsFull(json))
            {
                break;
            }

            json.WriteStartObject();
            json.WriteString("range", mapping.FileName);
            json.WriteString("perms", mapping.Permissions);
            if (mapping.Inode != 0)
            {
                json.WriteString("dev", mapping.Device);
                json.WriteNumber("ino", mapping.Inode);
            }

            ByteJson.Write(json, "path", mapping.Path);
            WriteOptional(json, "item", items.GetValueOrDefault("map_files/" + mapping.FileName));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteDescriptors(Utf8JsonWriter json, ProcessSnapshot process, IReadOnlyDictionary<string, string> items)
    {
        bool isCut = process.IsDescriptorListCut;
        json.WriteStartArray("fds");
        foreach (ProcDescriptor descriptor in process.Descriptors)
        {
            if (IsFull(json))
            {
                isCut = true;
                break;
            }

            json.WriteStartObject();
            json.WriteNumber("fd", descriptor.Number);
            ByteJson.Write(json, "target", descriptor.Target);
            json.WriteString("flags", "0" + Convert.ToString(descriptor.Flags, 8));
            json.WriteNumber("pos", descriptor.Position);
            json.WriteNumber("mnt_id", descriptor.MountId);
            if (descriptor.InFlight > 0)
            {
                json.WriteNumber("in_flight", descriptor.InFlight);
            }

            if (descriptor.Stat is { } stat)
            {
                json.WriteString("mode", Convert.ToString(stat.stx_mode, 8));
                json.WriteNumber("size", stat.stx_size);
                json.WriteNumber("ino", stat.stx_ino);
                json.WriteString("dev", string.Create(CultureInfo.InvariantCulture, $"{stat.stx_dev_major}:{stat.stx_dev_minor}"));
            }

            if (descriptor.IsDeletedFile)
            {
                json.WriteBoolean("deleted", true);
            }

            WriteOptional(json, "item", items.GetValueOrDefault("fd/" + descriptor.Number.ToString(CultureInfo.InvariantCulture)));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (isCut)
        {
            json.WriteBoolean("fds_cut", true);
        }
    }

    private static void WriteThreads(Utf8JsonWriter json, ProcessSnapshot process)
    {
        if (process.Threads.Count == 0)
        {
            return;
        }

        json.WriteStartArray("differing_threads");
        foreach (ThreadFacts thread in process.Threads)
        {
            json.WriteStartObject();
            json.WriteNumber("tid", thread.Tid);
            ByteJson.Write(json, "comm", thread.Stat.Comm);
            json.WriteString("state", thread.Stat.State.ToString());
            json.WriteNumber("start_ticks", thread.Stat.StartTicks);
            WriteList(json, "differs", thread.Differences);
            WriteNumbers(json, "nspid", thread.Status.Numbers("NSpid"));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static bool IsFull(Utf8JsonWriter json) => json.BytesCommitted + json.BytesPending > LineBudget;

    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, List<long> values)
    {
        json.WriteStartArray(name);
        values.ForEach(json.WriteNumberValue);
        json.WriteEndArray();
    }
}
