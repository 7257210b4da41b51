using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;

namespace ContainerIR.Collectors.Traffic;

/// <summary>
/// Finds where each interface of a container is best read. A veth is read at its other end, in whatever network namespace that lies (usually the
/// engine's): the container cannot see that. What has no other end is read inside, only where there is no better place or on request.
/// </summary>
internal sealed class TapFinder(TrafficOptions options, int initPid, IEvidenceSink sink) : IDisposable
{
    private const int MostNamespaces = 4096;
    private readonly Dictionary<ulong, NamespaceHandle> spaces = [];
    private readonly List<Tap> found = [];

    /// <summary>Interfaces left out on purpose, and why.</summary>
    public List<(string Interface, ulong Namespace, string Reason)> LeftOut { get; } = [];

    /// <summary>Opens a ring on each interface; what cannot be read is a gap.</summary>
    public List<OpenTap> Open(IReadOnlyList<NamespaceDoor> doors)
    {
        HashSet<ulong> hosts = HostNamespaces();
        foreach (NamespaceDoor door in doors.DistinctBy(door => door.Inode))
        {
            TryOpen(door);
        }

        HashSet<ulong> containers = [.. spaces.Keys];
        Dictionary<ulong, IReadOnlyList<LinkEntry>> links = [];
        foreach (ulong inode in containers)
        {
            if (!hosts.Contains(inode))
            {
                links[inode] = TryList(inode) ?? [];
            }
            else if (options.HostNetwork)
            {
                FindOnHost(inode);
            }
            else
            {
                sink.AddGap(
                    $"traffic of network namespace {inode}",
                    "the container, or a process of it, uses the host's network: its packets cannot be told from everybody else's by interface; capturing the host's interfaces must be asked for");
            }
        }

        FindOtherEnds(links, containers);
        foreach ((ulong inode, IReadOnlyList<LinkEntry> all) in links)
        {
            FindInside(inode, all);
        }

        return OpenRings();
    }

    public void Dispose()
    {
        foreach (NamespaceHandle space in spaces.Values)
        {
            space.Dispose();
        }

        spaces.Clear();
    }

    // Ours, pid 1's, and those above the container's first process: shim and engine. A container that is in one of them is on a host's network.
    private HashSet<ulong> HostNamespaces()
    {
        HashSet<ulong> hosts = [];
        int parent = ParentOf(initPid);
        foreach (int pid in (int[])[Environment.ProcessId, 1, parent, ParentOf(parent)])
        {
            if (NamespaceHandle.InodeOf(pid) is ulong inode)
            {
                _ = hosts.Add(inode);
            }
        }

        return hosts;
    }

    private static int ParentOf(int pid)
    {
        using ProcEntry? process = pid > 0 ? ProcEntry.Open(pid, out _) : null;
        return process is not null && ProcStat.Parse(process.Read("stat", 4096).Content) is { } stat ? stat.ParentPid : 0;
    }

    /// <summary>A process of every network namespace there is, the likely homes of other ends first.</summary>
    private IEnumerable<int> ProcessesByNamespace()
    {
        HashSet<ulong> seen = [];
        int parent = ParentOf(initPid);
        return new[] { Environment.ProcessId, 1, parent }.Concat(ProcEntry.ListAll(out _))
            .Where(pid => NamespaceHandle.InodeOf(pid) is ulong inode && seen.Add(inode))
            .Take(MostNamespaces);
    }

    private void TryOpen(NamespaceDoor door)
    {
        try
        {
            NamespaceHandle space = NamespaceHandle.Open(door.Path);
            if (space.Inode == door.Inode)
            {
                spaces[door.Inode] = space;
                return;
            }

            space.Dispose();
            sink.AddGap($"traffic of network namespace {door.Inode}", $"{door.Path} has become namespace {space.Inode}");
        }
        catch (IOException failure)
        {
            sink.AddGap($"traffic of network namespace {door.Inode}", failure.Message);
        }
    }

    private List<LinkEntry>? TryList(ulong inode)
    {
        try
        {
            using NetlinkSocket netlink = spaces[inode].CreateNetlink(Libc.NETLINK_ROUTE);
            return List(netlink);
        }
        catch (IOException failure)
        {
            sink.AddGap($"traffic of network namespace {inode}", failure.Message);
            return null;
        }
    }

    private static List<LinkEntry> List(NetlinkSocket netlink)
    {
        (List<LinkEntry> links, DumpResult result) = RouteTables.Links(netlink);
        return result.Errno == 0 ? links : throw new IOException($"list of interfaces: {Libc.Describe(result.Errno)}");
    }

