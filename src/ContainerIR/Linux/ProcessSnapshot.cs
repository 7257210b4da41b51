using System.Globalization;

namespace ContainerIR.Linux;

/// <summary>A thread, as far as it differs from its leader.</summary>
internal sealed record ThreadFacts(int Tid, ProcStat Stat, ProcStatus Status, IReadOnlyList<string> Differences);

/// <summary>
/// Everything read of one process through one open directory, without opening any file of the container. Bounded: no part is larger than its cap.
/// </summary>
internal sealed class ProcessSnapshot : IDisposable
{
    public const int CommandLineCap = 4 * 1024 * 1024;
    public const int EnvironmentCap = 1024 * 1024;
    private const int MapsCap = 16 * 1024 * 1024;
    private const int SmallCap = 256 * 1024;
    private const int MaxDescriptors = 65_536;
    private const int MaxThreads = 4096;
    private const int MaxComparedThreads = 512;
    private static readonly string[] SmallFiles = ["status", "comm", "cgroup", "limits", "io", "loginuid", "sessionid", "wchan", "syscall", "stack", "auxv", "oom_score_adj", "personality", "attr/current", "timens_offsets", "coredump_filter"];

    private ProcessSnapshot(ProcEntry entry) => Entry = entry;

    /// <summary>The directory, held open.</summary>
    public ProcEntry Entry { get; }

    /// <summary>Where exe, maps and descriptors are read: the directory itself or, behind a dead leader, a thread that lives.</summary>
    public ProcEntry Living { get; private set; } = null!;

    /// <summary>Host path of <see cref="Living"/>.</summary>
    public string LivingFolder { get; private set; } = "";

    /// <summary>Null when the process was gone before its stat could be read.</summary>
    public ProcStat? Stat { get; private set; }

    public ProcStatus Status { get; private set; } = ProcStatus.Parse([]);

    /// <summary>Why the record is not whole: the process ended, or its number is another's by now. Null when whole.</summary>
    public string? Vanished { get; private set; }

    /// <summary>Thread that stands in for a dead leader; 0 when the leader lives.</summary>
    public int LivingThread { get; private set; }

    /// <summary>Raw files by their name below /proc/PID.</summary>
    public List<(string Name, Bytes Content)> Raw { get; } = [];

    public Bytes CommandLine { get; private set; }

    public Bytes Environment { get; private set; }

    public ProcMaps Maps { get; private set; } = ProcMaps.Parse([]);

    public FileProbe? Executable { get; private set; }

    public int ExecutableErrno { get; private set; }

    public Bytes WorkingDirectory { get; private set; }

    /// <summary>Mount the working directory is on; 0 when unknown.</summary>
    public ulong WorkingDirectoryMount { get; private set; }

    public Bytes Root { get; private set; }

    public List<ProcDescriptor> Descriptors { get; } = [];

    /// <summary>Whether there were more descriptors than are listed.</summary>
    public bool IsDescriptorListCut { get; private set; }

    public List<ThreadFacts> Threads { get; } = [];

    public int ThreadCount { get; private set; }

    /// <summary>What could not be read and why, not counting an end of the process.</summary>
    public List<(string What, int Errno)> Failures { get; } = [];

