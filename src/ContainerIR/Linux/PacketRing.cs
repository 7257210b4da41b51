using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>
/// A packet(7) socket on one interface with a TPACKET_V3 ring (Documentation/networking/packet_mmap.rst): the kernel fills fixed blocks and hands each
/// over when it is full or <see cref="RetireMilliseconds"/> old. What does not fit is counted as dropped; nothing else is allocated. One thread reads.
/// </summary>
internal sealed unsafe class PacketRing : IDisposable
{
    /// <summary>The longest a packet waits in a block that is not full.</summary>
    public const int RetireMilliseconds = 40;

    /// <summary>Bytes of a block, and so the most of one packet that is kept. A segment before offload splits it has up to 64 KiB.</summary>
    public const int BlockBytes = 256 * 1024;

    private const int FrameBytes = 2048;
    private const int SOL_PACKET = 263;
    private const int PACKET_RX_RING = 5;
    private const int PACKET_STATISTICS = 6;
    private const int PACKET_VERSION = 10;
    private const int PACKET_IGNORE_OUTGOING = 23;
    private const int TPACKET_V3 = 2;
    private const ushort ETH_P_ALL = 3;
    private const uint TP_STATUS_USER = 1;

    private readonly int blockCount;
    private readonly Descriptor owner;
    private readonly int socket;
    private byte* map;
    private byte* next;
    private int current;
    private bool holding;
    private uint left;
    private long received;
    private long dropped;

    private PacketRing(Descriptor owner, int blockCount) => (this.owner, socket, this.blockCount) = (owner, owner.Number, blockCount);

    /// <summary>For poll(2): readable when a block was handed over, in error when the interface went down or away.</summary>
    public int Descriptor => socket;

    /// <summary>Opens a ring on an interface of a namespace. The interface may be down: packets come when it is up.</summary>
    /// <param name="within">Namespace of the interface.</param>
    /// <param name="link">The interface.</param>
    /// <param name="ringBytes">Memory for packets; at least two blocks are taken.</param>
    /// <exception cref="IOException">The kernel refused; the message says which step.</exception>
    public static PacketRing Open(NamespaceHandle within, LinkEntry link, int ringBytes)
    {
        // Without protocol nothing is received until bind names the interface. Frames without an Ethernet header come without any (cooked).
        Descriptor owner = within.CreateSocket(Libc.AF_PACKET, link.IsEthernet ? Libc.SOCK_RAW : Libc.SOCK_DGRAM, 0);
        PacketRing ring = new(owner, Math.Max(2, ringBytes / BlockBytes));
        try
        {
            ring.Map();
            if (link.IsLoopback)
            {
                // The loopback shows each packet leaving and arriving. Kernels before 4.20 refuse: the reader then leaves out one of the two.
                int yes = 1;
                _ = Libc.setsockopt(ring.socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(int));
            }

            SockAddrLl address = new() { sll_family = Libc.AF_PACKET, sll_protocol = unchecked((ushort)(ETH_P_ALL << 8)), sll_ifindex = link.Index };
            Check(Libc.bind(ring.socket, &address, (uint)sizeof(SockAddrLl)), "bind to the interface");
            return ring;
        }
        catch
        {
            ring.Dispose();
            throw;
        }
    }

    /// <summary>Takes the next packet that was handed over. The packet's bytes are valid until the next call.</summary>
    public bool TryNext(out CapturedPacket packet)
    {
        packet = default;
        while (left == 0)
        {
            byte* block = map + ((nint)current * BlockBytes);
            if (holding)
            {
                Volatile.Write(ref BlockStatus(block), 0); // TP_STATUS_KERNEL
                holding = false;
                current = (current + 1) % blockCount;
                continue;
            }

            if ((Volatile.Read(ref BlockStatus(block)) & TP_STATUS_USER) == 0)
            {
                return false;
            }

            holding = true;
            left = *(uint*)(block + 12); // tpacket_hdr_v1.num_pkts
            next = block + *(uint*)(block + 16); // offset_to_first_pkt
        }

        left--;
        packet = new CapturedPacket(next);
        next += *(uint*)next; // tp_next_offset
        return true;
    }