    private void FindOnHost(ulong inode)
    {
        foreach (LinkEntry link in TryList(inode) ?? [])
        {
            // What passes a bridge or a veth passes it on behalf of a container or of hardware that is read anyway.
            if (link.IsUp && link.Kind is not ("veth" or "bridge"))
            {
                found.Add(new Tap { ContainerLink = link, ContainerNamespace = inode, Link = link, Namespace = inode });
            }
        }
    }

    private void FindOtherEnds(Dictionary<ulong, IReadOnlyList<LinkEntry>> links, HashSet<ulong> containers)
    {
        HashSet<(ulong Namespace, int Index)> wanted =
            [.. links.SelectMany(pair => pair.Value.Where(IsPairedElsewhere).Select(link => (pair.Key, link.Index)))];
        foreach (int pid in wanted.Count > 0 ? ProcessesByNamespace() : [])
        {
            if (wanted.Count == 0)
            {
                return;
            }

            try
            {
                NamespaceHandle space = NamespaceHandle.OfProcess(pid);
                if (containers.Contains(space.Inode) || !FindOtherEnds(space, links, wanted) || !spaces.TryAdd(space.Inode, space))
                {
                    space.Dispose();
                }
            }
            catch (IOException)
            {
                // One of many candidates: it ended, or is closed to us. What is not found in any is read inside, and said so.
            }
        }
    }

    private bool FindOtherEnds(NamespaceHandle candidate, Dictionary<ulong, IReadOnlyList<LinkEntry>> links, HashSet<(ulong Namespace, int Index)> wanted)
    {
        int before = wanted.Count;
        using NetlinkSocket netlink = candidate.CreateNetlink(Libc.NETLINK_ROUTE);
        List<LinkEntry> here = List(netlink);
        foreach ((ulong inode, IReadOnlyList<LinkEntry> theirs) in links)
        {
            // Indexes repeat from namespace to namespace: the pair is certain only with the number by which the candidate knows the container's.
            if (RouteTables.NamespaceIdOf(netlink, spaces[inode].Descriptor) is not int id)
            {
                continue;
            }

            foreach (LinkEntry end in here.Where(link => link.Kind == "veth" && link.PeerNamespaceId == id && wanted.Contains((inode, link.PeerIndex))))
            {
                LinkEntry own = theirs.First(link => link.Index == end.PeerIndex);
                _ = wanted.Remove((inode, own.Index));
                found.Add(new Tap { ContainerLink = own, ContainerNamespace = inode, Link = end, Namespace = candidate.Inode });
            }
        }

        return wanted.Count < before;
    }

    private void FindInside(ulong inode, IReadOnlyList<LinkEntry> links)
    {
        bool hasHostSide = found.Any(tap => tap.ContainerNamespace == inode);
        foreach (LinkEntry link in links.Where(link => !found.Any(tap => tap.ContainerNamespace == inode && tap.ContainerLink.Index == link.Index)))
        {
            string name = DisplayText.Escape(link.Name);
            if (!link.IsUp)
            {
                LeftOut.Add((name, inode, "down"));
            }
            else if (hasHostSide && !options.Inside && !IsPairedElsewhere(link))
            {
                LeftOut.Add((name, inode, "it can be read only from inside the container's network namespace, where the reader would be visible in /proc/net/packet; not asked for"));
            }
            else
            {
                found.Add(new Tap { ContainerLink = link, ContainerNamespace = inode, Link = link, Namespace = inode });
            }
        }
    }

    private List<OpenTap> OpenRings()
    {
        List<OpenTap> open = [];
        int ringBytes = options.RingBytes / Math.Clamp(found.Count, 1, options.MaxInterfaces);
        foreach (Tap tap in found)
        {
            string sought = $"traffic of interface {tap.ContainerName} of network namespace {tap.ContainerNamespace}";
            if (open.Count == options.MaxInterfaces)
            {
                sink.AddGap(sought, $"more than {options.MaxInterfaces} interfaces");
                continue;
            }

            try
            {
                open.Add(new OpenTap(tap, PacketRing.Open(spaces[tap.Namespace], tap.Link, Math.Min(ringBytes, 8 * 1024 * 1024))));
            }
            catch (IOException failure)
            {
                sink.AddGap(sought, failure.Message);
            }
        }

        return open;
    }

    private static bool IsPairedElsewhere(LinkEntry link) => link.Kind == "veth" && link.PeerNamespaceId is not null;
}
