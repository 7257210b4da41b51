using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace ContainerIR.Linux;

/// <summary>A network interface.</summary>
/// <param name="Index">Interface index in its namespace.</param>
/// <param name="Name">Name, as bytes: whoever made it chose it.</param>
/// <param name="Kind"><c>veth</c>, <c>macvlan</c> …; empty for hardware and loopback.</param>
/// <param name="HardwareType">ARPHRD_* of if_arp.h.</param>
/// <param name="HardwareAddress">Link-layer address.</param>
/// <param name="Flags">IFF_* bits: 1 up, 0x100 promiscuous.</param>
/// <param name="Mtu">Largest packet.</param>
/// <param name="Master">Index of the bridge it is a port of; 0 for none.</param>
/// <param name="PeerIndex">Index of the lower or other end (IFLA_LINK); 0 for none.</param>
/// <param name="PeerNamespaceId">Id, in this namespace's view, of the namespace the other end is in; null when the same.</param>
/// <param name="Promiscuity">How many sniffers or bridges made it take all packets.</param>
/// <param name="ReceivedBytes">Counter.</param>
/// <param name="SentBytes">Counter.</param>
internal sealed record LinkEntry(
    int Index, byte[] Name, string Kind, ushort HardwareType, byte[] HardwareAddress, uint Flags, uint Mtu, int Master, int PeerIndex, int? PeerNamespaceId, uint Promiscuity,
    ulong ReceivedBytes, ulong SentBytes)
{
    private const ushort ARPHRD_ETHER = 1, ARPHRD_LOOPBACK = 772;
    private const uint IFF_UP = 1, IFF_LOOPBACK = 8;

    public bool IsUp => (Flags & IFF_UP) != 0;

    public bool IsLoopback => (Flags & IFF_LOOPBACK) != 0;

    /// <summary>Whether its frames carry an Ethernet header.</summary>
    public bool IsEthernet => HardwareType is ARPHRD_ETHER or ARPHRD_LOOPBACK;

    /// <summary>Whether its other end lies in another network namespace.</summary>
    public bool IsPairedElsewhere => Kind == "veth" && PeerNamespaceId is not null;
}

/// <summary>An address of an interface.</summary>
internal sealed record AddressEntry(int Index, IPAddress Address, int PrefixLength, int Scope);

/// <summary>A route. Destination null is the default.</summary>
internal sealed record RouteEntry(int Family, IPAddress? Destination, int PrefixLength, IPAddress? Gateway, int Index, uint Table, int Protocol, int Type, IPAddress? Source, uint Metric);

/// <summary>A neighbour: an address seen on the link. State bits: 1 incomplete, 2 reachable, 4 stale, 0x20 failed, 0x40 no-arp, 0x80 permanent.</summary>
internal sealed record NeighbourEntry(int Index, IPAddress? Address, byte[] HardwareAddress, int State);

/// <summary>Interfaces, addresses, routes and neighbours by rtnetlink(7); layouts: include/uapi/linux/{rtnetlink,if_link,if_addr,neighbour}.h.</summary>
internal static class RouteTables
{
    private const ushort RTM_NEWLINK = 16, RTM_GETLINK = 18, RTM_NEWADDR = 20, RTM_GETADDR = 22, RTM_NEWROUTE = 24, RTM_GETROUTE = 26, RTM_NEWNEIGH = 28, RTM_GETNEIGH = 30,
        RTM_NEWNSID = 88, RTM_GETNSID = 90;

    public static (List<LinkEntry> Links, DumpResult Result) Links(NetlinkSocket netlink)
    {
        List<LinkEntry> links = [];
        // struct ifinfomsg: u8 family, pad; u16 type; s32 index; u32 flags, change.
        DumpResult result = netlink.Dump(RTM_GETLINK, new byte[16], (type, payload) =>
        {
            if (type == RTM_NEWLINK && payload.Length >= 16)
            {
                links.Add(ParseLink(payload));
            }
        });
        return (links, result);
    }

    /// <summary>The number by which the socket's namespace knows another one; null when it does not know it, or the kernel refuses to say.</summary>
    public static int? NamespaceIdOf(NetlinkSocket netlink, Descriptor nsfs)
    {
        // struct rtgenmsg: u8 family, padded to 4. Then NETNSA_FD (3): length 8, the descriptor.
        Span<byte> body = stackalloc byte[12];
        body.Clear();
        (body[4], body[6]) = (8, 3);
        BinaryPrimitives.WriteInt32LittleEndian(body[8..], nsfs.Number);
        int id = -1;
        _ = netlink.Ask(RTM_GETNSID, body, (type, payload) =>
        {
            NetlinkAttributes attributes = new(type == RTM_NEWNSID && payload.Length >= 4 ? payload[4..] : default);
            while (attributes.Next())
            {
                if (attributes.Type == 1 && attributes.Value.Length >= 4)
                {
                    id = BinaryPrimitives.ReadInt32LittleEndian(attributes.Value); // NETNSA_NSID
                }
            }
        });
        return id >= 0 ? id : null; // NETNSA_NSID_NOT_ASSIGNED is -1.
    }

