using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>One message of a netlink dump: type and payload behind struct nlmsghdr. Valid only inside the callback.</summary>
internal delegate void NetlinkMessage(ushort type, ReadOnlySpan<byte> payload);

/// <summary>How a dump ended.</summary>
/// <param name="Errno">0 when the kernel said it is done; else its error.</param>
/// <param name="WasInterrupted">The kernel's list changed while it was dumped (NLM_F_DUMP_INTR): entries may be missing or twice.</param>
internal readonly record struct DumpResult(int Errno, bool WasInterrupted)
{
    /// <summary>Whether the kernel has no such dump.</summary>
    public bool IsUnsupported => Errno is Libc.ENOENT or Libc.EOPNOTSUPP or Libc.EINVAL;
}

/// <summary>A netlink(7) socket used for dumps only. All numbers are host order but where a protocol says otherwise.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    public const int HeaderBytes = 16;
    private const ushort NLM_F_REQUEST = 1;
    private const ushort NLM_F_ACK = 4;
    private const ushort NLM_F_DUMP_INTR = 0x10;
    private const ushort NLM_F_DUMP = 0x300;
    private const ushort NLMSG_ERROR = 2;
    private const ushort NLMSG_DONE = 3;
    private const int BufferBytes = 256 * 1024;
    private const int MaxMessages = 4_000_000;
    private readonly Descriptor socket;
    private uint sequence;

    private NetlinkSocket(Descriptor socket, ulong inode) => (this.socket, Inode) = (socket, inode);

    /// <summary>Inode of the socket, to leave it out of what it lists.</summary>
    public ulong Inode { get; }

    /// <summary>Opens a socket of the calling thread's network namespace.</summary>
    public static NetlinkSocket? Open(int protocol, out int errno)
    {
        Descriptor? socket = Descriptor.Own(Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, protocol), out errno);
        if (socket is null)
        {
            return null;
        }

        int size = 4 * 1024 * 1024;
        _ = Libc.setsockopt(socket.Number, Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, &size, sizeof(int));
        // A kernel that never answers must not hang us: five seconds without a message end the dump.
        TimeSpec wait = new() { tv_sec = 5 };
        _ = Libc.setsockopt(socket.Number, Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, &wait, (uint)sizeof(TimeSpec));
        return new NetlinkSocket(socket, socket.TryStat(out StatX stat, out _) ? stat.stx_ino : 0);
    }

    /// <summary>Sends one dump request and gives every message of the answer to the callback.</summary>
    public DumpResult Dump(ushort type, ReadOnlySpan<byte> body, NetlinkMessage take) => Request(type, NLM_F_DUMP, body, take);

    /// <summary>Asks for one thing and gives the answer to the callback; an acknowledgement ends it.</summary>
    public DumpResult Ask(ushort type, ReadOnlySpan<byte> body, NetlinkMessage take) => Request(type, NLM_F_ACK, body, take);

    public void Dispose() => socket.Dispose();

    private DumpResult Request(ushort type, ushort flags, ReadOnlySpan<byte> body, NetlinkMessage take)
    {
        byte[] request = new byte[HeaderBytes + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(request, request.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(6), (ushort)(NLM_F_REQUEST | flags));
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(8), ++sequence);
        body.CopyTo(request.AsSpan(HeaderBytes));

        // struct sockaddr_nl { u16 family; u16 pad; u32 pid; u32 groups; }: pid 0 is the kernel.
        Span<byte> kernel = stackalloc byte[12];
        kernel.Clear();
        kernel[0] = Libc.AF_NETLINK;
        fixed (byte* data = request)
        fixed (byte* address = kernel)
        {
            if (Libc.sendto(socket.Number, data, (nuint)request.Length, 0, address, 12) < 0)
            {
                return new DumpResult(Marshal.GetLastPInvokeError(), false);
            }
        }

        byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
        bool interrupted = false;
        for (int messages = 0; messages < MaxMessages;)
        {
            nint received;
            fixed (byte* target = buffer)
            {
                received = Libc.recv(socket.Number, target, BufferBytes, 0);
            }

            if (received < 0)
            {
                int errno = Marshal.GetLastPInvokeError();
                if (errno == Libc.EINTR)
                {
                    continue;
                }

                return new DumpResult(errno, interrupted);
            }

            ReadOnlySpan<byte> rest = buffer.AsSpan(0, (int)received);
            while (rest.Length >= HeaderBytes)
            {
                int length = BinaryPrimitives.ReadInt32LittleEndian(rest);
                if (length < HeaderBytes || length > rest.Length)
                {
                    return new DumpResult(Libc.EIO, interrupted);
                }

                ushort kind = BinaryPrimitives.ReadUInt16LittleEndian(rest[4..]);
                interrupted |= (BinaryPrimitives.ReadUInt16LittleEndian(rest[6..]) & NLM_F_DUMP_INTR) != 0;
                bool isOurs = BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]) == sequence;
                ReadOnlySpan<byte> payload = rest[HeaderBytes..length];
                if (isOurs && kind is NLMSG_DONE or NLMSG_ERROR)
                {
                    int error = payload.Length >= 4 ? -BinaryPrimitives.ReadInt32LittleEndian(payload) : 0;
                    return new DumpResult(Math.Max(0, error), interrupted);
                }

                if (isOurs)
                {
                    messages++;
                    take(kind, payload);
                }

                rest = rest[Math.Min(rest.Length, (length + 3) & ~3)..];
            }
        }

        return new DumpResult(Libc.ENOSPC, interrupted);
    }
}

/// <summary>Walks the attributes of a netlink message: struct nlattr { u16 len; u16 type; }, padded to four bytes.</summary>
internal ref struct NetlinkAttributes(ReadOnlySpan<byte> attributes)
{
    private ReadOnlySpan<byte> rest = attributes;

    /// <summary>Type without the nested and byte-order flags.</summary>
    public int Type { get; private set; }

    /// <summary>Payload.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    public bool Next()
    {
        if (rest.Length < 4)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(rest);
        if (length < 4 || length > rest.Length)
        {
            return false;
        }

        Type = BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]) & 0x3fff;
        Value = rest[4..length];
        rest = rest[Math.Min(rest.Length, (length + 3) & ~3)..];
        return true;
    }
}
