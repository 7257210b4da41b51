namespace ContainerIR.Linux;

/// <summary>A network interface as rtnetlink(7) describes it. Its name is bytes: the kernel forbids only '/', ':' and white space.</summary>
internal sealed record NetworkLink
{
    public const uint IFF_UP = 1;
    public const uint IFF_LOOPBACK = 8;
    public const ushort ARPHRD_ETHER = 1;
    public const ushort ARPHRD_LOOPBACK = 772;

    /// <summary>Interface index, unique within its namespace.</summary>
    public required int Index { get; init; }

    /// <summary>Name, without the closing zero.</summary>
    public required byte[] Name { get; init; }

    /// <summary>Kind of virtual interface: <c>veth</c>, <c>macvlan</c>, <c>ipvlan</c>, <c>bridge</c> …; empty for hardware and loopback.</summary>
    public required string Kind { get; init; }

    /// <summary>ARPHRD_* of if_arp.h.</summary>
    public required ushort HardwareType { get; init; }

    /// <summary>IFF_* of netdevice(7).</summary>
    public required uint Flags { get; init; }

    /// <summary>Hardware address; empty when there is none.</summary>
    public required byte[] Address { get; init; }

    /// <summary>Index of the interface it stands on or is paired with; 0 when there is none.</summary>
    public required int LinkedIndex { get; init; }

    /// <summary>Number by which its own namespace knows the namespace of <see cref="LinkedIndex"/>; null when that is the same namespace.</summary>
    public required int? LinkedNamespaceId { get; init; }

    public bool IsUp => (Flags & IFF_UP) != 0;

    public bool IsLoopback => (Flags & IFF_LOOPBACK) != 0;

    /// <summary>Whether frames carry an Ethernet header.</summary>
    public bool IsEthernet => HardwareType is ARPHRD_ETHER or ARPHRD_LOOPBACK;
}
