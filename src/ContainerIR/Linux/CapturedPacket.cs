using System.Buffers.Binary;

namespace ContainerIR.Linux;

/// <summary>How a packet passed the interface: PACKET_* of packet(7).</summary>
internal enum PacketPath : byte
{
    /// <summary>Addressed to the interface.</summary>
    Host = 0,

    /// <summary>Broadcast.</summary>
    Broadcast = 1,

    /// <summary>Multicast.</summary>
    Multicast = 2,

    /// <summary>Addressed to another one.</summary>
    OtherHost = 3,

    /// <summary>Sent out through the interface.</summary>
    Outgoing = 4,
}

/// <summary>One packet in a ring: struct tpacket3_hdr, and the struct sockaddr_ll that follows it at offset 48 (linux/if_packet.h).</summary>
internal readonly unsafe ref struct CapturedPacket
{
    private const uint TP_STATUS_VLAN_VALID = 1 << 4;
    private const uint TP_STATUS_VLAN_TPID_VALID = 1 << 6;
    private const int AddressOffset = 48;

    public CapturedPacket(byte* header)
    {
        // realtime clock
        AtNs = (*(uint*)(header + 4) * 1_000_000_000L) + *(uint*)(header + 8);
        OriginalBytes = *(uint*)(header + 16);
        Bytes = new ReadOnlySpan<byte>(header + *(ushort*)(header + 24), (int)*(uint*)(header + 12));
        uint status = *(uint*)(header + 20);
        VlanTag = (status & TP_STATUS_VLAN_VALID) == 0
            ? 0
            : ((status & TP_STATUS_VLAN_TPID_VALID) == 0 ? 0x8100u : *(ushort*)(header + 36)) << 16 | *(ushort*)(header + 32);
        LinkLayerAddress = new ReadOnlySpan<byte>(header + AddressOffset, 20);
    }

    /// <summary>When it passed, nanoseconds since 1970 by the host's clock.</summary>
    public long AtNs { get; }

    /// <summary>Its length on the interface.</summary>
    public uint OriginalBytes { get; }

    /// <summary>Its bytes, possibly fewer than <see cref="OriginalBytes"/>.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>The 802.1Q tag the kernel took out of it, protocol in the upper half; 0 when there was none.</summary>
    public uint VlanTag { get; }

    /// <summary>struct sockaddr_ll.</summary>
    public ReadOnlySpan<byte> LinkLayerAddress { get; }

    /// <summary>Which way it went.</summary>
    public PacketPath Path => (PacketPath)LinkLayerAddress[10];

    /// <summary>EtherType.</summary>
    public ushort Protocol => BinaryPrimitives.ReadUInt16BigEndian(LinkLayerAddress[2..]);
}
