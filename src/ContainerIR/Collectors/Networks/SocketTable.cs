using ContainerIR.Linux;

namespace ContainerIR.Collectors.Networks;

/// <summary>The sockets of one namespace, both lists of the kernel joined: the same socket in both is one entry that says so.</summary>
internal sealed class SocketTable(ulong exceptInodeA, ulong exceptInodeB, ulong exceptInodeC)
{
    /// <summary>Most sockets held of one namespace; the raw tables are not bounded by it.</summary>
    public const int MaxSockets = 200_000;

    private readonly Dictionary<(string, int, ulong, string), SocketEntry> entries = [];

    /// <summary>The sockets.</summary>
    public IReadOnlyCollection<SocketEntry> Entries => entries.Values;

    /// <summary>Inodes of the sockets.</summary>
    public HashSet<ulong> Inodes { get; } = [];

    /// <summary>Whether some were left out.</summary>
    public bool IsCut { get; private set; }

    public void Add(SocketEntry entry)
    {
        if (entry.Inode != 0 && (entry.Inode == exceptInodeA || entry.Inode == exceptInodeB || entry.Inode == exceptInodeC))
        {
            return;
        }

        if (entries.TryGetValue(entry.Identity, out SocketEntry? known))
        {
            if ((known.Source & entry.Source) == 0)
            {
                // sock_diag knows more and its names are the bytes; /proc only confirms.
                entries[entry.Identity] = (known.Source.HasFlag(SocketSource.SockDiag) ? known : entry) with { Source = known.Source | entry.Source };
            }

            return;
        }

        if (entries.Count >= MaxSockets)
        {
            IsCut = true;
            return;
        }

        entries[entry.Identity] = entry;
        if (entry.Inode != 0)
        {
            Inodes.Add(entry.Inode);
        }
    }
}
