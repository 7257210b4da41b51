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
    private readonly Dictionary<ulong, NamespaceHandle> spaces = [];
    private readonly List<Tap> found = [];

    /// <summary>Interfaces left out on purpose, and why.</summary>
    public List<(string Interface, ulong Namespace, string Reason)> LeftOut { get; } = [];

    /// <summary>Opens a ring on each interface; what cannot be read is a gap.</summary>
    public List<OpenTap> Open(IReadOnlyList<NamespaceDoor> doors)
    {
        foreach (NamespaceDoor door in doors.DistinctBy(door => door.Inode))
        {
            TryOpen(door);
        }

        HashSet<ulong> containers = [.. spaces.Keys];
        Dictionary<ulong, IReadOnlyList<LinkEntry>> links = [];
        foreach (ulong inode in containers)
        {
            if (!VethEnds.IsHosts(inode, initPid))
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

        foreach ((ulong inode, IReadOnlyList<LinkEntry> all) in links)
        {
            if (all.Any(link => link.IsPairedElsewhere) && found.Count < options.MaxInterfaces)
            {
                FindOtherEnds(inode, containers);
            }
        }

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
            return VethEnds.LinksOf(spaces[inode]);
        }
        catch (IOException failure)
        {
            sink.AddGap($"traffic of network namespace {inode}", failure.Message);
            return null;
        }
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

    private void FindOtherEnds(ulong inode, HashSet<ulong> containers)
    {
        try
        {
            foreach (VethEnd end in VethEnds.Find(spaces[inode], initPid))
            {
                if (end.Other is { } other && !containers.Contains(end.OtherNamespace) && HasOpen(end.OtherNamespace))
                {
                    found.Add(new Tap { ContainerLink = end.Own, ContainerNamespace = inode, Link = other, Namespace = end.OtherNamespace });
                }
            }
        }
        catch (IOException failure)
        {
            sink.AddGap($"other ends of the interfaces of network namespace {inode}", failure.Message);
        }
    }

    private bool HasOpen(ulong inode)
    {
        if (!spaces.ContainsKey(inode) && VethEnds.Open(inode) is { } space)
        {
            spaces.Add(inode, space);
        }

        return spaces.ContainsKey(inode);
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
            else if (hasHostSide && !options.Inside && !link.IsPairedElsewhere)
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
}
