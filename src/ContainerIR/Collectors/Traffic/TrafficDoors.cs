using System.Globalization;
using ContainerIR.Collectors.Networks;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Traffic;

/// <summary>The network namespaces of a container: those its processes are in, and those they keep open by a descriptor.</summary>
internal static class TrafficDoors
{
    /// <summary>Finds them; none, after a gap, when the container has no process.</summary>
    public static IReadOnlyList<NamespaceDoor> Of(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        if (ContainerScope.Find(container, sink, "traffic", BootClock.Take(), ct) is not { } membership)
        {
            return [];
        }

        Dictionary<ulong, NamespaceDoor> doors = [];
        DescriptorScan scan = new();
        foreach (ProcessFacts process in membership.Members.Select(member => member.Facts))
        {
            ulong inode = process.Namespaces.Network;
            // A member that ended leaves its namespace to the next one in it.
            if (inode != 0 && !doors.ContainsKey(inode) && NamespaceHandle.InodeOf(process.Pid) == inode)
            {
                doors[inode] = new NamespaceDoor(inode, string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Pid}/ns/net"));
            }

            scan.AddMember(process.Pid, process.StartTicks);
        }

        foreach ((ulong inode, string path) in scan.NamespaceLinks)
        {
            _ = doors.TryAdd(inode, new NamespaceDoor(inode, path));
        }

        return [.. doors.Values];
    }
}
