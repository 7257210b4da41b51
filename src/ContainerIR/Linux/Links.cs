using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace ContainerIR.Linux;

/// <summary>
/// Asks the kernel for the interfaces of one network namespace by rtnetlink(7). /sys/class/net cannot serve: it shows the namespace of whoever
/// mounted sysfs, not the one the thread is in.
/// </summary>
internal sealed unsafe class Links : IDisposable
{
    private const int BufferBytes = 64 * 1024;
    private const int HeaderBytes = 16; // struct nlmsghdr
    private const ushort NLMSG_ERROR = 2;
    private const ushort NLMSG_DONE = 3;
    private const ushort NLM_F_REQUEST = 1;
    private const ushort NLM_F_DUMP = 0x300;
    private const ushort RTM_NEWLINK = 16;
    private const ushort RTM_GETLINK = 18;
    private const ushort RTM_NEWNSID = 88;
    private const ushort RTM_GETNSID = 90;
    private const int MostLinks = 65536;

    private readonly byte[] buffer = new byte[BufferBytes];
    private readonly ulong inode;
    private int socket;
    private uint sequence;

    /// <exception cref="IOException">The namespace may not be entered.</exception>
    public Links(NamespaceHandle within)
    {
        inode = within.Inode;
        socket = within.CreateSocket(Libc.AF_NETLINK, Libc.SOCK_RAW, Libc.NETLINK_ROUTE);
        // The kernel answers within the call; the limit is for a kernel that does not. struct timeval.
        long* limit = stackalloc long[2] { 5, 0 };
        _ = Libc.setsockopt(socket, Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, limit, 16);
    }

    /// <summary>Every interface of the namespace.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public IReadOnlyList<NetworkLink> List()
    {
        // struct ifinfomsg (16), then IFLA_EXT_MASK (29) = RTEXT_FILTER_SKIP_STATS (8): names and pairs are wanted, not counters.
        Span<byte> request = stackalloc byte[HeaderBytes + 16 + 8];
        request.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(request[32..], 8);
        BinaryPrimitives.WriteUInt16LittleEndian(request[34..], 29);
        BinaryPrimitives.WriteUInt32LittleEndian(request[36..], 8);
        Send(request, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP);
        List<NetworkLink> links = [];
        while (links.Count < MostLinks)
        {
            ReadOnlySpan<byte> answer = Receive();
            while (NextMessage(ref answer, out ushort type, out ReadOnlySpan<byte> body))
            {
                if (type == NLMSG_DONE)
                {
                    return links;
                }

                if (type == RTM_NEWLINK && body.Length >= 16)
                {
                    links.Add(Parse(body));
                }
            }
        }

        throw new IOException($"network namespace {inode} has more than {MostLinks} interfaces");
    }

    /// <summary>The number by which this namespace knows another one; null when it does not know it.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public int? NamespaceIdOf(NamespaceHandle other)
    {
        // struct rtgenmsg (1, padded to 4), then NETNSA_FD (3).
        Span<byte> request = stackalloc byte[HeaderBytes + 4 + 8];
        request.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(request[20..], 8);
        BinaryPrimitives.WriteUInt16LittleEndian(request[22..], 3);
        BinaryPrimitives.WriteInt32LittleEndian(request[24..], other.Descriptor);
        Send(request, RTM_GETNSID, NLM_F_REQUEST);
        ReadOnlySpan<byte> answer = Receive();
        int id = -1;
        while (NextMessage(ref answer, out ushort type, out ReadOnlySpan<byte> body))
        {
            ReadOnlySpan<byte> attributes = type == RTM_NEWNSID && body.Length >= 4 ? body[4..] : default;
            while (NextAttribute(ref attributes, out int kind, out ReadOnlySpan<byte> value))
            {
                id = kind == 1 && value.Length >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(value) : id; // NETNSA_NSID
            }
        }

        return id >= 0 ? id : null; // NETNSA_NSID_NOT_ASSIGNED is -1.
    }

    public void Dispose()
    {
        int fd = Interlocked.Exchange(ref socket, -1);
        if (fd >= 0)
        {
            _ = Libc.close(fd);
        }
    }

