using System.Buffers.Binary;

namespace ContainerIR.Linux;

/// <summary>Sets an interface up or down by rtnetlink(7), by its index: no name is needed, whatever it is called.</summary>
internal static class LinkSwitch
{
    private const ushort RTM_NEWLINK = 16;
    private const uint IFF_UP = 1;

    /// <exception cref="IOException">The kernel refused.</exception>
    public static void Set(NamespaceHandle space, int index, bool isUp)
    {
        // struct ifinfomsg: u8 family, pad; u16 type; s32 index; u32 flags, change.
        byte[] body = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), index);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(8), isUp ? IFF_UP : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(12), IFF_UP);
        using NetlinkSocket netlink = space.CreateNetlink(Libc.NETLINK_ROUTE);
        DumpResult result = netlink.Ask(RTM_NEWLINK, body, static (_, _) => { });
        if (result.Errno != 0)
        {
            throw new IOException($"interface {index} {(isUp ? "up" : "down")}: {Libc.Describe(result.Errno)}");
        }
    }
}
