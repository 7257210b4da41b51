using System.Text.Json;

namespace ContainerIR.Rows;

/// <summary>A process that holds a socket.</summary>
/// <param name="Pid">Process id in the host's pid namespace.</param>
/// <param name="Descriptor">Its descriptor.</param>
/// <param name="IsMember">Whether the process is the container's.</param>
/// <param name="ExecutablePath">Text of its exe link, display form; null when unknown.</param>
/// <param name="ExecutableSha256">SHA-256 of its executable; null when unknown.</param>
public sealed record SocketOwner(int Pid, int Descriptor, bool IsMember, string? ExecutablePath, string? ExecutableSha256);

/// <summary>One socket or flow of <c>sockets.jsonl</c>.</summary>
public sealed record SocketRow
{
    /// <summary>Inode of the network namespace it is in.</summary>
    public required long NetworkNamespace { get; init; }

    /// <summary><c>tcp</c>, <c>udp</c>, <c>raw</c>, <c>icmp</c>, <c>unix</c>, <c>packet</c>, <c>netlink</c> …</summary>
    public required string Protocol { get; init; }

    /// <summary><c>ESTABLISHED</c>, <c>LISTEN</c>, <c>BOUND_INACTIVE</c> …; empty where there is none.</summary>
    public string State { get; init; } = "";

    /// <summary>Own address; empty where there is none.</summary>
    public string LocalAddress { get; init; } = "";

    /// <summary>Own port.</summary>
    public int LocalPort { get; init; }

    /// <summary>Address of the other end; empty where there is none.</summary>
    public string RemoteAddress { get; init; } = "";

    /// <summary>Port of the other end.</summary>
    public int RemotePort { get; init; }

    /// <summary>What the other end is, in words: container, host, gateway, private, public; null when there is none.</summary>
    public string? Peer { get; init; }

    /// <summary>Name of a unix socket, display form; null when it has none.</summary>
    public string? Name { get; init; }

    /// <summary>Inode; 0 where no descriptor holds it.</summary>
    public long Inode { get; init; }

    /// <summary>Inode of the unix socket at the other end; 0 when none.</summary>
    public long PeerInode { get; init; }

    /// <summary>User id; null when unknown.</summary>
    public long? Uid { get; init; }

    /// <summary>Bytes sent; null when the kernel did not say.</summary>
    public long? BytesSent { get; init; }

    /// <summary>Bytes received; null when the kernel did not say.</summary>
    public long? BytesReceived { get; init; }

    /// <summary>How long before it was read data was last sent; null when the kernel did not say.</summary>
    public long? LastSentMilliseconds { get; init; }

    /// <summary>How long before it was read data was last received; null when the kernel did not say.</summary>
    public long? LastReceivedMilliseconds { get; init; }

    /// <summary>Processes that hold it, those of the container first.</summary>
    public IReadOnlyList<SocketOwner> Owners { get; init; } = [];

    /// <summary>The first of them; null when none is known.</summary>
    public SocketOwner? FirstOwner => Owners.Count > 0 ? Owners[0] : null;

    /// <summary>Which lists named it: <c>sock_diag</c>, <c>proc</c>, <c>descriptor</c>.</summary>
    public IReadOnlyList<string> SeenBy { get; init; } = [];

    /// <summary>Whether it was seen in the namespace of the engine or host, at the other side of the container's address.</summary>
    public bool IsHostSide { get; init; }

    /// <summary>Reads rows of the item.</summary>
    public static IEnumerable<SocketRow> Read(Stream lines, RowLimits limits, RowProblems problems) => RowReader.Read(lines, Parse, limits, problems);

    /// <summary>One row; null when it has no protocol.</summary>
    internal static SocketRow? Parse(JsonElement row) => JsonFields.Text(row, "protocol") is not { } protocol
        ? null
        : new SocketRow
        {
            NetworkNamespace = JsonFields.Number(row, "netns") ?? 0,
            Protocol = protocol,
            State = JsonFields.Text(row, "state") ?? "",
            LocalAddress = JsonFields.Text(row, "local") ?? "",
            LocalPort = Port(row, "local_port"),
            RemoteAddress = JsonFields.Text(row, "remote") ?? "",
            RemotePort = Port(row, "remote_port"),
            Peer = JsonFields.Text(row, "peer"),
            Name = JsonFields.Text(row, "name"),
            Inode = JsonFields.Number(row, "inode") ?? 0,
            PeerInode = JsonFields.Number(row, "peer_inode") ?? 0,
            Uid = JsonFields.Number(row, "uid"),
            BytesSent = JsonFields.Number(row, "bytes_sent"),
            BytesReceived = JsonFields.Number(row, "bytes_received"),
            LastSentMilliseconds = JsonFields.Number(row, "last_sent_ms"),
            LastReceivedMilliseconds = JsonFields.Number(row, "last_received_ms"),
            SeenBy = JsonFields.Texts(row, "seen_by"),
            IsHostSide = JsonFields.Flag(row, "host_side"),
            Owners = JsonFields.List(row, "owners", e => JsonFields.Number(e, "pid") is not { } pid
                ? null
                : new SocketOwner(
                    (int)Math.Clamp(pid, 0, int.MaxValue), (int)Math.Clamp(JsonFields.Number(e, "fd") ?? -1, -1, int.MaxValue), JsonFields.Flag(e, "member"),
                    JsonFields.Text(e, "exe"), JsonFields.Text(e, "exe_sha256"))),
        };

    private static int Port(JsonElement row, string name) => (int)Math.Clamp(JsonFields.Number(row, name) ?? 0, 0, 65535);
}
