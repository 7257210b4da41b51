namespace ContainerIR.Linux;

/// <summary>One interface of a container and where its other end lies.</summary>
/// <param name="Own">The interface inside.</param>
/// <param name="Other">The other end of a veth; null when it has none that could be found.</param>
/// <param name="OtherNamespace">Inode of the network namespace of the other end; 0 when there is none.</param>
internal sealed record VethEnd(LinkEntry Own, LinkEntry? Other, ulong OtherNamespace);

/// <summary>
/// Finds the other ends of a container's interfaces in whatever network namespace they lie: the host's on a plain host, RootlessKit's for a rootless engine,
/// that of an engine which runs in one of its own. Interface indexes repeat from namespace to namespace, so a pair counts only where the candidate's number
/// for the container's namespace (RTM_GETNSID) is the one its link names (IFLA_LINK_NETNSID).
/// </summary>
internal static class VethEnds
{
    private const int MostNamespaces = 4096;

    /// <summary>Every interface of the namespace but loopback, each with its other end where it has one.</summary>
    /// <exception cref="IOException">The namespace cannot be asked.</exception>
    public static List<VethEnd> Find(NamespaceHandle container, int initPid)
    {
        List<LinkEntry> own = [.. LinksOf(container).Where(link => !link.IsLoopback)];
        Dictionary<int, VethEnd> ends = [];
        foreach (int pid in own.Exists(link => link.IsPairedElsewhere) ? ProcessesByNamespace(initPid) : [])
        {
            try
            {
                using NamespaceHandle candidate = NamespaceHandle.OfProcess(pid);
                if (candidate.Inode != container.Inode)
                {
                    Match(candidate, container, own, ends);
                }
            }
            catch (IOException)
            {
                // One of many candidates: it ended, or is closed to us. What is found in none has no other end.
            }

            if (own.TrueForAll(link => !link.IsPairedElsewhere || ends.ContainsKey(link.Index)))
            {
                break;
            }
        }

        return [.. own.Select(link => ends.GetValueOrDefault(link.Index) ?? new VethEnd(link, null, 0))];
    }

    /// <summary>The links of a namespace.</summary>
    /// <exception cref="IOException">It cannot be asked.</exception>
    public static List<LinkEntry> LinksOf(NamespaceHandle space)
    {
        using NetlinkSocket netlink = space.CreateNetlink(Libc.NETLINK_ROUTE);
        (List<LinkEntry> links, DumpResult result) = RouteTables.Links(netlink);
        return result.Errno == 0 ? links : throw new IOException($"list of interfaces: {Libc.Describe(result.Errno)}");
    }

    /// <summary>Opens a network namespace by its inode, through any process that is in it; null when no process is.</summary>
    public static NamespaceHandle? Open(ulong inode)
    {
        foreach (int pid in new[] { Environment.ProcessId, 1 }.Concat(ProcEntry.ListAll(out _)))
        {
            if (NamespaceHandle.InodeOf(pid) != inode)
            {
                continue;
            }

            try
            {
                NamespaceHandle space = NamespaceHandle.OfProcess(pid);
                if (space.Inode == inode)
                {
                    return space;
                }

                space.Dispose();
            }
            catch (IOException)
            {
                // It ended between the two looks; another process may be in it.
            }
        }

        return null;
    }

    /// <summary>
    /// Whether a namespace is a host's: ours, pid 1's, or that of a process above the container's first one (shim, engine). A container in it uses the
    /// host's network.
    /// </summary>
    public static bool IsHosts(ulong inode, int initPid) => LikelyProcesses(initPid).Any(pid => NamespaceHandle.InodeOf(pid) == inode);

    private static void Match(NamespaceHandle candidate, NamespaceHandle container, List<LinkEntry> own, Dictionary<int, VethEnd> ends)
    {
        using NetlinkSocket netlink = candidate.CreateNetlink(Libc.NETLINK_ROUTE);
        if (RouteTables.NamespaceIdOf(netlink, container.Descriptor) is not int id)
        {
            return;
        }

        (List<LinkEntry> here, DumpResult result) = RouteTables.Links(netlink);
        foreach (LinkEntry end in result.Errno == 0 ? here : [])
        {
            if (end.Kind == "veth" && end.PeerNamespaceId == id && own.Find(link => link.Index == end.PeerIndex) is { } link)
            {
                ends[link.Index] = new VethEnd(link, end, candidate.Inode);
            }
        }
    }

    private static IEnumerable<int> ProcessesByNamespace(int initPid)
    {
        HashSet<ulong> seen = [];
        return LikelyProcesses(initPid).Concat(ProcEntry.ListAll(out _)).Where(pid => NamespaceHandle.InodeOf(pid) is ulong inode && seen.Add(inode)).Take(MostNamespaces);
    }

    // In whose namespaces the other ends usually lie: ours, pid 1's, those above the container's first process.
    private static IEnumerable<int> LikelyProcesses(int initPid)
    {
        int parent = ParentOf(initPid);
        return new[] { Environment.ProcessId, 1, parent, ParentOf(parent) }.Where(pid => pid > 0);
    }

    private static int ParentOf(int pid)
    {
        using ProcEntry? process = pid > 0 ? ProcEntry.Open(pid, out _) : null;
        return process is not null && ProcStat.Parse(process.Read("stat", 4096).Content) is { } stat ? stat.ParentPid : 0;
    }
}
