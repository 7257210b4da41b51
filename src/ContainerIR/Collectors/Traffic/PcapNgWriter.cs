using System.Buffers.Binary;
using System.Text;

namespace ContainerIR.Collectors.Traffic;

/// <summary>
/// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, written into a caller's buffer: one section, an interface description for each
/// tap, enhanced packets with nanoseconds and direction, interface statistics at the end.
/// </summary>
internal static class PcapNgWriter
{
    /// <summary>LINKTYPE_ETHERNET.</summary>
    public const ushort Ethernet = 1;

    /// <summary>LINKTYPE_LINUX_SLL2, for interfaces whose frames have no Ethernet header.</summary>
    public const ushort LinuxCooked = 276;

    /// <summary>Bytes an enhanced packet block takes beside the packet itself, at most.</summary>
    public const int PacketOverheadBytes = 28 + 3 + 8 + 4 + 4;

    /// <summary>Bytes of one interface statistics block.</summary>
    public const int StatisticsBytes = 20 + (5 * 12) + 4 + 4;

    private const int SectionBlock = 0x0A0D0D0A;
    private const int InterfaceBlock = 1;
    private const int StatisticsBlock = 5;
    private const int PacketBlock = 6;

    /// <summary>Section header block: what wrote the file, on what kind of system. Nothing that names the host.</summary>
    public static int Section(Span<byte> to, string hardware, string system, string application)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to[8..], 0x1A2B3C4D);
        BinaryPrimitives.WriteUInt16LittleEndian(to[12..], 1);
        BinaryPrimitives.WriteUInt16LittleEndian(to[14..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(to[16..], -1); // length of the section: not stated
        int at = 24;
        at += Option(to[at..], 2, hardware);
        at += Option(to[at..], 3, system);
        at += Option(to[at..], 4, application);
        return Close(to, SectionBlock, at);
    }

    /// <summary>Interface description block. Texts are display forms: valid UTF-8 whatever the interface is called.</summary>
    public static int Interface(Span<byte> to, ushort linkType, string name, string description, string comment, ReadOnlySpan<byte> address)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to[8..], linkType);
        BinaryPrimitives.WriteUInt16LittleEndian(to[10..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(to[12..], 0); // snap length: no limit
        int at = 16;
        at += Option(to[at..], 2, name);
        at += Option(to[at..], 3, description);
        at += Option(to[at..], 1, comment);
        at += address.Length == 6 ? Option(to[at..], 6, address) : 0; // if_MACaddr
        at += Option(to[at..], 9, [9]); // if_tsresol: 10^-9
        return Close(to, InterfaceBlock, at);
    }

    /// <summary>
    /// Enhanced packet block. The packet is given in three parts that are stored as one: what stands before a put-back VLAN tag, the tag (or a cooked
    /// header), the rest.
    /// </summary>
    public static int Packet(
        Span<byte> to, int interfaceId, long atNs, uint flags, uint originalBytes, ReadOnlySpan<byte> head, ReadOnlySpan<byte> middle, ReadOnlySpan<byte> rest)
    {
        int length = head.Length + middle.Length + rest.Length;
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], interfaceId);
        BinaryPrimitives.WriteUInt32LittleEndian(to[12..], (uint)((ulong)atNs >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(to[16..], (uint)atNs);
        BinaryPrimitives.WriteInt32LittleEndian(to[20..], length);
        BinaryPrimitives.WriteUInt32LittleEndian(to[24..], originalBytes);
        int at = 28;
        head.CopyTo(to[at..]);
        middle.CopyTo(to[(at + head.Length)..]);
        rest.CopyTo(to[(at + head.Length + middle.Length)..]);
        at = Pad(to, at + length);
        BinaryPrimitives.WriteUInt16LittleEndian(to[at..], 2); // epb_flags
        BinaryPrimitives.WriteUInt16LittleEndian(to[(at + 2)..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(to[(at + 4)..], flags);
        return Close(to, PacketBlock, at + 8);
    }

    /// <summary>Interface statistics block.</summary>
    /// <param name="to">Where.</param>
    /// <param name="interfaceId">Which interface.</param>
    /// <param name="startNs">When capturing began.</param>
    /// <param name="endNs">When it ended.</param>
    /// <param name="received">Packets the interface showed, the dropped ones among them.</param>
    /// <param name="dropped">Packets for which the ring had no room.</param>
    /// <param name="delivered">Packets in this file.</param>
    public static int Statistics(Span<byte> to, int interfaceId, long startNs, long endNs, long received, long dropped, long delivered)
    {
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], interfaceId);
        BinaryPrimitives.WriteUInt32LittleEndian(to[12..], (uint)((ulong)endNs >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(to[16..], (uint)endNs);
        int at = 20;
        at += Instant(to[at..], 2, startNs);
        at += Instant(to[at..], 3, endNs);
        at += Count(to[at..], 4, received); // isb_ifrecv
        at += Count(to[at..], 5, dropped); // isb_ifdrop: where capinfos, tshark and dumpcap keep the ring's drops
        at += Count(to[at..], 8, delivered); // isb_usrdeliv
        return Close(to, StatisticsBlock, at);
    }

    /// <summary>epb_flags: bits 0-1 the direction as the interface saw it, bits 2-4 how it was addressed.</summary>
    public static uint Flags(Linux.PacketPath path) => path switch
    {
        Linux.PacketPath.Outgoing => 2,
        Linux.PacketPath.Host => 1 | (1 << 2),
        Linux.PacketPath.Multicast => 1 | (2 << 2),
        Linux.PacketPath.Broadcast => 1 | (3 << 2),
        Linux.PacketPath.OtherHost => 1 | (4 << 2),
        _ => 0,
    };

    private static int Option(Span<byte> to, ushort code, string text) => Option(to, code, Encoding.UTF8.GetBytes(text));

    private static int Option(Span<byte> to, ushort code, ReadOnlySpan<byte> value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to, code);
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], (ushort)value.Length);
        value.CopyTo(to[4..]);
        return Pad(to, 4 + value.Length);
    }

    // A 64-bit instant inside an option keeps the order of its halves: upper first.
    private static int Instant(Span<byte> to, ushort code, long ns) => Count(to, code, (long)(((ulong)ns >> 32) | ((ulong)ns << 32)));

    private static int Count(Span<byte> to, ushort code, long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return Option(to, code, bytes);
    }

    private static int Pad(Span<byte> to, int length)
    {
        int padded = (length + 3) & ~3;
        to[length..padded].Clear();
        return padded;
    }

    private static int Close(Span<byte> block, int type, int length)
    {
        BinaryPrimitives.WriteInt32LittleEndian(block[length..], 0); // opt_endofopt
        int total = length + 8;
        BinaryPrimitives.WriteInt32LittleEndian(block, type);
        BinaryPrimitives.WriteInt32LittleEndian(block[4..], total);
        BinaryPrimitives.WriteInt32LittleEndian(block[(total - 4)..], total);
        return total;
    }
}
