namespace ContainerIR.Linux.Trees;

/// <summary>
/// Names of objects that have several, so that later names become links to the first. Only objects with a link count above one are kept, each until
/// all its names were seen, and <see cref="MaxBytes"/> in all: beyond that, later objects are stored once for every name.
/// </summary>
internal sealed class HardLinks
{
    /// <summary>Memory for names, roughly.</summary>
    public const long MaxBytes = 32 * 1024 * 1024;

    private const int OverheadBytes = 200;

    private readonly Dictionary<ObjectKey, (FirstName Name, uint Left)> seen = [];
    private long bytes;

    /// <summary>Objects whose names were not remembered.</summary>
    public long Forgotten { get; private set; }

    /// <summary>The first name of this object, if it was seen before.</summary>
    public FirstName? Find(in StatX stat)
    {
        if (stat.stx_nlink < 2)
        {
            return null;
        }

        ObjectKey key = ObjectKey.Of(stat);
        if (!seen.TryGetValue(key, out (FirstName Name, uint Left) entry))
        {
            return null;
        }

        if (entry.Left <= 1)
        {
            seen.Remove(key);
            bytes -= entry.Name.Path.Length + OverheadBytes;
        }
        else
        {
            seen[key] = (entry.Name, entry.Left - 1);
        }

        return entry.Name;
    }

    /// <summary>Remembers the first name of an object that has more.</summary>
    public void Remember(in StatX stat, ReadOnlySpan<byte> path, byte[]? sha256)
    {
        if (stat.stx_nlink < 2)
        {
            return;
        }

        if (bytes + path.Length + OverheadBytes > MaxBytes)
        {
            Forgotten++;
            return;
        }

        if (seen.TryAdd(ObjectKey.Of(stat), (new(path.ToArray(), sha256), stat.stx_nlink - 1)))
        {
            bytes += path.Length + OverheadBytes;
        }
    }
}

/// <summary>The name an object was stored under, and the hash of its content where it has one.</summary>
internal sealed record FirstName(byte[] Path, byte[]? Sha256);

/// <summary>One object of a file system. The birth time tells a reused inode number from the object that had it before.</summary>
internal readonly record struct ObjectKey(uint DevMajor, uint DevMinor, ulong Inode, UnixTime Born)
{
    public static ObjectKey Of(in StatX stat) => new(stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino, UnixTime.From(stat.stx_btime));
}
