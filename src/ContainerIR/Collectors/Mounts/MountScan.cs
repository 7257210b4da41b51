using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Mounts;

/// <summary>One mount of one mount namespace of the container.</summary>
/// <param name="Namespace">Inode of the namespace.</param>
/// <param name="Pid">A process in it.</param>
/// <param name="Mount">The kernel's line.</param>
/// <param name="Origin">Who wanted it.</param>
/// <param name="IsCovered">Whether another mount lies over it or over the way to it.</param>
/// <param name="IsOfHost">Whether the host has the same file system mounted: a bind mount of its disk, its /dev/shm, its sockets.</param>
/// <param name="MayBlock">Whether a read of it may wait for a server for ever.</param>
internal sealed record SeenMount(ulong Namespace, int Pid, ProcMount Mount, MountOrigin Origin, bool IsCovered, bool IsOfHost, bool MayBlock);

/// <summary>Every mount of every mount namespace that only the container's processes are in.</summary>
internal sealed class MountScan
{
    private const int MaxNamespaces = 64;

    private MountScan(List<SeenMount> mounts, ExpectedMounts expected) => (Mounts, Expected) = (mounts, expected);

    /// <summary>The mounts, the first process's namespace first.</summary>
    public IReadOnlyList<SeenMount> Mounts { get; }

    /// <summary>What was configured.</summary>
    public ExpectedMounts Expected { get; }

    /// <summary>Reads the tables; null after a gap when there are none.</summary>
    public static MountScan? Read(ContainerRef container, string prefix, IEvidenceSink sink, string sought, CancellationToken ct)
    {
        if (ContainerScope.Find(container, sink, sought, BootClock.Take(), ct) is not { } members)
        {
            return null;
        }

        var expected = ExpectedMounts.Of(container, prefix);
        using ProcEntry? self = ProcEntry.Open(Environment.ProcessId, out _);
        ProcMounts host = self is null ? ProcMounts.Parse([]) : ProcMounts.Read(self, out _);
        HashSet<(uint, uint)> hostDevices = [.. host.All.Select(mount => (mount.DeviceMajor, mount.DeviceMinor))];
        List<SeenMount> seen = [];
        List<SeenMount> ofInit = [];
        MountPlaces? initPlaces = null;
        HashSet<ulong> known = [];
        foreach (Member member in members.Members.OrderBy(member => member.Facts.Pid == members.Init.Pid ? 0 : 1))
        {
            ct.ThrowIfCancellationRequested();
            ulong space = member.Facts.Namespaces.Mount;
            bool isInit = member.Facts.Pid == members.Init.Pid;
            if (space == 0 || members.HostNamespaces.Contains(space) || !known.Add(space))
            {
                continue;
            }

            if (known.Count > MaxNamespaces)
            {
                sink.AddGap($"{sought}: mount namespaces after the first {MaxNamespaces}", "the container made more than are looked at");
                break;
            }

            using ProcEntry? process = ProcEntry.Open(member.Facts.Pid, out int errno);
            Bytes raw = new([], false, errno);
            ProcMounts table = process is null ? ProcMounts.Parse([]) : ProcMounts.Read(process, out raw);
            if (!raw.IsRead || raw.IsCut || table.All.Count == 0)
            {
                sink.AddGap($"{sought}: mount table of process {member.Facts.Pid}", raw.IsCut ? $"cut after {raw.Content.Length} bytes" : raw.IsRead ? "it is empty" : Libc.Describe(raw.Errno));
                known.Remove(space);
                continue;
            }

            if (members.Init.RootDevice is var (major, minor))
            {
                table.Trust(major, minor);
            }

            MountPlaces places = new(table);
            List<SeenMount> here = [.. table.All.Select((mount, position) => new SeenMount(
                space, member.Facts.Pid, mount, OriginOf(mount, position, places, isInit ? null : initPlaces, ofInit, expected), places.IsCovered(mount, position),
                hostDevices.Contains((mount.DeviceMajor, mount.DeviceMinor)), table.MayBlock(mount)))];
            (ofInit, initPlaces) = isInit ? (here, places) : (ofInit, initPlaces);
            seen.AddRange(here);
        }

        return new(seen, expected);
    }

    // A namespace made later starts as a copy: a mount of it that the first process has too is what it is there. Only one mount at a place was configured:
    // the first one there.
    private static MountOrigin OriginOf(ProcMount mount, int position, MountPlaces places, MountPlaces? ofInit, List<SeenMount> init, ExpectedMounts expected)
    {
        if (ofInit is not null)
        {
            return ofInit.At(mount.MountPoint).Select(index => init[index]).FirstOrDefault(known => known.Mount.ShowsSameAs(mount))?.Origin ?? MountOrigin.NotConfigured;
        }

        return places.At(mount.MountPoint)[0] == position ? expected.OriginOf(mount) : MountOrigin.NotConfigured;
    }
}

/// <summary>Lines of a mount table by place: a hostile table has a hundred thousand of them.</summary>
internal sealed class MountPlaces
{
    // A place with more mounts than this answers with the first ones alone.
    private const int MaxAtPlace = 64;

    private readonly ProcMounts table;
    private readonly Dictionary<string, List<int>> places = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> last = new(StringComparer.Ordinal);

    public MountPlaces(ProcMounts table)
    {
        this.table = table;
        for (int i = 0; i < table.All.Count; i++)
        {
            string place = Key(table.All[i].MountPoint);
            List<int> at = places.TryGetValue(place, out List<int>? known) ? known : places[place] = [];
            if (at.Count < MaxAtPlace)
            {
                at.Add(i);
            }

            last[place] = i;
        }
    }

    /// <summary>Positions of the mounts at a place, in the kernel's order.</summary>
    public IReadOnlyList<int> At(ReadOnlySpan<byte> place) => places.TryGetValue(Key(place), out List<int>? known) ? known : [];

    /// <summary>Whether another mount, later in the table and not on the way to it, lies at its place or at one above: then no path leads to it.</summary>
    public bool IsCovered(ProcMount mount, int position)
    {
        HashSet<ulong> way = [];
        for (ProcMount? above = mount; above is not null && way.Add(above.Id); above = table.Find(above.ParentId))
        {
        }

        for (int length = mount.MountPoint.Length; length > 0; length = mount.MountPoint.AsSpan(0, length).LastIndexOf((byte)'/'))
        {
            if (last.TryGetValue(Key(mount.MountPoint.AsSpan(0, length)), out int cover) && cover > position && !way.Contains(table.All[cover].Id))
            {
                return true;
            }
        }

        return last.TryGetValue("/", out int root) && root > position && !way.Contains(table.All[root].Id);
    }

    private static string Key(ReadOnlySpan<byte> place) => System.Text.Encoding.Latin1.GetString(place);
}
