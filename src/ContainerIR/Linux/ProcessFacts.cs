namespace ContainerIR.Linux;

/// <summary>Inodes of the namespaces of one process, in the order of <see cref="Kinds"/>; 0 where unreadable.</summary>
internal sealed class NamespaceSet
{
    /// <summary>Kinds as named in /proc/PID/ns.</summary>
    public static readonly IReadOnlyList<string> Kinds = ["pid", "mnt", "net", "ipc", "uts", "user", "cgroup", "time"];

    private readonly ulong[] inodes = new ulong[Kinds.Count];

    public ulong this[int kind] => inodes[kind];

    public ulong Pid => inodes[0];

    public ulong Mount => inodes[1];

    public ulong Network => inodes[2];

    public ulong User => inodes[5];

    public static NamespaceSet Read(ProcEntry process)
    {
        NamespaceSet set = new();
        for (int i = 0; i < Kinds.Count; i++)
        {
            set.inodes[i] = process.Namespace(Kinds[i]);
        }

        return set;
    }
}

/// <summary>What is asked of every process of the host to tell whether it belongs to the container.</summary>
/// <param name="Pid">Number on the host.</param>
/// <param name="ParentPid">Its parent's.</param>
/// <param name="StartTicks">When it began.</param>
/// <param name="Namespaces">Its namespaces.</param>
/// <param name="Cgroups">Its control groups.</param>
/// <param name="IsEnding">Whether it was ending after its control groups were read: that it stands at the root of one says nothing then.</param>
/// <param name="RootDevice">The device of its root directory.</param>
internal sealed record ProcessFacts(
    int Pid, int ParentPid, ulong StartTicks, NamespaceSet Namespaces, CgroupLines Cgroups, bool IsEnding, (uint Major, uint Minor)? RootDevice)
{
    /// <summary>Reads them; null for threads of the kernel and processes that are gone.</summary>
    public static ProcessFacts? Read(ProcEntry process, ProcStat stat)
    {
        Bytes cgroup = process.Read("cgroup", 64 * 1024);
        bool isEnding = stat.IsEnding || ProcStat.Parse(process.Read("stat", 4096).Content) is not { IsEnding: false };
        return stat.IsKernelThread || cgroup.Errno == Libc.ESRCH
            ? null
            : new ProcessFacts(stat.Pid, stat.ParentPid, stat.StartTicks, NamespaceSet.Read(process), CgroupLines.Parse(cgroup.Content), isEnding, Root(process));
    }

    private static (uint Major, uint Minor)? Root(ProcEntry process)
    {
        using Descriptor? root = process.Open("root", Libc.O_PATH, out _);
        return root is not null && root.TryStat(out StatX stat, out _) ? (stat.stx_dev_major, stat.stx_dev_minor) : null;
    }
}

/// <summary>Why a process counts as the container's.</summary>
/// <param name="Why"><c>init</c>, <c>cgroup</c>, <c>namespace</c>, <c>pid-namespace-below</c>, <c>root-device</c>, <c>ancestry</c>.</param>
/// <param name="Detail">The path, inode, device or parent that says so.</param>
internal sealed record MemberReason(string Why, string Detail);

/// <summary>A process of the container.</summary>
/// <param name="Facts">What it was told by.</param>
/// <param name="Reasons">Every reason found, strongest first; never empty.</param>
/// <param name="Signs">What is unusual: <c>left-cgroup</c>, <c>entered</c>, <c>engine-exec</c>, <c>host-namespace:net</c>, <c>foreign-namespace:net</c>, <c>host-root</c>, <c>foreign-root</c>.</param>
internal sealed record Member(ProcessFacts Facts, IReadOnlyList<MemberReason> Reasons, IReadOnlyList<string> Signs);

/// <summary>A process of another container that shares a namespace with this one: named, never taken.</summary>
internal sealed record Sharer(ProcessFacts Facts, string ContainerId, IReadOnlyList<string> Shares);
