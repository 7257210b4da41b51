using System.Buffers.Text;
using System.Globalization;

namespace ContainerIR.Linux;

/// <summary>One open descriptor of a process.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Target">Text of the link.</param>
/// <param name="Flags">O_* flags as opened.</param>
/// <param name="Position">Offset.</param>
/// <param name="MountId">Mount of the file.</param>
/// <param name="InFlight">Descriptors waiting in this unix socket's queue (<c>scm_fds</c>): open, and in nobody's table.</param>
/// <param name="Info">fdinfo as read.</param>
/// <param name="Stat">What the file is, where it has a path; null for sockets, pipes and the like, and where it could not be held.</param>
internal sealed record ProcDescriptor(int Number, byte[] Target, uint Flags, long Position, ulong MountId, int InFlight, Bytes Info, StatX? Stat)
{
    /// <summary>Inode of a socket; 0 when it is none.</summary>
    public ulong SocketInode => Target.AsSpan().StartsWith("socket:["u8) ? ProcEntry.NamespaceInode(Target) : 0;

    /// <summary>Whether it is a regular file no name leads to.</summary>
    public bool IsDeletedFile => IsRegularFile && Stat is { stx_nlink: 0 };

    /// <summary>Whether it is a regular file.</summary>
    public bool IsRegularFile => Stat is { } stat && (stat.stx_mode & 0xF000) == 0x8000;

    /// <summary>Reads one; null when it was closed meanwhile.</summary>
    public static ProcDescriptor? Read(ProcEntry process, int number)
    {
        string name = number.ToString(CultureInfo.InvariantCulture);
        Bytes target = process.ReadLink("fd/" + name);
        if (!target.IsRead)
        {
            return null;
        }

        Bytes info = process.Read("fdinfo/" + name, 64 * 1024);
        uint flags = 0;
        long position = 0;
        ulong mount = 0;
        int inFlight = 0;
        foreach (Range range in info.Content.AsSpan().Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = info.Content.AsSpan()[range];
            int colon = line.IndexOf((byte)':');
            if (colon < 0)
            {
                continue;
            }

            ReadOnlySpan<byte> key = line[..colon], value = line[(colon + 1)..].Trim(" \t"u8);
            if (key.SequenceEqual("flags"u8))
            {
                flags = Octal(value);
            }
            else if (key.SequenceEqual("pos"u8))
            {
                _ = Utf8Parser.TryParse(value, out position, out _);
            }
            else if (key.SequenceEqual("mnt_id"u8))
            {
                _ = Utf8Parser.TryParse(value, out mount, out _);
            }
            else if (key.SequenceEqual("scm_fds"u8))
            {
                _ = Utf8Parser.TryParse(value, out inFlight, out _);
            }
        }

        StatX? stat = null;
        if (target.Content is [(byte)'/', ..])
        {
            using Descriptor? handle = process.Open("fd/" + name, Libc.O_PATH, out _);
            stat = handle is not null && handle.TryStat(out StatX found, out _) ? found : null;
        }

        return new ProcDescriptor(number, target.Content, flags, position, mount, inFlight, info, stat);
    }

    private static uint Octal(ReadOnlySpan<byte> text)
    {
        uint value = 0;
        foreach (byte c in text)
        {
            value = c is >= (byte)'0' and <= (byte)'7' ? (value << 3) | (uint)(c - '0') : value;
        }

        return value;
    }
}
