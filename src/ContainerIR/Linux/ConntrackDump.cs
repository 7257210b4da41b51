using System.Buffers.Binary;
using System.Globalization;
using System.Net;

namespace ContainerIR.Linux;

/// <summary>
/// The tracked flows of a network namespace by ctnetlink (include/uapi/linux/netfilter/nfnetlink_conntrack.h): it takes the table's entries one by one,
/// where the text of /proc/net/nf_conntrack may not even be compiled in.
/// </summary>
internal static class ConntrackDump
{
    private const ushort IPCTNL_MSG_CT_NEW = 1 << 8, IPCTNL_MSG_CT_GET = (1 << 8) | 1; // NFNL_SUBSYS_CTNETLINK
    private const uint IPS_SEEN_REPLY = 2, IPS_ASSURED = 4;

    // enum tcp_conntrack, nf_conntrack_tcp.h; the names /proc/net/nf_conntrack prints.
    private static readonly string[] TcpStates = ["NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2"];

    /// <summary>Gives every flow to the callback.</summary>
    /// <param name="netlink">NETLINK_NETFILTER of the namespace.</param>
    /// <param name="take">Called for each.</param>
    /// <param name="malformed">Entries without two directions.</param>
    public static DumpResult List(NetlinkSocket netlink, Action<TrackedFlow> take, out int malformed)
    {
        int unread = 0;
        // struct nfgenmsg: u8 family (0: all), u8 version, be16 resource.
        DumpResult result = netlink.Dump(IPCTNL_MSG_CT_GET, new byte[4], (type, payload) =>
        {
            if (type != IPCTNL_MSG_CT_NEW || payload.Length < 4)
            {
                return;
            }

            if (Parse(payload[4..]) is { } flow)
            {
                take(flow);
            }
            else
            {
                unread++;
            }
        });
        malformed = unread;
        return result;
    }

    /// <summary>Parses the attributes of one entry; null when it has not both directions.</summary>
    public static TrackedFlow? Parse(ReadOnlySpan<byte> attributes)
    {
        Tuple? original = null, reply = null;
        (ulong? Packets, ulong? Bytes) sent = default, received = default;
        uint status = 0;
        uint? left = null, mark = null;
        string state = "";
        NetlinkAttributes each = new(attributes);
        while (each.Next())
        {
            ReadOnlySpan<byte> value = each.Value;
            switch (each.Type)
            {
                case 1: // CTA_TUPLE_ORIG
                    original = Tuple.Parse(value);
                    break;
                case 2: // CTA_TUPLE_REPLY
                    reply = Tuple.Parse(value);
                    break;
                case 3 when value.Length >= 4: // CTA_STATUS
                    status = BinaryPrimitives.ReadUInt32BigEndian(value);
                    break;
                case 4: // CTA_PROTOINFO
                    state = State(value);
                    break;
                case 7 when value.Length >= 4: // CTA_TIMEOUT
                    left = BinaryPrimitives.ReadUInt32BigEndian(value);
                    break;
                case 8 when value.Length >= 4: // CTA_MARK
                    mark = BinaryPrimitives.ReadUInt32BigEndian(value);
                    break;
                case 9: // CTA_COUNTERS_ORIG
                    sent = Counters(value);
                    break;
                case 10: // CTA_COUNTERS_REPLY
                    received = Counters(value);
                    break;
            }
        }

        return original is not { } one || reply is not { } other
            ? null
            : new TrackedFlow(
                ProtocolName(one.Protocol), state, left, one.With(sent), other.With(received),
                IsAssured: (status & IPS_ASSURED) != 0, IsUnreplied: (status & IPS_SEEN_REPLY) == 0, mark);
    }

    private static string ProtocolName(byte number) => number switch
    {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        33 => "dccp",
        47 => "gre",
        58 => "icmpv6",
        132 => "sctp",
        136 => "udplite",
        _ => "protocol-" + number.ToString(CultureInfo.InvariantCulture),
    };

    private static string State(ReadOnlySpan<byte> info)
    {
        NetlinkAttributes protocols = new(info);
        while (protocols.Next())
        {
            NetlinkAttributes fields = new(protocols.Type == 1 ? protocols.Value : default); // CTA_PROTOINFO_TCP
            while (fields.Next())
            {
                if (fields.Type == 1 && fields.Value.Length >= 1) // CTA_PROTOINFO_TCP_STATE
                {
                    return fields.Value[0] < TcpStates.Length ? TcpStates[fields.Value[0]] : fields.Value[0].ToString(CultureInfo.InvariantCulture);
                }
            }
        }

        return "";
    }

    private static (ulong? Packets, ulong? Bytes) Counters(ReadOnlySpan<byte> value)
    {
        (ulong? Packets, ulong? Bytes) counters = default;
        NetlinkAttributes fields = new(value);
        while (fields.Next())
        {
            if (fields.Value.Length >= 8 && fields.Type is 1 or 2) // CTA_COUNTERS_PACKETS, CTA_COUNTERS_BYTES
            {
                ulong number = BinaryPrimitives.ReadUInt64BigEndian(fields.Value);
                counters = fields.Type == 1 ? (number, counters.Bytes) : (counters.Packets, number);
            }
        }

        return counters;
    }

    private readonly record struct Tuple(IPAddress? Source, IPAddress? Destination, byte Protocol, int SourcePort, int DestinationPort)
    {
        public FlowTuple With((ulong? Packets, ulong? Bytes) counters) => new(Source, Destination, SourcePort, DestinationPort, counters.Packets, counters.Bytes);

        public static Tuple Parse(ReadOnlySpan<byte> value)
        {
            Tuple tuple = default;
            NetlinkAttributes parts = new(value);
            while (parts.Next())
            {
                NetlinkAttributes fields = new(parts.Value);
                while (fields.Next())
                {
                    ReadOnlySpan<byte> field = fields.Value;
                    tuple = (parts.Type, fields.Type) switch
                    {
                        (1, 1 or 3) when field.Length is 4 or 16 => tuple with { Source = new IPAddress(field) }, // CTA_IP_V4_SRC, CTA_IP_V6_SRC
                        (1, 2 or 4) when field.Length is 4 or 16 => tuple with { Destination = new IPAddress(field) },
                        (2, 1) when field.Length >= 1 => tuple with { Protocol = field[0] }, // CTA_PROTO_NUM
                        (2, 2) when field.Length >= 2 => tuple with { SourcePort = BinaryPrimitives.ReadUInt16BigEndian(field) },
                        (2, 3) when field.Length >= 2 => tuple with { DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(field) },
                        _ => tuple,
                    };
                }
            }

            return tuple;
        }
    }
}