    private static NetworkLink Parse(ReadOnlySpan<byte> body)
    {
        // struct ifinfomsg: family (1), pad (1), type (2), index (4), flags (4), change (4).
        byte[] name = [];
        byte[] address = [];
        string kind = "";
        int linked = 0;
        int? linkedNamespace = null;
        ReadOnlySpan<byte> attributes = body[16..];
        while (NextAttribute(ref attributes, out int attribute, out ReadOnlySpan<byte> value))
        {
            switch (attribute)
            {
                case 1: // IFLA_ADDRESS
                    address = value.ToArray();
                    break;
                case 3: // IFLA_IFNAME
                    name = value.TrimEnd((byte)0).ToArray();
                    break;
                case 5 when value.Length >= 4: // IFLA_LINK
                    linked = BinaryPrimitives.ReadInt32LittleEndian(value);
                    break;
                case 18: // IFLA_LINKINFO, nested
                    while (NextAttribute(ref value, out int inner, out ReadOnlySpan<byte> text))
                    {
                        kind = inner == 1 ? Encoding.ASCII.GetString(text.TrimEnd((byte)0)) : kind; // IFLA_INFO_KIND
                    }

                    break;
                case 37 when value.Length >= 4: // IFLA_LINK_NETNSID
                    linkedNamespace = BinaryPrimitives.ReadInt32LittleEndian(value);
                    break;
                default:
                    break;
            }
        }

        return new NetworkLink
        {
            HardwareType = BinaryPrimitives.ReadUInt16LittleEndian(body[2..]),
            Index = BinaryPrimitives.ReadInt32LittleEndian(body[4..]),
            Flags = BinaryPrimitives.ReadUInt32LittleEndian(body[8..]),
            Name = name,
            Address = address,
            Kind = kind,
            LinkedIndex = linked,
            LinkedNamespaceId = linkedNamespace,
        };
    }

    private static bool NextAttribute(ref ReadOnlySpan<byte> rest, out int kind, out ReadOnlySpan<byte> value)
    {
        kind = 0;
        value = default;
        if (rest.Length < 4)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(rest);
        if (length < 4 || length > rest.Length)
        {
            return false;
        }

        kind = BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]) & 0x3fff; // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
        value = rest[4..length];
        rest = rest[Math.Min(rest.Length, (length + 3) & ~3)..];
        return true;
    }

    private bool NextMessage(ref ReadOnlySpan<byte> rest, out ushort type, out ReadOnlySpan<byte> body)
    {
        type = 0;
        body = default;
        if (rest.Length < HeaderBytes)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(rest);
        if (length < HeaderBytes || length > rest.Length)
        {
            throw new IOException($"rtnetlink in network namespace {inode}: a message of {length} bytes in an answer of {rest.Length}");
        }

        type = BinaryPrimitives.ReadUInt16LittleEndian(rest[4..]);
        body = rest[HeaderBytes..length];
        rest = rest[Math.Min(rest.Length, (length + 3) & ~3)..];
        int errno = type == NLMSG_ERROR && body.Length >= 4 ? -BinaryPrimitives.ReadInt32LittleEndian(body) : 0;
        return errno == 0 ? true : throw new IOException($"rtnetlink in network namespace {inode}: {Libc.Describe(errno)}");
    }

    private void Send(Span<byte> request, ushort type, ushort flags)
    {
        BinaryPrimitives.WriteInt32LittleEndian(request, request.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(request[4..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(request[6..], flags);
        BinaryPrimitives.WriteUInt32LittleEndian(request[8..], ++sequence);
        fixed (byte* bytes = request)
        {
            if (Libc.send(socket, bytes, (nuint)request.Length, 0) < 0)
            {
                throw new IOException($"rtnetlink in network namespace {inode}: {Libc.Describe(Marshal.GetLastPInvokeError())}");
            }
        }
    }

    private ReadOnlySpan<byte> Receive()
    {
        fixed (byte* bytes = buffer)
        {
            while (true)
            {
                nint count = Libc.recv(socket, bytes, BufferBytes, Libc.MSG_TRUNC);
                if (count is > 0 and <= BufferBytes)
                {
                    return buffer.AsSpan(0, (int)count);
                }

                int errno = Marshal.GetLastPInvokeError();
                if (count < 0 && errno == Libc.EINTR)
                {
                    continue;
                }

                throw new IOException(count < 0
                    ? $"rtnetlink in network namespace {inode}: {Libc.Describe(errno)}"
                    : $"rtnetlink in network namespace {inode}: an answer of {count} bytes");
            }
        }
    }
}
