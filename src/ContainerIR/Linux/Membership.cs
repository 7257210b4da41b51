using System.Diagnostics;
using System.Globalization;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Linux;

/// <summary>
/// Who is in the container. One look at every process of the host: control group, namespaces, root device, parent. No single one is enough:
/// a process can leave its cgroup, unshare its namespaces, be reparented, or come in from outside. Namespaces the host or the engine (every
/// ancestor of the container's first process) is in say nothing. A process whose cgroup, mounts or root are another container's is that
/// container's, unless it stands on this container's root or mounts, or one of its processes made it.
/// </summary>
internal sealed class Membership
{
    // One look alone cannot tell a slow host from one whose processes come and go.
    private const int MinRounds = 2;
    private const int MaxRounds = 6;
    private const int MaxDepth = 64;
    private static readonly TimeSpan MaxDuration = TimeSpan.FromSeconds(2);
    private readonly string containerId;
    private readonly Dictionary<int, ProcessFacts> seen = [];
    private readonly Dictionary<int, Member> members = [];
    private readonly Dictionary<int, Sharer> sharers = [];
    private readonly HashSet<ulong> hostNamespaces = [];
    private readonly HashSet<int> engine = [];
    private readonly Dictionary<ulong, bool> isBelow = [];
    private readonly Dictionary<ulong, string> othersMounts = [];
    private readonly Dictionary<(uint, uint), string> othersRoots = [];
    private List<(string Hierarchy, byte[] Top)> tops = [];
    private HashSet<ulong> own = [];
    private (uint, uint)? hostRoot;

    private Membership(ProcessFacts init, string containerId) => (Init, this.containerId) = (init, containerId);

    /// <summary>The first process.</summary>
    public ProcessFacts Init { get; }

    /// <summary>Processes of the container by number.</summary>
    public IReadOnlyCollection<Member> Members => [.. members.Values.OrderBy(m => m.Facts.Pid)];

    /// <summary>Processes of other containers that share a namespace.</summary>
    public IReadOnlyCollection<Sharer> Sharers => [.. sharers.Values.OrderBy(s => s.Facts.Pid)];

    /// <summary>Inodes of the namespaces the host and the engine are in.</summary>
    public IReadOnlySet<ulong> HostNamespaces => hostNamespaces;

    /// <summary>The processes above init: the engine's shim, its parents. Never members.</summary>
    public IReadOnlyCollection<int> Engine => engine;

    /// <summary>Whether the last look found nobody new.</summary>
    public bool IsStable { get; private set; }

    /// <summary>How often the host was looked at.</summary>
    public int Rounds { get; private set; }

    /// <summary>Every process last seen, of the container or not.</summary>
    public IReadOnlyDictionary<int, ProcessFacts> Seen => seen;

    /// <summary>The container's own top in each cgroup hierarchy.</summary>
    public IReadOnlyList<(string Hierarchy, byte[] Top)> Cgroups => tops;

    /// <summary>Looks until nobody new is found: twice at least, six times at most, and no third time after two seconds.</summary>
    /// <param name="initPid">The first process.</param>
    /// <param name="containerId">Its container.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="patience">Other than two seconds.</param>
    /// <returns>Null when there is no such process.</returns>
    public static Membership? Find(int initPid, string containerId, CancellationToken ct, TimeSpan? patience = null)
    {
        ProcessFacts? init = ReadOne(initPid);
        if (init is null)
        {
            return null;
        }

        Membership membership = new(init, containerId);
        membership.tops = init.Cgroups.Tops(containerId, ReadOne(init.ParentPid)?.Cgroups);
        membership.LearnHost();
        membership.members[initPid] = membership.Describe(init, [new MemberReason("init", "first process by the engine's word")]);
        Stopwatch watch = Stopwatch.StartNew();
        while (membership.Rounds < MaxRounds && (membership.Rounds < MinRounds || watch.Elapsed < (patience ?? MaxDuration)) && !membership.IsStable)
        {
            ct.ThrowIfCancellationRequested();
            membership.Rounds++;
            int before = membership.members.Count + membership.sharers.Count;
            membership.Look();
            membership.LearnOthers();
            membership.Decide();
            membership.IsStable = membership.Rounds > 1 && membership.members.Count + membership.sharers.Count == before;
        }

        membership.Review();
        return membership;
    }

    private static ProcessFacts? ReadOne(int pid)
    {
        using ProcEntry? entry = ProcEntry.Open(pid, out _);
        return entry is not null && ProcStat.Parse(entry.Read("stat", 4096).Content) is { } stat ? ProcessFacts.Read(entry, stat) : null;
    }

