using System.Buffers.Binary;
using System.Globalization;
using System.Net;

namespace ContainerIR.Linux;

/// <summary>
/// Says what a match or target of xtables does, where its struct is known (include/uapi/linux/netfilter/xt_*.h, nf_nat.h); else its name. Used by iptables
/// itself and by iptables as a face of nf_tables.
/// </summary>
internal static class XtablesText
{
    /// <summary>One match or target.</summary>
    public static string Of(bool isMatch, string name, int revision, ReadOnlySpan<byte> info) => (isMatch, name) switch
    {
        // struct xt_tcp, struct xt_udp: u16 spts[2], dpts[2].
        (true, "tcp" or "udp") when info.Length >= 8 => name + Ports(" sport", info) + Ports(" dport", info[4..]),
        // struct nf_nat_range2: u32 flags; union nf_inet_addr min, max; be16 min, max.
        (false, "DNAT" or "SNAT") when revision >= 1 && info.Length >= 40 => $"{name} to {Range(info)}",
        (true, "comment") => "comment",
        (true, _) => "match " + name,
        _ => name,
    };

    private static string Ports(string what, ReadOnlySpan<byte> range)
    {
        ushort from = BinaryPrimitives.ReadUInt16LittleEndian(range), to = BinaryPrimitives.ReadUInt16LittleEndian(range[2..]);
        return from == 0 && to == ushort.MaxValue ? ""
            : from == to ? $"{what} {from}" : $"{what} {from}-{to}";
    }

    private static string Range(ReadOnlySpan<byte> info)
    {
        ReadOnlySpan<byte> address = info.Slice(4, 16);
        IPAddress to = address[4..].ContainsAnyExcept((byte)0) ? new IPAddress(address) : new IPAddress(address[..4]);
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(info[36..]);
        return port == 0 ? to.ToString() : string.Create(CultureInfo.InvariantCulture, $"{to}:{port}");
    }
}
