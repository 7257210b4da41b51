using System.Buffers.Binary;
using System.Net;

namespace ContainerIR.Linux;

/// <summary>
/// Lines of /proc/net socket tables (proc_pid_net(5)): the second opinion to sock_diag, and the only list of ICMP sockets. Lines that are not of
/// the form are null; the caller counts them.
/// </summary>
internal static class ProcNetTables
{
    /// <summary>Tables that list sockets, with the protocol and family they are of.</summary>
    public static (string Protocol, int Family)? Kind(string table) => table switch
    {
        "tcp" or "udp" or "udplite" or "raw" or "icmp" => (table, Libc.AF_INET),
        "tcp6" or "udp6" or "udplite6" or "raw6" or "icmp6" => (table[..^1], Libc.AF_INET6),
        "unix" => ("unix", Libc.AF_UNIX),
        "packet" => ("packet", Libc.AF_PACKET),
        "netlink" => ("netlink", Libc.AF_NETLINK),
        _ => null,
    };

    /// <summary>Parses one line that is not the header.</summary>
    public static SocketEntry? ParseLine(string protocol, int family, ReadOnlySpan<byte> line) => family switch
    {
        Libc.AF_UNIX => ParseUnix(line),
        Libc.AF_PACKET => ParsePacket(line),
        Libc.AF_NETLINK => ParseNetlink(line),
        _ => ParseInet(protocol, family, line),
    };

    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ...
    private static SocketEntry? ParseInet(string protocol, int family, ReadOnlySpan<byte> line)
    {
        Span<Range> f = stackalloc Range[10];
        if (ByteFields.Split(line, f) < 10
            || !TryEnd(family, line[f[1]], out IPAddress? local, out int localPort)
            || !TryEnd(family, line[f[2]], out IPAddress? remote, out int remotePort)
            || !ByteFields.TryHex(line[f[3]], out ulong state)
            || line[f[4]] is not { Length: 17 } queues
            || !ByteFields.TryHex(queues[..8], out ulong send) || !ByteFields.TryHex(queues[9..], out ulong receive)
            || !ByteFields.TryDecimal(line[f[7]], out ulong uid) || !ByteFields.TryDecimal(line[f[9]], out ulong inode))
        {
            return null;
        }

        bool isRaw = protocol is "raw" or "icmp";
        return new SocketEntry
        {
            Protocol = protocol,
            Family = family,
            State = protocol == "tcp" ? SockDiag.StateName((int)Math.Min(state, 255)) : state == 1 ? "ESTABLISHED" : "UNCONNECTED",
            Local = local,
            LocalPort = protocol == "raw" ? 0 : localPort,
            Remote = remote,
            RemotePort = remotePort,
            SubProtocol = isRaw ? protocol == "raw" ? localPort : family == Libc.AF_INET ? 1 : 58 : 0,
            SendQueue = (uint)send,
            ReceiveQueue = (uint)receive,
            Uid = (long)Math.Min(uid, uint.MaxValue),
            Inode = inode,
            Source = SocketSource.Proc,
        };
    }

    // Num: RefCount Protocol Flags Type St Inode Path
    private static SocketEntry? ParseUnix(ReadOnlySpan<byte> line)
    {
        Span<Range> f = stackalloc Range[7];
        if (ByteFields.Split(line, f) < 7 || !ByteFields.TryHex(line[f[3]], out ulong flags) || !ByteFields.TryHex(line[f[4]], out ulong type)
            || !ByteFields.TryHex(line[f[5]], out ulong state) || !ByteFields.TryDecimal(line[f[6]], out ulong inode))
        {
            return null;
        }

        // The path is the rest behind one space and may hold anything but newline; abstract names are shown with '@' for NUL.
        int end = f[6].End.GetOffset(line.Length);
        byte[] name = end + 1 < line.Length ? line[(end + 1)..].ToArray() : [];
        if (name is [(byte)'@', ..])
        {
            name[0] = 0;
        }

        return new SocketEntry
        {
            Protocol = "unix",
            Family = Libc.AF_UNIX,
            SocketType = (int)Math.Min(type, 255),
            // SS_UNCONNECTED 1, SS_CONNECTING 2, SS_CONNECTED 3; __SO_ACCEPTCON 0x10000 listens.
            State = (flags & 0x10000) != 0 ? "LISTEN" : state == 3 ? "ESTABLISHED" : "UNCONNECTED",
            Inode = inode,
            Name = name,
            Source = SocketSource.Proc,
        };
    }

    // sk RefCnt Type Proto Iface R Rmem User Inode
    private static SocketEntry? ParsePacket(ReadOnlySpan<byte> line)
    {
        Span<Range> f = stackalloc Range[9];
        return ByteFields.Split(line, f) < 9 || !ByteFields.TryDecimal(line[f[2]], out ulong type) || !ByteFields.TryHex(line[f[3]], out ulong proto)
            || !ByteFields.TryDecimal(line[f[4]], out ulong iface) || !ByteFields.TryDecimal(line[f[7]], out ulong uid)
            || !ByteFields.TryDecimal(line[f[8]], out ulong inode)
            ? null
            : new SocketEntry
            {
                Protocol = "packet",
                Family = Libc.AF_PACKET,
                SocketType = (int)Math.Min(type, 255),
                SubProtocol = (int)Math.Min(proto, 65535),
                InterfaceIndex = (uint)iface,
                Uid = (long)Math.Min(uid, uint.MaxValue),
                Inode = inode,
                Source = SocketSource.Proc,
            };
    }

    // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    private static SocketEntry? ParseNetlink(ReadOnlySpan<byte> line)
    {
        Span<Range> f = stackalloc Range[10];
        return ByteFields.Split(line, f) < 10 || !ByteFields.TryDecimal(line[f[1]], out ulong kind) || !ByteFields.TryDecimal(line[f[2]], out ulong port)
            || !ByteFields.TryDecimal(line[f[9]], out ulong inode)
            ? null
            : new SocketEntry
            {
                Protocol = "netlink",
                Family = Libc.AF_NETLINK,
                SubProtocol = (int)Math.Min(kind, 255),
                PortId = (uint)port,
                Inode = inode,
                Source = SocketSource.Proc,
            };
    }

    // Address words stand as the machine holds them: on the little-endian machines we run on, each u32 is byte-swapped network order.
    private static bool TryEnd(int family, ReadOnlySpan<byte> text, out IPAddress? address, out int port)
    {
        address = null;
        port = 0;
        int colon = text.IndexOf((byte)':');
        int digits = family == Libc.AF_INET ? 8 : 32;
        if (colon != digits || !ByteFields.TryHex(text[(colon + 1)..], out ulong number) || number > 65535)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[digits / 2];
        for (int i = 0; i < digits; i += 8)
        {
            if (!ByteFields.TryHex(text.Slice(i, 8), out ulong word))
            {
                return false;
            }

            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(i / 2)..], (uint)word);
        }

        address = new IPAddress(bytes);
        port = (int)number;
        return true;
    }
}