    public static (List<AddressEntry> Addresses, DumpResult Result) Addresses(NetlinkSocket netlink)
    {
        List<AddressEntry> addresses = [];
        // struct ifaddrmsg: u8 family, prefixlen, flags, scope; u32 index.
        DumpResult result = netlink.Dump(RTM_GETADDR, new byte[8], (type, payload) =>
        {
            if (type != RTM_NEWADDR || payload.Length < 8)
            {
                return;
            }

            IPAddress? address = null, local = null;
            NetlinkAttributes attributes = new(payload[8..]);
            while (attributes.Next())
            {
                if (attributes.Type == 1)
                {
                    address = Address(attributes.Value);
                }
                else if (attributes.Type == 2)
                {
                    local = Address(attributes.Value);
                }
            }

            // On point-to-point links IFA_ADDRESS is the other end and IFA_LOCAL ours.
            if ((local ?? address) is { } own)
            {
                addresses.Add(new AddressEntry(BinaryPrimitives.ReadInt32LittleEndian(payload[4..]), own, payload[1], payload[3]));
            }
        });
        return (addresses, result);
    }

    public static (List<RouteEntry> Routes, DumpResult Result) Routes(NetlinkSocket netlink)
    {
        List<RouteEntry> routes = [];
        // struct rtmsg: u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags.
        DumpResult result = netlink.Dump(RTM_GETROUTE, new byte[12], (type, payload) =>
        {
            if (type == RTM_NEWROUTE && payload.Length >= 12)
            {
                routes.Add(ParseRoute(payload));
            }
        });
        return (routes, result);
    }

    public static (List<NeighbourEntry> Neighbours, DumpResult Result) Neighbours(NetlinkSocket netlink)
    {
        List<NeighbourEntry> neighbours = [];
        // struct ndmsg: u8 family, pad; u16 pad; s32 ifindex; u16 state; u8 flags, type.
        DumpResult result = netlink.Dump(RTM_GETNEIGH, new byte[12], (type, payload) =>
        {
            if (type != RTM_NEWNEIGH || payload.Length < 12)
            {
                return;
            }

            IPAddress? address = null;
            byte[] hardware = [];
            NetlinkAttributes attributes = new(payload[12..]);
            while (attributes.Next())
            {
                if (attributes.Type == 1)
                {
                    address = Address(attributes.Value);
                }
                else if (attributes.Type == 2)
                {
                    hardware = attributes.Value.ToArray();
                }
            }

            neighbours.Add(new NeighbourEntry(
                BinaryPrimitives.ReadInt32LittleEndian(payload[4..]), address, hardware, BinaryPrimitives.ReadUInt16LittleEndian(payload[8..])));
        });
        return (neighbours, result);
    }

    private static LinkEntry ParseLink(ReadOnlySpan<byte> payload)
    {
        byte[] name = [], hardware = [];
        string kind = "";
        uint mtu = 0, promiscuity = 0;
        int master = 0, peer = 0;
        int? peerNamespace = null;
        ulong received = 0, sent = 0;
        NetlinkAttributes attributes = new(payload[16..]);
        while (attributes.Next())
        {
            ReadOnlySpan<byte> value = attributes.Value;
            switch (attributes.Type)
            {
                case 1:
                    hardware = value.ToArray();
                    break;
                case 3:
                    name = value.TrimEnd((byte)0).ToArray();
                    break;
                case 4 when value.Length >= 4:
                    mtu = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
                case 5 when value.Length >= 4:
                    peer = BinaryPrimitives.ReadInt32LittleEndian(value);
                    break;
                case 10 when value.Length >= 4:
                    master = BinaryPrimitives.ReadInt32LittleEndian(value);
                    break;
                case 18: // IFLA_LINKINFO, IFLA_INFO_KIND 1
                    NetlinkAttributes nested = new(value);
                    while (nested.Next())
                    {
                        kind = nested.Type == 1 ? Encoding.ASCII.GetString(nested.Value.TrimEnd((byte)0)) : kind;
                    }

                    break;
                case 23 when value.Length >= 32: // struct rtnl_link_stats64: rx_packets, tx_packets, rx_bytes, tx_bytes
                    received = BinaryPrimitives.ReadUInt64LittleEndian(value[16..]);
                    sent = BinaryPrimitives.ReadUInt64LittleEndian(value[24..]);
                    break;
                case 30 when value.Length >= 4:
                    promiscuity = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
                case 37 when value.Length >= 4:
                    peerNamespace = BinaryPrimitives.ReadInt32LittleEndian(value);
                    break;
            }
        }

        return new LinkEntry(
            BinaryPrimitives.ReadInt32LittleEndian(payload[4..]), name, kind, BinaryPrimitives.ReadUInt16LittleEndian(payload[2..]), hardware,
            BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]), mtu, master, peer, peerNamespace, promiscuity, received, sent);
    }

    private static RouteEntry ParseRoute(ReadOnlySpan<byte> payload)
    {
        IPAddress? destination = null, gateway = null, source = null;
        int index = 0;
        uint table = payload[4], metric = 0;
        NetlinkAttributes attributes = new(payload[12..]);
        while (attributes.Next())
        {
            ReadOnlySpan<byte> value = attributes.Value;
            switch (attributes.Type)
            {
                case 1:
                    destination = Address(value);
                    break;
                case 4 when value.Length >= 4:
                    index = BinaryPrimitives.ReadInt32LittleEndian(value);
                    break;
                case 5:
                    gateway = Address(value);
                    break;
                case 6 when value.Length >= 4:
                    metric = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
                case 7:
                    source = Address(value);
                    break;
                case 15 when value.Length >= 4:
                    table = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
            }
        }

        return new RouteEntry(payload[0], destination, payload[1], gateway, index, table, payload[5], payload[7], source, metric);
    }

    private static IPAddress? Address(ReadOnlySpan<byte> bytes) => bytes.Length is 4 or 16 ? new IPAddress(bytes) : null;
}
