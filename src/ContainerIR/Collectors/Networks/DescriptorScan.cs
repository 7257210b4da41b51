using System.Globalization;
using ContainerIR.Linux;

namespace ContainerIR.Collectors.Networks;

/// <summary>A descriptor that holds a socket.</summary>
internal readonly record struct SocketHold(int Pid, int Descriptor, bool IsMember);

/// <summary>Which process holds which socket, and through which descriptors namespaces are kept alive. Links are read, nothing is opened.</summary>
internal sealed class DescriptorScan
{
    private const int MaxPerProcess = 65_536;
    private const int MaxHolders = 64;
    private const int MaxThreads = 512;
    private const int MaxForeignLinks = 200_000;
    private readonly Dictionary<ulong, List<SocketHold>> holders = [];
    private int foreignLinks;

    /// <summary>Descriptors of network namespaces: inode, and the path below /proc that opens it.</summary>
    public Dictionary<ulong, string> NamespaceLinks { get; } = [];

    /// <summary>Every socket inode a member holds.</summary>
    public IEnumerable<KeyValuePair<ulong, List<SocketHold>>> All => holders;

    /// <summary>Whether the search among other processes ended at its limit.</summary>
    public bool IsForeignCut => foreignLinks >= MaxForeignLinks;

    /// <summary>Holders of a socket, members first; empty when nobody is known.</summary>
    public IReadOnlyList<SocketHold> HoldersOf(ulong inode) => holders.TryGetValue(inode, out List<SocketHold>? list) ? list : [];

    /// <summary>Reads a member's descriptors, those of threads with a table of their own too.</summary>
    public void AddMember(int pid, ulong startTicks)
    {
        using ProcEntry? process = ProcEntry.Open(pid, out _);
        if (process is null || ProcStat.Parse(process.Read("stat", 4096).Content) is not { } stat || stat.StartTicks != startTicks)
        {
            return;
        }

        string folder = $"/proc/{pid.ToString(CultureInfo.InvariantCulture)}";
        Add(process, folder, pid, isMember: true);
        if (stat.ThreadCount < 2 && !stat.IsZombie)
        {
            return;
        }

        ulong leaderNetwork = process.Namespace("net");
        foreach (int tid in process.Numbers("task", MaxThreads, out _))
        {
            if (tid == pid || process.OpenThread(tid, out _) is not { } thread)
            {
                continue;
            }

            using (thread)
            {
                string below = $"{folder}/task/{tid.ToString(CultureInfo.InvariantCulture)}";
                if (stat.IsZombie || Libc.CompareTasks(pid, tid, Libc.KCMP_FILES) > 0)
                {
                    Add(thread, below, pid, isMember: true);
                }

                ulong network = thread.Namespace("net");
                if (network != 0 && network != leaderNetwork)
                {
                    NamespaceLinks.TryAdd(network, below + "/ns/net");
                }
            }
        }
    }

    /// <summary>Reads the descriptors of a process of somebody else, looking only for these sockets.</summary>
    public void AddForeign(int pid, IReadOnlySet<ulong> wanted)
    {
        using ProcEntry? process = foreignLinks < MaxForeignLinks ? ProcEntry.Open(pid, out _) : null;
        if (process is not null)
        {
            Add(process, "", pid, isMember: false, wanted);
        }
    }

    private void Add(ProcEntry process, string folder, int pid, bool isMember, IReadOnlySet<ulong>? wanted = null)
    {
        foreach (int number in process.Numbers("fd", MaxPerProcess, out _))
        {
            Bytes link = process.ReadLink("fd/" + number.ToString(CultureInfo.InvariantCulture));
            foreignLinks += isMember ? 0 : 1;
            if (link.Content.AsSpan().StartsWith("socket:["u8))
            {
                ulong inode = ProcEntry.NamespaceInode(link.Content);
                if (inode != 0 && (wanted is null || wanted.Contains(inode)))
                {
                    if (!holders.TryGetValue(inode, out List<SocketHold>? list))
                    {
                        holders[inode] = list = [];
                    }

                    if (list.Count < MaxHolders)
                    {
                        list.Add(new SocketHold(pid, number, isMember));
                    }
                }
            }
            else if (isMember && link.Content.AsSpan().StartsWith("net:["u8))
            {
                NamespaceLinks.TryAdd(ProcEntry.NamespaceInode(link.Content), $"{folder}/fd/{number.ToString(CultureInfo.InvariantCulture)}");
            }
        }
    }
}
