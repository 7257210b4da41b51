using System.Buffers.Binary;
using System.Net;

namespace ContainerIR.Linux;

/// <summary>
/// Lists sockets by sock_diag(7). Unlike /proc/net it knows bound sockets that do not listen (state 13, BOUND_INACTIVE, kernel 6.8), peers of unix
/// sockets, filters of packet sockets, byte counts. Layouts: include/uapi/linux/{inet_diag,unix_diag,packet_diag,netlink_diag}.h.
/// </summary>
internal static class SockDiag
{
    private const ushort SOCK_DIAG_BY_FAMILY = 20;
    private const int InetMessageBytes = 72;
    private const int Close = 7;
    private const int BoundInactive = 13;

    // INET_DIAG_MEMINFO 1, INET_DIAG_INFO 2, INET_DIAG_SKMEMINFO 7: bit (n - 1).
    private const byte InetExtensions = (1 << 0) | (1 << 1) | (1 << 6);

    private static readonly (string Name, int Family, int Protocol)[] InetKinds =
    [
        ("tcp", Libc.AF_INET, 6), ("tcp", Libc.AF_INET6, 6), ("udp", Libc.AF_INET, 17), ("udp", Libc.AF_INET6, 17), ("udplite", Libc.AF_INET, 136),
        ("udplite", Libc.AF_INET6, 136), ("sctp", Libc.AF_INET, 132), ("sctp", Libc.AF_INET6, 132), ("raw", Libc.AF_INET, 255), ("raw", Libc.AF_INET6, 255),
    ];

    // include/net/tcp_states.h
    private static readonly string[] States =
    [
        "", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
        "BOUND_INACTIVE",
    ];

    /// <summary>Name of a TCP state number; the number itself when unknown.</summary>
    public static string StateName(int state) => state >= 0 && state < States.Length ? States[state] : state.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Gives every socket of the namespace the netlink socket was opened in; problems are named, never swallowed.</summary>
    public static void List(NetlinkSocket netlink, Action<SocketEntry> take, Action<string, string> problem)
    {
        foreach ((string name, int family, int protocol) in InetKinds)
        {
            byte[] request = new byte[56];
            request[0] = (byte)family;
            request[1] = (byte)protocol;
            request[2] = InetExtensions;
            BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(4), uint.MaxValue);
            Dump(netlink, request, $"{name}, family {family}", protocol is 6 or 17, problem, payload => ParseInet(name, payload), take);
        }

        byte[] unix = new byte[24];
        unix[0] = Libc.AF_UNIX;
        BinaryPrimitives.WriteUInt32LittleEndian(unix.AsSpan(4), uint.MaxValue);
        BinaryPrimitives.WriteUInt32LittleEndian(unix.AsSpan(12), 0x1 | 0x2 | 0x4 | 0x10 | 0x40); // NAME VFS PEER RQLEN UID
        Dump(netlink, unix, "unix", true, problem, ParseUnix, take);