    /// <summary>Reads a process; null when there is no such number any more.</summary>
    /// <param name="pid">Process id.</param>
    /// <param name="startTicks">Start as seen before: another start means another process.</param>
    /// <param name="mounts">Gives the mount table for a mount namespace, reading it once.</param>
    public static ProcessSnapshot? Read(int pid, ulong startTicks, Func<ProcEntry, ProcMounts> mounts)
    {
        ProcEntry? entry = ProcEntry.Open(pid, out _);
        if (entry is null)
        {
            return null;
        }

        ProcessSnapshot snapshot = new(entry);
        try
        {
            snapshot.Read(startTicks, mounts);
            return snapshot;
        }
        catch
        {
            snapshot.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Executable?.Dispose();
        if (!ReferenceEquals(Living, Entry))
        {
            Living?.Dispose();
        }

        Entry.Dispose();
    }

    private void Read(ulong startTicks, Func<ProcEntry, ProcMounts> mounts)
    {
        Living = Entry;
        LivingFolder = $"/proc/{Entry.Pid.ToString(CultureInfo.InvariantCulture)}";
        Bytes stat = Entry.Read("stat", 4096);
        Stat = ProcStat.Parse(stat.Content);
        if (Stat is null || Stat.StartTicks != startTicks)
        {
            Vanished = Stat is null ? "ended before it could be read" : "ended; its number belongs to another process now";
            Stat = null;
            return;
        }

        Raw.Add(("stat", stat));
        CommandLine = Keep("cmdline", CommandLineCap);
        Environment = Keep("environ", EnvironmentCap);
        List<int> threads = Entry.Numbers("task", MaxThreads, out _);
        ThreadCount = threads.Count;
        if (Stat.IsZombie)
        {
            FindLivingThread(threads);
        }

        foreach (string name in SmallFiles)
        {
            Bytes content = Keep(name, SmallCap);
            if (name == "status")
            {
                Status = ProcStatus.Parse(content.Content);
            }
        }

        Maps = ProcMaps.Parse(Keep("maps", MapsCap).Content);
        WorkingDirectory = Living.ReadLink("cwd");
        WorkingDirectoryMount = MountOf("cwd");
        Root = Living.ReadLink("root");
        ProcMounts table = mounts(Living);
        Executable = FileProbe.Open(Living, LivingFolder, "exe", table, out int errno);
        ExecutableErrno = errno;
        ReadDescriptors();
        ReadThreads(threads);
        Recheck(startTicks);
    }

    private ulong MountOf(string link)
    {
        using Descriptor? handle = Living.Open(link, Libc.O_PATH, out _);
        return handle is not null && handle.TryStat(out StatX stat, out _) && (stat.stx_mask & StatX.STATX_MNT_ID) != 0 ? stat.stx_mnt_id : 0;
    }

    private Bytes Keep(string name, int cap)
    {
        Bytes content = Living.Read(name, cap);
        if (content.IsRead)
        {
            Raw.Add((name, content));
        }
        else if (content.Errno is not (Libc.ENOENT or Libc.ESRCH or Libc.EINVAL or Libc.EOPNOTSUPP))
        {
            Failures.Add((name, content.Errno));
        }

        return content;
    }

    // A leader that called pthread_exit is a zombie whose exe, maps and fd are empty while its threads run on.
    private void FindLivingThread(List<int> threads)
    {
        foreach (int tid in threads)
        {
            if (tid != Entry.Pid && Entry.OpenThread(tid, out _) is { } thread)
            {
                if (ProcStat.Parse(thread.Read("stat", 4096).Content) is { IsZombie: false })
                {
                    LivingThread = tid;
                    Living = thread;
                    LivingFolder += $"/task/{tid.ToString(CultureInfo.InvariantCulture)}";
                    CommandLine = Keep("cmdline", CommandLineCap);
                    Environment = Keep("environ", EnvironmentCap);
                    return;
                }

                thread.Dispose();
            }
        }
    }

    private void ReadDescriptors()
    {
        List<int> numbers = Living.Numbers("fd", MaxDescriptors + 1, out int errno);
        if (errno is not (0 or Libc.ENOENT or Libc.ESRCH))
        {
            Failures.Add(("fd", errno));
        }

        IsDescriptorListCut = numbers.Count > MaxDescriptors;
        foreach (int number in numbers.Take(MaxDescriptors))
        {
            if (ProcDescriptor.Read(Living, number) is { } descriptor)
            {
                Descriptors.Add(descriptor);
            }
        }
    }

    private void ReadThreads(List<int> threads)
    {
        if (threads.Count < 2)
        {
            return;
        }

        NamespaceSet leaderNamespaces = NamespaceSet.Read(Living);
        byte[] leaderCgroup = Living.Read("cgroup", SmallCap).Content;
        foreach (int tid in threads.Take(MaxComparedThreads))
        {
            if (tid == Living.Pid)
            {
                continue;
            }

            using ProcEntry? thread = Entry.OpenThread(tid, out _);
            if (thread is null || ProcStat.Parse(thread.Read("stat", 4096).Content) is not { } stat)
            {
                continue;
            }

            ProcStatus status = ProcStatus.Parse(thread.Read("status", SmallCap).Content);
            List<string> differences = [];
            if (!stat.Comm.AsSpan().SequenceEqual(Stat!.Comm))
            {
                differences.Add("comm");
            }

            foreach (string line in (string[])["Uid", "Gid", "CapEff", "CapPrm", "NoNewPrivs", "Seccomp", "TracerPid"])
            {
                if (!status[line].AsSpan().SequenceEqual(Status[line]))
                {
                    differences.Add(line);
                }
            }

            if (!stat.IsZombie)
            {
                NamespaceSet namespaces = NamespaceSet.Read(thread);
                for (int i = 0; i < NamespaceSet.Kinds.Count; i++)
                {
                    if (namespaces[i] != leaderNamespaces[i])
                    {
                        differences.Add(string.Create(CultureInfo.InvariantCulture, $"namespace:{NamespaceSet.Kinds[i]}:[{namespaces[i]}]"));
                    }
                }

                if (!thread.Read("cgroup", SmallCap).Content.AsSpan().SequenceEqual(leaderCgroup))
                {
                    differences.Add("cgroup");
                }

                if (Libc.CompareTasks(Living.Pid, tid, Libc.KCMP_FILES) > 0)
                {
                    differences.Add("descriptors");
                    ReadThreadDescriptors(thread, tid);
                }

                if (Libc.CompareTasks(Living.Pid, tid, Libc.KCMP_FS) > 0)
                {
                    differences.Add("cwd-or-root");
                    Raw.Add(($"task/{tid}/cwd", thread.ReadLink("cwd")));
                    Raw.Add(($"task/{tid}/root", thread.ReadLink("root")));
                }
            }

            if (differences.Count > 0)
            {
                Threads.Add(new ThreadFacts(tid, stat, status, differences));
            }
        }
    }

    private void ReadThreadDescriptors(ProcEntry thread, int tid)
    {
        foreach (int number in thread.Numbers("fd", 1024, out _))
        {
            Bytes target = thread.ReadLink($"fd/{number}");
            if (target.IsRead)
            {
                Raw.Add(($"task/{tid}/fd/{number}", target));
            }
        }
    }

    private void Recheck(ulong startTicks)
    {
        ProcStat? now = ProcStat.Parse(Entry.Read("stat", 4096).Content);
        if (now?.StartTicks != startTicks)
        {
            Vanished = "ended while it was read: what was read before is kept";
        }
        else if (now.IsZombie && !Stat!.IsZombie)
        {
            Vanished = "became a zombie while it was read: what was read before is kept";
        }
    }
}