    /// <summary>Lets no further packet in: what was received before stays readable within <see cref="RetireMilliseconds"/>.</summary>
    public void Close()
    {
        SockFilter none = new() { code = 6 }; // BPF_RET | BPF_K, keep 0 bytes
        SockFprog program = new() { len = 1, filter = &none };
        _ = Libc.setsockopt(socket, Libc.SOL_SOCKET, Libc.SO_ATTACH_FILTER, &program, (uint)sizeof(SockFprog));
    }

    /// <summary>Packets the interface showed since the ring was opened (the dropped ones among them), and those that found it full.</summary>
    public (long Received, long Dropped) ReadCounters()
    {
        // struct tpacket_stats_v3: packets, drops, freeze count. Reading resets them; packets include drops.
        uint* counters = stackalloc uint[3];
        uint size = 12;
        if (!owner.IsClosed && Libc.getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, counters, &size) == 0)
        {
            received += counters[0];
            dropped += counters[1];
        }

        return (received, dropped);
    }

    /// <summary>Clears the error poll(2) reports when the interface goes down, and says whether it no longer exists. One that is only down comes back by itself.</summary>
    public bool IsInterfaceGone()
    {
        int error = 0;
        uint size = sizeof(int);
        _ = Libc.getsockopt(socket, Libc.SOL_SOCKET, Libc.SO_ERROR, &error, &size); // clears it
        SockAddrLl address;
        size = (uint)sizeof(SockAddrLl);
        return Libc.getsockname(socket, &address, &size) == 0 && address.sll_ifindex <= 0; // NETDEV_UNREGISTER sets -1
    }

    public void Dispose()
    {
        if (map != null)
        {
            _ = Libc.munmap(map, (nuint)blockCount * BlockBytes);
            map = null;
            left = 0;
            holding = false;
        }

        owner.Dispose();
    }

    private static ref uint BlockStatus(byte* block) => ref *(uint*)(block + 8); // tpacket_block_desc.hdr.bh1.block_status

    private static void Check(int result, string step)
    {
        if (result < 0)
        {
            throw new IOException($"AF_PACKET, {step}: {Libc.Describe(Marshal.GetLastPInvokeError())}");
        }
    }

    private void Map()
    {
        int version = TPACKET_V3;
        Check(Libc.setsockopt(socket, SOL_PACKET, PACKET_VERSION, &version, sizeof(int)), "TPACKET_V3");
        TpacketReq3 request = new()
        {
            tp_block_size = BlockBytes,
            tp_block_nr = (uint)blockCount,
            tp_frame_size = FrameBytes,
            tp_frame_nr = (uint)(blockCount * (BlockBytes / FrameBytes)),
            tp_retire_blk_tov = RetireMilliseconds,
        };
        Check(Libc.setsockopt(socket, SOL_PACKET, PACKET_RX_RING, &request, (uint)sizeof(TpacketReq3)), "ring");
        void* address = Libc.mmap(null, (nuint)blockCount * BlockBytes, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, socket, 0);
        if ((nint)address == -1)
        {
            Check(-1, "mmap of the ring");
        }

        map = (byte*)address;
    }

    /// <summary>struct sockaddr_ll, packet(7).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct SockAddrLl
    {
        public ushort sll_family;
        public ushort sll_protocol;
        public int sll_ifindex;
        public ushort sll_hatype;
        public byte sll_pkttype;
        public byte sll_halen;
        public ulong sll_addr;
    }

    /// <summary>struct tpacket_req3, linux/if_packet.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct TpacketReq3
    {
        public uint tp_block_size;
        public uint tp_block_nr;
        public uint tp_frame_size;
        public uint tp_frame_nr;
        public uint tp_retire_blk_tov;
        public uint tp_sizeof_priv;
        public uint tp_feature_req_word;
    }

    /// <summary>struct sock_filter, linux/filter.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct SockFilter
    {
        public ushort code;
        public byte jt;
        public byte jf;
        public uint k;
    }

    /// <summary>struct sock_fprog, linux/filter.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct SockFprog
    {
        public ushort len;
        public SockFilter* filter;
    }
}
