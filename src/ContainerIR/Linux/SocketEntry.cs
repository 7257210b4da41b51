using System.Net;

namespace ContainerIR.Linux;

/// <summary>Which of the kernel's two lists named a socket.</summary>
[Flags]
internal enum SocketSource
{
    None = 0,

    /// <summary>NETLINK_SOCK_DIAG.</summary>
    SockDiag = 1,

    /// <summary>/proc/net tables.</summary>
    Proc = 2,

    /// <summary>Neither: asked of the descriptor itself (pidfd_getfd(2), getsockopt(2)).</summary>
    Descriptor = 4,
}

/// <summary>One socket as the kernel lists it.</summary>
internal sealed record SocketEntry
{
    /// <summary><c>tcp</c>, <c>udp</c>, <c>udplite</c>, <c>sctp</c>, <c>raw</c>, <c>icmp</c>, <c>unix</c>, <c>packet</c>, <c>netlink</c>, or the number of another family.</summary>
    public required string Protocol { get; init; }

    /// <summary>Address family, AF_*.</summary>
    public required int Family { get; init; }

    /// <summary>Inode of the socket; 0 when no descriptor holds it (TIME_WAIT, half-open).</summary>
    public ulong Inode { get; init; }

    /// <summary>State by the kernel's name; empty where the family has none.</summary>
    public string State { get; init; } = "";

    public IPAddress? Local { get; init; }

    public int LocalPort { get; init; }

    public IPAddress? Remote { get; init; }

    public int RemotePort { get; init; }

    public long? Uid { get; init; }

    public uint ReceiveQueue { get; init; }

    public uint SendQueue { get; init; }

    /// <summary>Interface the socket is bound to; 0 for any.</summary>
    public uint InterfaceIndex { get; init; }

    /// <summary><c>retransmit</c>, <c>keepalive</c>, <c>time-wait</c>, <c>probe</c>; null when none runs.</summary>
    public string? Timer { get; init; }

    /// <summary>Milliseconds until the timer fires.</summary>
    public uint TimerMilliseconds { get; init; }

    /// <summary>Type of a unix or packet socket: 1 stream, 2 datagram, 3 raw, 5 seqpacket.</summary>
    public int SocketType { get; init; }

    /// <summary>IP protocol of a raw socket, EtherType of a packet socket, netlink family; 0 when none.</summary>
    public int SubProtocol { get; init; }

    /// <summary>Name of a unix socket as bytes, a leading NUL for abstract ones; empty when unnamed.</summary>
    public byte[] Name { get; init; } = [];

    /// <summary>Inode of the unix socket at the other end; 0 when none.</summary>
    public ulong PeerInode { get; init; }

    /// <summary>Port id of a netlink socket.</summary>
    public uint PortId { get; init; }

    /// <summary>Attached classic BPF program (struct sock_filter, 8 bytes each); empty when none.</summary>
    public byte[] Filter { get; init; } = [];

    public ulong? BytesSent { get; init; }

    public ulong? BytesReceived { get; init; }

    /// <summary>Bytes sent that the other end has acknowledged.</summary>
    public ulong? BytesAcknowledged { get; init; }

    /// <summary>Milliseconds since data was last sent.</summary>
    public uint? LastSentMilliseconds { get; init; }

    /// <summary>Milliseconds since data last came.</summary>
    public uint? LastReceivedMilliseconds { get; init; }

    /// <summary>SO_MARK.</summary>
    public uint? Mark { get; init; }

    /// <summary>Id of the v2 cgroup the socket was made in.</summary>
    public ulong? CgroupId { get; init; }

    public SocketSource Source { get; init; }

    /// <summary>What makes two entries of the two lists the same socket.</summary>
    public (string Protocol, int Family, ulong Inode, string Ends) Identity =>
        (Protocol, Family, Inode, Inode == 0 ? $"{Local}:{LocalPort}>{Remote}:{RemotePort}:{SubProtocol}" : "");
}
