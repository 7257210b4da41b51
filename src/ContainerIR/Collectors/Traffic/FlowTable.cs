namespace ContainerIR.Collectors.Traffic;

/// <summary>Two endpoints that talked over one protocol through one interface.</summary>
internal sealed class Flow(int interfaceId, PacketHeaders first, bool? fromContainer, long atNs)
{
    public int InterfaceId => interfaceId;

    /// <summary>The first packet seen: its sender is the flow's source.</summary>
    public PacketHeaders First => first;

    /// <summary>Whether the container sent the first packet; null where the interface does not tell (loopback).</summary>
    public bool? FromContainer => fromContainer;

    public long FirstAtNs { get; private set; } = atNs;

    public long LastAtNs { get; private set; } = atNs;

    /// <summary>Packets from source to destination.</summary>
    public long Packets { get; private set; }

    /// <summary>Bytes on the interface from source to destination, all headers included.</summary>
    public long Bytes { get; private set; }

    public long PacketsBack { get; private set; }

    public long BytesBack { get; private set; }

    /// <summary>All TCP flags seen in either direction.</summary>
    public byte TcpFlags { get; private set; }

    public void Add(in PacketHeaders packet, uint bytes, long atNs)
    {
        bool back = packet.Source != First.Source || packet.SourcePort != First.SourcePort;
        (Packets, Bytes) = back ? (Packets, Bytes) : (Packets + 1, Bytes + bytes);
        (PacketsBack, BytesBack) = back ? (PacketsBack + 1, BytesBack + bytes) : (PacketsBack, BytesBack);
        FirstAtNs = Math.Min(FirstAtNs, atNs);
        LastAtNs = Math.Max(LastAtNs, atNs);
        TcpFlags |= packet.TcpFlags;
    }
}

/// <summary>Flows by their two endpoints, in the order they began; of bounded size whatever is sent.</summary>
internal sealed class FlowTable(int limit)
{
    private readonly Dictionary<Key, Flow> flows = [];
    private readonly List<Flow> ordered = [];

    /// <summary>The flows, oldest first.</summary>
    public IReadOnlyList<Flow> Flows => ordered;

    /// <summary>Packets of flows that found no room.</summary>
    public long PacketsNotListed { get; private set; }

    public void Add(int interfaceId, in PacketHeaders packet, bool? fromContainer, uint bytes, long atNs)
    {
        Key key = new(interfaceId, packet);
        if (!flows.TryGetValue(key, out Flow? flow))
        {
            if (flows.Count >= limit)
            {
                PacketsNotListed++;
                return;
            }

            flow = new Flow(interfaceId, packet, fromContainer, atNs);
            flows.Add(key, flow);
            ordered.Add(flow);
        }

        flow.Add(packet, bytes, atNs);
    }

    /// <summary>The same for both directions. Hashed with the process's random seed: a sender cannot choose endpoints that collide.</summary>
    private readonly struct Key : IEquatable<Key>
    {
        private readonly UInt128 low;
        private readonly UInt128 high;
        private readonly ulong rest;

        public Key(int interfaceId, in PacketHeaders packet)
        {
            bool ordered = packet.Source < packet.Destination || (packet.Source == packet.Destination && packet.SourcePort <= packet.DestinationPort);
            (low, high) = ordered ? (packet.Source, packet.Destination) : (packet.Destination, packet.Source);
            (ushort lowPort, ushort highPort) = ordered ? (packet.SourcePort, packet.DestinationPort) : (packet.DestinationPort, packet.SourcePort);
            rest = ((ulong)(byte)interfaceId << 48) | ((ulong)packet.Version << 56) | ((ulong)packet.Protocol << 40) | ((ulong)lowPort << 16) | highPort;
        }

        public bool Equals(Key other) => low == other.low && high == other.high && rest == other.rest;

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => HashCode.Combine(low, high, rest);
    }
}
