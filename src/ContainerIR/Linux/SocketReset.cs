using System.Buffers.Binary;
using System.Net;

namespace ContainerIR.Linux;

/// <summary>
/// The connections of a network namespace, and their end: SOCK_DESTROY of sock_diag(7) (CONFIG_INET_DIAG_DESTROY). The owner gets ECONNABORTED; the peer a
/// reset, unless something drops it.
/// </summary>
internal static class SocketReset
{
    private const ushort SOCK_DESTROY = 21;

    /// <summary>Connected TCP and UDP sockets whose other end is not this namespace's loopback.</summary>
    /// <exception cref="IOException">The namespace cannot be asked.</exception>
    public static List<SocketEntry> Connected(NamespaceHandle space, Predicate<SocketEntry>? isWanted = null)
    {
        using NetlinkSocket netlink = space.CreateNetlink(Libc.NETLINK_SOCK_DIAG);
        List<SocketEntry> found = [];
        SockDiag.List(
            netlink,
            entry =>
            {
                if (entry.Protocol is "tcp" or "udp" && entry.RemotePort > 0 && entry.State is not ("LISTEN" or "TIME_WAIT" or "CLOSE")
                    && entry.Remote is { } remote && !IsLoopback(remote) && (isWanted is null || isWanted(entry)))
                {
                    found.Add(entry);
                }
            },
            static (_, _) => { });
        return [.. found.DistinctBy(entry => entry.Identity)];
    }

    /// <summary>Ends them. Says in words which could not be ended.</summary>
    public static List<string> Destroy(NamespaceHandle space, IReadOnlyList<SocketEntry> sockets)
    {
        using NetlinkSocket netlink = space.CreateNetlink(Libc.NETLINK_SOCK_DIAG);
        List<string> failures = [];
        foreach (SocketEntry each in sockets)
        {
            DumpResult result = netlink.Ask(SOCK_DESTROY, Request(each), static (_, _) => { });
            if (result.Errno is not (0 or Libc.ENOENT))
            {
                failures.Add($"{each.Protocol} {each.Local}:{each.LocalPort} > {each.Remote}:{each.RemotePort}: {Libc.Describe(result.Errno)}");
            }
        }

        return failures;
    }

    private static bool IsLoopback(IPAddress address) => IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    // struct inet_diag_req_v2 { u8 family, protocol, ext, pad; u32 states; struct inet_diag_sockid { be16 sport, dport; be32 src[4], dst[4]; u32 if, cookie[2]; } }
    private static byte[] Request(SocketEntry socket)
    {
        byte[] request = new byte[56];
        request[0] = (byte)socket.Family;
        request[1] = socket.Protocol == "tcp" ? (byte)6 : (byte)17;
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(4), uint.MaxValue);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(8), (ushort)socket.LocalPort);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(10), (ushort)socket.RemotePort);
        socket.Local!.TryWriteBytes(request.AsSpan(12), out _);
        socket.Remote!.TryWriteBytes(request.AsSpan(28), out _);
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(44), socket.InterfaceIndex);
        request.AsSpan(48, 8).Fill(0xff); // INET_DIAG_NOCOOKIE
        return request;
    }
}