        byte[] packet = new byte[20];
        packet[0] = Libc.AF_PACKET;
        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(8), 0x1 | 0x10 | 0x20); // INFO MEMINFO FILTER
        Dump(netlink, packet, "packet", true, problem, ParsePacket, take);

        byte[] own = new byte[20];
        own[0] = Libc.AF_NETLINK;
        own[1] = 255; // NDIAG_PROTO_ALL
        BinaryPrimitives.WriteUInt32LittleEndian(own.AsSpan(8), 0x1);
        Dump(netlink, own, "netlink", true, problem, ParseNetlink, take);
    }

    /// <summary>struct inet_diag_msg and its attributes; null when too short.</summary>
    public static SocketEntry? ParseInet(string protocol, ReadOnlySpan<byte> message)
    {
        if (message.Length < InetMessageBytes)
        {
            return null;
        }

        int family = message[0];
        (ulong sent, ulong received, uint lastSent, uint lastReceived, ulong acknowledged)? info = null;
        uint? mark = null;
        ulong? cgroup = null;
        int subProtocol = 0;
        NetlinkAttributes attributes = new(message[InetMessageBytes..]);
        while (attributes.Next())
        {
            ReadOnlySpan<byte> value = attributes.Value;
            switch (attributes.Type)
            {
                // struct tcp_info: last_data_sent 44, last_data_recv 52, bytes_acked 120, bytes_received 128 (since 4.1), bytes_sent 200 (since 4.19).
                case 2 when value.Length >= 136:
                    ulong sent = value.Length >= 208 ? BinaryPrimitives.ReadUInt64LittleEndian(value[200..]) : BinaryPrimitives.ReadUInt64LittleEndian(value[120..]);
                    info = (sent, BinaryPrimitives.ReadUInt64LittleEndian(value[128..]), BinaryPrimitives.ReadUInt32LittleEndian(value[44..]),
                        BinaryPrimitives.ReadUInt32LittleEndian(value[52..]), BinaryPrimitives.ReadUInt64LittleEndian(value[120..]));
                    break;
                case 10 when value.Length >= 1:
                    subProtocol = value[0];
                    break;
                case 15 when value.Length >= 4:
                    mark = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
                case 21 when value.Length >= 8:
                    cgroup = BinaryPrimitives.ReadUInt64LittleEndian(value);
                    break;
            }
        }

        int state = message[1];
        bool isTcp = protocol is "tcp" or "sctp";
        return new SocketEntry
        {
            Protocol = protocol,
            Family = family,
            // The kernel answers CLOSE for a socket that is bound and nothing more; no other closed one is listed (inet_diag_dump_icsk).
            State = isTcp ? StateName(state == Close && message[4] + message[5] > 0 ? BoundInactive : state) : state == 1 ? "ESTABLISHED" : "UNCONNECTED",
            LocalPort = protocol == "raw" ? 0 : BinaryPrimitives.ReadUInt16BigEndian(message[4..]),
            RemotePort = BinaryPrimitives.ReadUInt16BigEndian(message[6..]),
            Local = Address(family, message[8..]),
            Remote = Address(family, message[24..]),
            InterfaceIndex = BinaryPrimitives.ReadUInt32LittleEndian(message[40..]),
            Timer = message[2] switch { 1 => "retransmit", 2 => "keepalive", 3 => "time-wait", 4 => "probe", _ => null },
            TimerMilliseconds = BinaryPrimitives.ReadUInt32LittleEndian(message[52..]),
            ReceiveQueue = BinaryPrimitives.ReadUInt32LittleEndian(message[56..]),
            SendQueue = BinaryPrimitives.ReadUInt32LittleEndian(message[60..]),
            Uid = BinaryPrimitives.ReadUInt32LittleEndian(message[64..]),
            Inode = BinaryPrimitives.ReadUInt32LittleEndian(message[68..]),
            SubProtocol = protocol == "raw" && subProtocol == 0 ? BinaryPrimitives.ReadUInt16BigEndian(message[4..]) : subProtocol,
            BytesSent = info?.sent,
            BytesReceived = info?.received,
            BytesAcknowledged = info?.acknowledged,
            LastSentMilliseconds = info?.lastSent,
            LastReceivedMilliseconds = info?.lastReceived,
            Mark = mark,
            CgroupId = cgroup,
            Source = SocketSource.SockDiag,
        };
    }

    /// <summary>struct unix_diag_msg { u8 family, type, state, pad; u32 ino; u32 cookie[2]; } and its attributes.</summary>
    public static SocketEntry? ParseUnix(ReadOnlySpan<byte> message)
    {
        if (message.Length < 16)
        {
            return null;
        }

        byte[] name = [];
        uint peer = 0, receive = 0, send = 0;
        long? uid = null;
        NetlinkAttributes attributes = new(message[16..]);
        while (attributes.Next())
        {
            ReadOnlySpan<byte> value = attributes.Value;
            switch (attributes.Type)
            {
                case 0:
                    // A name in a file system ends with a NUL the kernel adds; in an abstract one every NUL counts (unix(7)).
                    name = (value is [not 0, .., 0] ? value[..^1] : value).ToArray();
                    break;
                case 2 when value.Length >= 4:
                    peer = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
                case 4 when value.Length >= 8:
                    receive = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    send = BinaryPrimitives.ReadUInt32LittleEndian(value[4..]);
                    break;
                case 7 when value.Length >= 4:
                    uid = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
            }
        }

        return new SocketEntry
        {
            Protocol = "unix",
            Family = Libc.AF_UNIX,
            SocketType = message[1],
            State = message[2] switch { 1 => "ESTABLISHED", 10 => "LISTEN", 7 => "UNCONNECTED", var other => StateName(other) },
            Inode = BinaryPrimitives.ReadUInt32LittleEndian(message[4..]),
            Name = name,
            PeerInode = peer,
            ReceiveQueue = receive,
            SendQueue = send,
            Uid = uid,
            Source = SocketSource.SockDiag,
        };
    }

    /// <summary>struct packet_diag_msg { u8 family, type; u16 num; u32 ino; u32 cookie[2]; } and its attributes.</summary>
    public static SocketEntry? ParsePacket(ReadOnlySpan<byte> message)
    {
        if (message.Length < 16)
        {
            return null;
        }

        uint index = 0;
        long? uid = null;
        byte[] filter = [];
        NetlinkAttributes attributes = new(message[16..]);
        while (attributes.Next())
        {
            ReadOnlySpan<byte> value = attributes.Value;
            switch (attributes.Type)
            {
                case 0 when value.Length >= 4: // PACKET_DIAG_INFO: u32 index first
                    index = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
                case 5 when value.Length >= 4: // PACKET_DIAG_UID
                    uid = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
                case 7: // PACKET_DIAG_FILTER
                    filter = value.ToArray();
                    break;
            }
        }

        return new SocketEntry
        {
            Protocol = "packet",
            Family = Libc.AF_PACKET,
            SocketType = message[1],
            SubProtocol = BinaryPrimitives.ReadUInt16LittleEndian(message[2..]),
            Inode = BinaryPrimitives.ReadUInt32LittleEndian(message[4..]),
            InterfaceIndex = index,
            Uid = uid,
            Filter = filter,
            Source = SocketSource.SockDiag,
        };
    }

    /// <summary>struct netlink_diag_msg { u8 family, type, protocol, state; u32 portid, dst_portid, dst_group, ino, cookie[2]; }.</summary>
    public static SocketEntry? ParseNetlink(ReadOnlySpan<byte> message) => message.Length < 28
        ? null
        : new SocketEntry
        {
            Protocol = "netlink",
            Family = Libc.AF_NETLINK,
            SocketType = message[1],
            SubProtocol = message[2],
            PortId = BinaryPrimitives.ReadUInt32LittleEndian(message[4..]),
            Inode = BinaryPrimitives.ReadUInt32LittleEndian(message[16..]),
            Source = SocketSource.SockDiag,
        };

    private delegate SocketEntry? Parser(ReadOnlySpan<byte> payload);

    private static void Dump(
        NetlinkSocket netlink, byte[] request, string what, bool isExpected, Action<string, string> problem, Parser parse, Action<SocketEntry> take)
    {
        DumpResult result = default;
        // An interrupted dump is asked again: what comes twice is the same socket to the taker.
        for (int attempt = 0; attempt < 3; attempt++)
        {
            result = netlink.Dump(SOCK_DIAG_BY_FAMILY, request, (_, payload) =>
            {
                if (parse(payload) is { } entry)
                {
                    take(entry);
                }
            });
            if (!result.WasInterrupted)
            {
                break;
            }
        }

        if (result.Errno != 0 && (isExpected || !result.IsUnsupported))
        {
            problem($"sock_diag: {what}", Libc.Describe(result.Errno));
        }
        else if (result.WasInterrupted)
        {
            problem($"sock_diag: {what}", "the list changed while it was read, three times: entries may be missing");
        }
    }

    private static IPAddress? Address(int family, ReadOnlySpan<byte> bytes) => family switch
    {
        Libc.AF_INET => new IPAddress(bytes[..4]),
        Libc.AF_INET6 => new IPAddress(bytes[..16]),
        _ => null,
    };
}
