using System.Buffers;
using System.Globalization;
using System.Text.Json;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Networks;

/// <summary>Who holds a socket, as its line says.</summary>
internal sealed record OwnerFacts(SocketHold Hold, byte[]? Executable, string? Sha256);

/// <summary>Writes the lines and documents of the network section; the types of <c>Rows</c> read them.</summary>
internal static class NetworkLines
{
    public static void WriteSocket(Utf8JsonWriter json, NetworkSpace space, SocketEntry socket, IReadOnlyList<OwnerFacts> owners, PeerNames peers)
    {
        json.WriteNumber("netns", space.Inode);
        if (space.Side != "container")
        {
            json.WriteBoolean("host_side", true);
        }

        WriteSocket(json, socket, owners, peers);
    }

    public static void WriteSocket(Utf8JsonWriter json, SocketEntry socket, IReadOnlyList<OwnerFacts> owners, PeerNames peers)
    {
        json.WriteString("protocol", socket.Protocol);
        json.WriteNumber("family", socket.Family);
        Optional(json, "state", socket.State.Length > 0 ? socket.State : null);
        if (socket.Local is { } local)
        {
            json.WriteString("local", PeerNames.Plain(local).ToString());
            json.WriteNumber("local_port", socket.LocalPort);
        }

        if (socket.Remote is { } remote)
        {
            json.WriteString("remote", PeerNames.Plain(remote).ToString());
            json.WriteNumber("remote_port", socket.RemotePort);
            Optional(json, "peer", peers.Of(remote));
        }

        if (socket.Name.Length > 0)
        {
            ByteJson.Write(json, "name", socket.Name);
        }

        Number(json, "type", socket.SocketType);
        Number(json, "sub_protocol", socket.SubProtocol);
        Number(json, "port_id", socket.PortId);
        Number(json, "peer_inode", (long)socket.PeerInode);
        json.WriteNumber("inode", socket.Inode);
        if (socket.Uid is { } uid)
        {
            json.WriteNumber("uid", uid);
        }

        Number(json, "receive_queue", socket.ReceiveQueue);
        Number(json, "send_queue", socket.SendQueue);
        Number(json, "interface", socket.InterfaceIndex);
        if (socket.Timer is { } timer)
        {
            json.WriteString("timer", timer);
            json.WriteNumber("timer_ms", socket.TimerMilliseconds);
        }

        Optional(json, "bytes_sent", socket.BytesSent);
        Optional(json, "bytes_received", socket.BytesReceived);
        Optional(json, "last_sent_ms", socket.LastSentMilliseconds);
        Optional(json, "last_received_ms", socket.LastReceivedMilliseconds);
        Optional(json, "mark", socket.Mark);
        Optional(json, "cgroup_id", socket.CgroupId);
        if (socket.Filter.Length > 0)
        {
            json.WriteNumber("bpf_instructions", socket.Filter.Length / 8);
            json.WriteBase64String("bpf_b64", socket.Filter);
        }

        json.WriteStartArray("seen_by");
        foreach ((SocketSource source, string name) in ((SocketSource, string)[])[(SocketSource.SockDiag, "sock_diag"), (SocketSource.Proc, "proc"), (SocketSource.Descriptor, "descriptor")])
        {
            if (socket.Source.HasFlag(source))
            {
                json.WriteStringValue(name);
            }
        }

        json.WriteEndArray();
        json.WriteStartArray("owners");
        foreach (OwnerFacts owner in owners)
        {
            json.WriteStartObject();
            json.WriteNumber("pid", owner.Hold.Pid);
            json.WriteNumber("fd", owner.Hold.Descriptor);
            json.WriteBoolean("member", owner.Hold.IsMember);
            if (owner.Executable is { } exe)
            {
                ByteJson.Write(json, "exe", exe);
            }

            Optional(json, "exe_sha256", owner.Sha256);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public static void WriteConntrack(Utf8JsonWriter json, NetworkSpace space, TrackedFlow flow, string source, PeerNames peers)
    {
        json.WriteNumber("netns", space.Inode);
        json.WriteString("side", space.Side);
        json.WriteString("source", source);
        json.WriteString("protocol", flow.Protocol);
        Optional(json, "state", flow.State.Length > 0 ? flow.State : null);
        Optional(json, "seconds_left", (ulong?)flow.SecondsLeft);
        WriteTuple(json, "original", flow.Original);
        WriteTuple(json, "reply", flow.Reply);
        json.WriteBoolean("assured", flow.IsAssured);
        json.WriteBoolean("unreplied", flow.IsUnreplied);
        json.WriteBoolean("translated", flow.IsTranslated);
        Optional(json, "mark", flow.Mark);
        // The end that is not this container.
        Optional(json, "peer", peers.Of(flow.Original.Source) is { } from and not "itself" ? from : peers.Of(flow.Original.Destination));
    }

    /// <summary><c>namespaces.json</c>.</summary>
    public static ReadOnlyMemory<byte> WriteNamespaces(
        IReadOnlyList<NetworkSpace> spaces, Membership membership, IReadOnlyList<NetworkSpace> hostSide, PeerNames peers, IReadOnlyList<(string File, byte[] Content)> names,
        IReadOnlyList<PortProxy> proxies, IReadOnlyList<BoundNamespace> boundElsewhere)
    {
        ArrayBufferWriter<byte> buffer = new();
        using Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteStartArray("namespaces");
        foreach (NetworkSpace space in spaces)
        {
            json.WriteStartObject();
            json.WriteNumber("inode", space.Inode);
            json.WriteString("found_by", space.FoundBy);
            json.WriteBoolean("host", membership.HostNamespaces.Contains(space.Inode));
            json.WriteNumber("sockets", space.Sockets.Entries.Count);
            json.WriteNumber("proc_malformed_lines", space.MalformedLines);
            json.WriteStartArray("members");
            foreach (Member member in membership.Members.Where(m => m.Facts.Namespaces.Network == space.Inode))
            {
                json.WriteNumberValue(member.Facts.Pid);
            }

            json.WriteEndArray();
            WriteSharers(json, membership, space.Inode);
            WriteInterfaces(json, space, hostSide);
            WriteRoutes(json, space);
            WriteNeighbours(json, space, peers);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WritePublished(json, proxies, hostSide, peers);
        json.WriteStartArray("mounted_on_the_host_without_process");
        foreach (BoundNamespace bound in boundElsewhere)
        {
            json.WriteStartObject();
            json.WriteNumber("inode", bound.Inode);
            ByteJson.Write(json, "path", bound.Path);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("name_resolution");
        foreach ((string file, byte[] content) in names)
        {
            json.WriteStartObject();
            json.WriteString("file", file);
            ByteJson.Write(json, "content", content);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    // What a proxy carries is seen twice: from the client to the host's port, and from the proxy, as the gateway, to the container.
    private static void WritePublished(Utf8JsonWriter json, IReadOnlyList<PortProxy> proxies, IReadOnlyList<NetworkSpace> hostSide, PeerNames peers)
    {
        json.WriteStartArray("published_ports");
        foreach (PortProxy proxy in proxies)
        {
            SocketEntry[] sockets = [.. hostSide.Where(s => s.Inode == proxy.Space).SelectMany(s => s.Sockets.Entries).Where(s => proxy.Sockets.Contains(s.Inode))];
            json.WriteStartObject();
            json.WriteString("protocol", proxy.Protocol);
            json.WriteString("host_address", proxy.HostAddress);
            json.WriteNumber("host_port", proxy.HostPort);
            json.WriteString("container_address", proxy.ContainerAddress);
            json.WriteNumber("container_port", proxy.ContainerPort);
            json.WriteNumber("proxy_pid", proxy.Pid);
            json.WriteBoolean("listening", Array.Exists(sockets, s => s.State == "LISTEN" && s.LocalPort == proxy.HostPort));
            json.WriteStartArray("clients");
            foreach (SocketEntry client in sockets.Where(s => s.LocalPort == proxy.HostPort && s.RemotePort != 0).Take(1000))
            {
                json.WriteStartObject();
                json.WriteString("address", PeerNames.Plain(client.Remote!).ToString());
                json.WriteNumber("port", client.RemotePort);
                json.WriteString("state", client.State);
                Optional(json, "peer", peers.Of(client.Remote));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteSharers(Utf8JsonWriter json, Membership membership, ulong inode)
    {
        json.WriteStartArray("sharers");
        foreach (IGrouping<string, Sharer> container in membership.Sharers.Where(s => s.Facts.Namespaces.Network == inode).GroupBy(s => s.ContainerId))
        {
            json.WriteStartObject();
            json.WriteString("container", container.Key);
            json.WriteStartArray("pids");
            foreach (Sharer sharer in container)
            {
                json.WriteNumberValue(sharer.Facts.Pid);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteInterfaces(Utf8JsonWriter json, NetworkSpace space, IReadOnlyList<NetworkSpace> hostSide)
    {
        json.WriteStartArray("interfaces");
        foreach (LinkEntry link in space.Links)
        {
            json.WriteStartObject();
            json.WriteNumber("index", link.Index);
            ByteJson.Write(json, "name", link.Name);
            Optional(json, "kind", link.Kind.Length > 0 ? link.Kind : null);
            json.WriteString("hardware_address", Hardware(link.HardwareAddress));
            json.WriteBoolean("up", (link.Flags & 1) != 0);
            json.WriteBoolean("promiscuous", (link.Flags & 0x100) != 0 || link.Promiscuity > 0);
            json.WriteNumber("flags", link.Flags);
            json.WriteNumber("mtu", link.Mtu);
            json.WriteNumber("bytes_received", link.ReceivedBytes);
            json.WriteNumber("bytes_sent", link.SentBytes);
            json.WriteStartArray("addresses");
            foreach (AddressEntry address in space.Addresses.Where(a => a.Index == link.Index))
            {
                json.WriteStringValue(string.Create(CultureInfo.InvariantCulture, $"{address.Address}/{address.PrefixLength}"));
            }

            json.WriteEndArray();
            Number(json, "peer_index", link.PeerIndex);
            if (link.Kind == "veth" && FindPeer(link, space, hostSide) is var (owner, peer))
            {
                json.WriteStartObject("peer");
                json.WriteNumber("netns", owner.Inode);
                json.WriteNumber("index", peer.Index);
                ByteJson.Write(json, "name", peer.Name);
                if (owner.Links.Find(l => l.Index == peer.Master) is { } bridge)
                {
                    ByteJson.Write(json, "bridge", bridge.Name);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static (NetworkSpace Owner, LinkEntry Peer)? FindPeer(LinkEntry link, NetworkSpace own, IReadOnlyList<NetworkSpace> hostSide)
    {
        foreach (NetworkSpace space in hostSide)
        {
            if (space.Inode != own.Inode && space.Links.Find(l => l.Index == link.PeerIndex && l.PeerIndex == link.Index && l.Kind == "veth") is { } peer)
            {
                return (space, peer);
            }
        }

        return null;
    }

    private static void WriteRoutes(Utf8JsonWriter json, NetworkSpace space)
    {
        json.WriteStartArray("routes");
        foreach (RouteEntry route in space.Routes)
        {
            json.WriteStartObject();
            json.WriteNumber("family", route.Family);
            json.WriteString("destination", route.Destination is null ? "default" : string.Create(CultureInfo.InvariantCulture, $"{route.Destination}/{route.PrefixLength}"));
            Optional(json, "gateway", route.Gateway?.ToString());
            Optional(json, "source", route.Source?.ToString());
            Number(json, "interface", route.Index);
            json.WriteNumber("table", route.Table);
            json.WriteNumber("protocol", route.Protocol);
            json.WriteNumber("type", route.Type);
            json.WriteNumber("metric", route.Metric);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteNeighbours(Utf8JsonWriter json, NetworkSpace space, PeerNames peers)
    {
        json.WriteStartArray("neighbours");
        foreach (NeighbourEntry neighbour in space.Neighbours)
        {
            json.WriteStartObject();
            Number(json, "interface", neighbour.Index);
            Optional(json, "address", neighbour.Address?.ToString());
            json.WriteString("hardware_address", Hardware(neighbour.HardwareAddress));
            json.WriteNumber("state", neighbour.State);
            Optional(json, "peer", peers.Of(neighbour.Address));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTuple(Utf8JsonWriter json, string name, FlowTuple tuple)
    {
        json.WriteStartObject(name);
        Optional(json, "src", tuple.Source?.ToString());
        Optional(json, "dst", tuple.Destination?.ToString());
        json.WriteNumber("sport", tuple.SourcePort);
        json.WriteNumber("dport", tuple.DestinationPort);
        Optional(json, "packets", tuple.Packets);
        Optional(json, "bytes", tuple.Bytes);
        json.WriteEndObject();
    }

    private static string Hardware(byte[] address) => string.Join(':', address.Select(b => b.ToString("x2", CultureInfo.InvariantCulture)));

    private static void Number(Utf8JsonWriter json, string name, long value)
    {
        if (value != 0)
        {
            json.WriteNumber(name, value);
        }
    }

    private static void Optional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void Optional(Utf8JsonWriter json, string name, ulong? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }
}