    // The initial namespaces: ours, pid 1's and the kernel's own thread's (pid 1 may be closed to us), and the engine's: all above init.
    private void LearnHost()
    {
        foreach (int pid in (int[])[Environment.ProcessId, 1, 2])
        {
            Learn(pid);
        }

        int parent = Init.ParentPid;
        for (int depth = 0; parent > 0 && depth < MaxDepth && engine.Add(parent); depth++)
        {
            parent = Learn(parent);
        }

        using Descriptor? root = Descriptor.Open(Libc.AT_FDCWD, "/", Libc.O_PATH, out _);
        hostRoot = root is not null && root.TryStat(out StatX stat, out _) ? (stat.stx_dev_major, stat.stx_dev_minor) : null;
    }

    private int Learn(int pid)
    {
        using ProcEntry? entry = ProcEntry.Open(pid, out _);
        if (entry is null)
        {
            return 0;
        }

        ProcStat? stat = ProcStat.Parse(entry.Read("stat", 4096).Content);
        NamespaceSet namespaces = NamespaceSet.Read(entry);
        // pid 2 counts only where it is the kernel's: inside a pid namespace it is anybody.
        for (int i = 0; i < NamespaceSet.Kinds.Count && (pid != 2 || stat is { IsKernelThread: true }); i++)
        {
            hostNamespaces.Add(namespaces[i]);
        }

        return stat?.ParentPid ?? 0;
    }

    private void Look()
    {
        HashSet<int> alive = [];
        foreach (int pid in ProcEntry.ListAll(out _))
        {
            if (pid == Environment.ProcessId)
            {
                continue;
            }

            using ProcEntry? entry = ProcEntry.Open(pid, out _);
            if (entry is null || ProcStat.Parse(entry.Read("stat", 4096).Content) is not { IsKernelThread: false } stat)
            {
                continue;
            }

            alive.Add(pid);
            if (seen.TryGetValue(pid, out ProcessFacts? known) && known.StartTicks == stat.StartTicks)
            {
                continue;
            }

            if (ProcessFacts.Read(entry, stat) is { } facts)
            {
                seen[pid] = facts;
            }
        }

        // The dead stay members, with what was learnt; as parents they say nothing any more.
        foreach (int gone in seen.Keys.Where(pid => !alive.Contains(pid) && !members.ContainsKey(pid)).ToList())
        {
            seen.Remove(gone);
        }
    }

    private void Decide()
    {
        for (int depth = 0, found = 1; found > 0 && depth < MaxDepth; depth++)
        {
            found = 0;
            own = [.. members.Values.Where(IsNative).SelectMany(m => Enumerable.Range(0, NamespaceSet.Kinds.Count).Select(i => m.Facts.Namespaces[i]))];
            own.ExceptWith(hostNamespaces);
            own.Remove(0);
            foreach (ProcessFacts facts in seen.Values)
            {
                if (engine.Contains(facts.Pid) || (members.TryGetValue(facts.Pid, out Member? known) && known.Facts.StartTicks == facts.StartTicks))
                {
                    continue;
                }

                (List<MemberReason> reasons, bool isCertain) = Reasons(facts);
                if (reasons.Count == 0)
                {
                    continue;
                }

                if (!isCertain && OtherOwner(facts) is { } other)
                {
                    sharers[facts.Pid] = new Sharer(facts, other, [.. reasons.Select(r => r.Why + " " + r.Detail)]);
                    continue;
                }

                sharers.Remove(facts.Pid);
                members[facts.Pid] = Describe(facts, reasons);
                found++;
            }
        }
    }

    // Who only stands in one of the namespaces may have come from outside: its other namespaces are not the container's.
    private static bool IsNative(Member member) => member.Reasons.Any(r => r.Why is "init" or "cgroup" or "ancestry" or "pid-namespace-below");

    // With everybody known, every reason and sign is stated as it stands now, whatever the order of discovery was.
    private void Review()
    {
        foreach (Member member in Members)
        {
            (List<MemberReason> reasons, _) = Reasons(member.Facts);
            members[member.Facts.Pid] = Describe(member.Facts, [.. member.Reasons.Where(r => r.Why == "init" || reasons.Count == 0), .. reasons]);
        }
    }

    // By its cgroup, or, where it left that, by the mounts and root it stands on.
    private string? OtherOwner(ProcessFacts facts) => facts.Cgroups.OtherContainer(containerId)
        ?? othersMounts.GetValueOrDefault(facts.Namespaces.Mount)
        ?? (facts.RootDevice is { } device ? othersRoots.GetValueOrDefault(device) : null);

    private void LearnOthers()
    {
        foreach (ProcessFacts facts in seen.Values)
        {
            if (facts.Cgroups.OtherContainer(containerId) is not { } other)
            {
                continue;
            }

            if (facts.Namespaces.Mount != Init.Namespaces.Mount && !hostNamespaces.Contains(facts.Namespaces.Mount))
            {
                othersMounts.TryAdd(facts.Namespaces.Mount, other);
            }

            if (facts.RootDevice is { } device && device != Init.RootDevice && device != hostRoot)
            {
                othersRoots.TryAdd(device, other);
            }
        }
    }

