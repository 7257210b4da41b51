using System.Buffers.Binary;

namespace ContainerIR.Collectors.Traffic;

/// <summary>
/// Addresses, ports and payload of one IP packet. Every length in a packet is the sender's claim: all are held against the bytes that are there, and
/// every chain has a bound.
/// </summary>
internal readonly struct PacketHeaders
{
    public const byte Tcp = 6;
    public const byte Udp = 17;
    public const ushort IPv4 = 0x0800;
    public const ushort IPv6 = 0x86dd;

    private const int MostVlanTags = 4;
    private const int MostExtensions = 8;

    /// <summary>4 or 6.</summary>
    public byte Version { get; private init; }

    /// <summary>IP protocol number.</summary>
    public byte Protocol { get; private init; }

    /// <summary>Source address, most significant byte first; IPv4 in the low 32 bits.</summary>
    public UInt128 Source { get; private init; }

    /// <summary>Destination address.</summary>
    public UInt128 Destination { get; private init; }

    /// <summary>Ports of TCP, UDP, SCTP, DCCP and UDP-Lite; 0 for others and for all but the first fragment.</summary>
    public ushort SourcePort { get; private init; }

    /// <inheritdoc cref="SourcePort"/>
    public ushort DestinationPort { get; private init; }

    /// <summary>Flag byte of TCP: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32.</summary>
    public byte TcpFlags { get; private init; }

    /// <summary>Where the payload of TCP or UDP begins, in the bytes parsed.</summary>
    public int PayloadOffset { get; private init; }

    /// <summary>How much payload of TCP or UDP is there.</summary>
    public int PayloadBytes { get; private init; }

    /// <summary>Reads an Ethernet frame.</summary>
    public static bool TryParseEthernet(ReadOnlySpan<byte> frame, out PacketHeaders headers)
    {
        headers = default;
        int at = 12;
        for (int tags = 0; tags <= MostVlanTags; tags++, at += 4)
        {
            if (frame.Length < at + 2)
            {
                return false;
            }

            ushort type = BinaryPrimitives.ReadUInt16BigEndian(frame[at..]);
            if (type is not (0x8100 or 0x88a8 or 0x9100))
            {
                return TryParseIP(frame, at + 2, type, out headers);
            }
        }

        return false;
    }

    /// <summary>Reads the packet that stands at an offset, of the kind its EtherType names.</summary>
    public static bool TryParseIP(ReadOnlySpan<byte> bytes, int offset, ushort etherType, out PacketHeaders headers)
    {
        headers = default;
        if (offset > bytes.Length)
        {
            return false;
        }

        return etherType switch
        {
            IPv4 => TryParse4(bytes, offset, out headers),
            IPv6 => TryParse6(bytes, offset, out headers),
            _ => false,
        };
    }

    private static bool TryParse4(ReadOnlySpan<byte> bytes, int offset, out PacketHeaders headers)
    {
        headers = default;
        ReadOnlySpan<byte> ip = bytes[offset..];
        if (ip.Length < 20 || ip[0] >> 4 != 4)
        {
            return false;
        }

        int headerBytes = (ip[0] & 15) * 4;
        int total = BinaryPrimitives.ReadUInt16BigEndian(ip[2..]);
        total = total == 0 ? ip.Length : Math.Min(total, ip.Length); // 0: a segment that offload has not split
        if (headerBytes < 20 || headerBytes > total)
        {
            return false;
        }

        headers = Transport(
            bytes,
            offset + headerBytes,
            offset + total,
            isFirst: (BinaryPrimitives.ReadUInt16BigEndian(ip[6..]) & 0x1fff) == 0,
            new PacketHeaders
            {
                Version = 4,
                Protocol = ip[9],
                Source = BinaryPrimitives.ReadUInt32BigEndian(ip[12..]),
                Destination = BinaryPrimitives.ReadUInt32BigEndian(ip[16..]),
            });
        return true;
    }

    private static bool TryParse6(ReadOnlySpan<byte> bytes, int offset, out PacketHeaders headers)
    {
        headers = default;
        ReadOnlySpan<byte> ip = bytes[offset..];
        if (ip.Length < 40 || ip[0] >> 4 != 6)
        {
            return false;
        }

        int payload = BinaryPrimitives.ReadUInt16BigEndian(ip[4..]);
        int end = payload == 0 ? ip.Length : Math.Min(40 + payload, ip.Length); // 0: jumbogram or offload
        byte next = ip[6];
        int at = 40;
        bool isFirst = true;
        for (int i = 0; i < MostExtensions && IsExtension(next) && isFirst && at + 8 <= end; i++)
        {
            byte extension = next;
            next = ip[at];
            isFirst = extension != 44 || (BinaryPrimitives.ReadUInt16BigEndian(ip[(at + 2)..]) & 0xfff8) == 0;
            at += extension switch { 44 => 8, 51 => (ip[at + 1] + 2) * 4, _ => (ip[at + 1] + 1) * 8 };
        }

        headers = Transport(
            bytes,
            offset + Math.Min(at, end),
            offset + end,
            isFirst && !IsExtension(next),
            new PacketHeaders
            {
                Version = 6,
                Protocol = next,
                Source = BinaryPrimitives.ReadUInt128BigEndian(ip[8..]),
                Destination = BinaryPrimitives.ReadUInt128BigEndian(ip[24..]),
            });
        return true;
    }

    // Hop-by-hop, routing, fragment, authentication, destination options, mobility, HIP, Shim6: RFC 8200 section 4, RFC 7045.
    private static bool IsExtension(byte next) => next is 0 or 43 or 44 or 51 or 60 or 135 or 139 or 140;

    private static PacketHeaders Transport(ReadOnlySpan<byte> bytes, int at, int end, bool isFirst, PacketHeaders ip)
    {
        ReadOnlySpan<byte> segment = bytes[at..end];
        if (!isFirst || segment.Length < 4 || ip.Protocol is not (Tcp or Udp or 33 or 132 or 136))
        {
            return ip;
        }

        int headerBytes = ip.Protocol switch
        {
            Udp when segment.Length >= 8 => 8,
            Tcp when segment.Length >= 20 => Math.Max(20, (segment[12] >> 4) * 4),
            _ => segment.Length,
        };
        headerBytes = Math.Min(headerBytes, segment.Length);
        return ip with
        {
            SourcePort = BinaryPrimitives.ReadUInt16BigEndian(segment),
            DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(segment[2..]),
            TcpFlags = ip.Protocol == Tcp && segment.Length >= 14 ? segment[13] : (byte)0,
            PayloadOffset = at + headerBytes,
            PayloadBytes = segment.Length - headerBytes,
        };
    }
}