    private (List<MemberReason> Reasons, bool IsCertain) Reasons(ProcessFacts facts)
    {
        List<MemberReason> reasons = [];
        bool isCertain = false;
        if (facts.Cgroups.Inside(tops) is { } place)
        {
            reasons.Add(new MemberReason("cgroup", $"{(place.Hierarchy.Length == 0 ? "v2" : place.Hierarchy)} {DisplayText.Escape(place.Path)}"));
            isCertain = true;
        }

        for (int i = 0; i < NamespaceSet.Kinds.Count; i++)
        {
            ulong inode = facts.Namespaces[i];
            if (inode != 0 && own.Contains(inode))
            {
                reasons.Add(new MemberReason("namespace", $"{NamespaceSet.Kinds[i]}:[{inode.ToString(CultureInfo.InvariantCulture)}]"));
                // No engine gives two containers one mount namespace; every other kind can be shared on purpose.
                isCertain |= NamespaceSet.Kinds[i] == "mnt" && inode == Init.Namespaces.Mount;
            }
        }

        if (facts.RootDevice is { } device && device == Init.RootDevice && device != hostRoot)
        {
            reasons.Add(new MemberReason("root-device", $"{device.Major}:{device.Minor}"));
            isCertain = true;
        }

        if (members.TryGetValue(facts.ParentPid, out Member? parent) && parent.Facts.StartTicks <= facts.StartTicks)
        {
            reasons.Add(new MemberReason("ancestry", $"child of {facts.ParentPid}"));
            // Orphans of a container that shares our pid namespace are reparented to our init.
            isCertain |= facts.ParentPid != Init.Pid;
        }

        if (reasons.Count == 0 && IsBelow(facts))
        {
            reasons.Add(new MemberReason("pid-namespace-below", $"pid:[{facts.Namespaces.Pid.ToString(CultureInfo.InvariantCulture)}]"));
        }

        return (reasons, isCertain);
    }

    // ioctl_ns(2) NS_GET_PARENT: whether the pid namespace was made inside the container's.
    private bool IsBelow(ProcessFacts facts)
    {
        ulong space = facts.Namespaces.Pid;
        if (space == 0 || hostNamespaces.Contains(space) || hostNamespaces.Contains(Init.Namespaces.Pid))
        {
            return false;
        }

        if (isBelow.TryGetValue(space, out bool known))
        {
            return known;
        }

        using ProcEntry? entry = ProcEntry.Open(facts.Pid, out _);
        Descriptor? level = entry?.Open("ns/pid", Libc.O_RDONLY, out _);
        bool answer = false;
        for (int depth = 0; level is not null && depth < 32 && !answer; depth++)
        {
            Descriptor? above = Descriptor.Own(Libc.ioctl(level.Number, Libc.NS_GET_PARENT, 0), out _);
            level.Dispose();
            level = above;
            answer = level is not null && level.TryStat(out StatX stat, out _) && stat.stx_ino == Init.Namespaces.Pid;
        }

        level?.Dispose();
        return isBelow[space] = answer;
    }

    private Member Describe(ProcessFacts facts, List<MemberReason> reasons)
    {
        List<string> signs = [];
        bool hasParentInside = members.ContainsKey(facts.ParentPid);
        bool isInit = facts.Pid == Init.Pid;
        bool isMovedByItsEnd = facts.IsEnding && facts.Cgroups.Lines.All(line => line.Path is [(byte)'/']);
        if (tops.Count > 0 && !isMovedByItsEnd && facts.Cgroups.Inside(tops) is null)
        {
            signs.Add(hasParentInside || isInit ? "left-cgroup" : "entered");
        }
        else if (!facts.IsEnding && facts.Cgroups.IsOutsideSome(tops))
        {
            signs.Add("left-cgroup-in-part");
        }
        else if (!isInit && !hasParentInside && engine.Contains(facts.ParentPid) && !hostNamespaces.Contains(Init.Namespaces.Pid))
        {
            signs.Add("engine-exec");
        }

        for (int i = 0; i < NamespaceSet.Kinds.Count; i++)
        {
            ulong inode = facts.Namespaces[i];
            if (inode != 0 && inode != Init.Namespaces[i])
            {
                signs.Add((hostNamespaces.Contains(inode) ? "host-namespace:" : "foreign-namespace:") + NamespaceSet.Kinds[i]);
            }
        }

        if (facts.RootDevice is { } device && device != Init.RootDevice)
        {
            signs.Add(device == hostRoot ? "host-root" : "foreign-root");
        }

        return new Member(facts, reasons, signs);
    }
}
