using System.Buffers.Binary;

namespace ContainerIR.Linux;

/// <summary>One object of the packet filter: the bytes the kernel gave and what they say.</summary>
/// <param name="Kind"><c>table</c>, <c>chain</c>, <c>rule</c>, <c>set</c>, <c>elements</c>, <c>object</c>, <c>flowtable</c>.</param>
/// <param name="Family">NFPROTO_*: 1 inet, 2 ip, 3 arp, 5 netdev, 7 bridge, 10 ip6.</param>
/// <param name="Table">Table, raw.</param>
/// <param name="Chain">Chain, for rules and chains; empty else.</param>
/// <param name="Name">Name of a set, object or flow table; empty else.</param>
/// <param name="Handle">The kernel's number of it; 0 when it has none.</param>
/// <param name="Text">What it says, for people.</param>
/// <param name="Attributes">Its netlink attributes, as they came.</param>
internal sealed record NftEntry(string Kind, byte Family, byte[] Table, byte[] Chain, byte[] Name, ulong Handle, string Text, byte[] Attributes);

/// <summary>
/// The rules of nftables, and of iptables where it is a face of it, by nfnetlink (include/uapi/linux/netfilter/nf_tables.h). They are asked of the kernel:
/// no program is run and nothing is changed.
/// </summary>
internal static class Nftables
{
    /// <summary>Most objects taken of one namespace.</summary>
    public const int MaxEntries = 50_000;
    private const int MaxBytes = 64 * 1024 * 1024;
    private const int Subsystem = 10 << 8; // NFNL_SUBSYS_NFTABLES

    // Kind, message that asks, message that answers.
    private static readonly (string Kind, int Ask, int Answer)[] Kinds =
    [
        ("table", 1, 0), ("chain", 4, 3), ("rule", 7, 6), ("set", 10, 9), ("object", 19, 18), ("flowtable", 23, 22),
    ];

    /// <summary>Reads everything.</summary>
    /// <param name="netlink">NETLINK_NETFILTER of the namespace.</param>
    /// <param name="problem">What could not be read, and why.</param>
    public static List<NftEntry> Read(NetlinkSocket netlink, Action<string, string> problem)
    {
        List<NftEntry> entries = [];
        long bytes = 0;
        foreach ((string kind, int ask, int answer) in Kinds)
        {
            Dump(kind, ask, answer, new byte[4]);
            if (kind == "table" && entries.Count == 0)
            {
                return entries;
            }
        }

        foreach (NftEntry set in entries.Where(entry => entry.Kind == "set").ToArray())
        {
            // NFTA_SET_ELEM_LIST_TABLE 1, NFTA_SET_ELEM_LIST_SET 2, both NUL-terminated.
            Dump("elements", 13, 12, [set.Family, 0, 0, 0, .. Attribute(1, set.Table), .. Attribute(2, set.Name)]);
        }

        if (entries.Count >= MaxEntries || bytes >= MaxBytes)
        {
            problem("packet filter rules", $"cut at {entries.Count} objects");
        }

        return entries;

        void Dump(string kind, int ask, int answer, byte[] body)
        {
            DumpResult result = netlink.Dump((ushort)(Subsystem | ask), body, (type, payload) =>
            {
                if (type == (Subsystem | answer) && payload.Length >= 4 && entries.Count < MaxEntries && (bytes += payload.Length) < MaxBytes)
                {
                    entries.Add(Parse(kind, payload[0], payload[4..]));
                }
            });
            // A kernel without nf_tables has no such messages at all: that is no loss of rules.
            if (result.Errno != 0 && !(kind == "table" && result.IsUnsupported))
            {
                problem($"packet filter ({kind})", Libc.Describe(result.Errno));
            }
            else if (result.WasInterrupted)
            {
                problem($"packet filter ({kind})", "the rules were changed while they were read: some may be missing or twice");
            }
        }
    }

    /// <summary>Parses the attributes of one object.</summary>
    public static NftEntry Parse(string kind, byte family, ReadOnlySpan<byte> attributes)
    {
        byte[] table = [], chain = [], name = [];
        ulong handle = 0;
        // Attribute numbers of enum nft_{table,chain,rule,set,object,flowtable}_attributes.
        (int chainAt, int nameAt, int handleAt) = kind switch
        {
            "table" => (0, 0, 4),
            "chain" => (3, 0, 2),
            "rule" => (2, 0, 3),
            "set" => (0, 2, 16),
            "elements" => (0, 2, 0),
            "object" => (0, 2, 6),
            _ => (0, 2, 5),
        };
        NetlinkAttributes each = new(attributes);
        while (each.Next())
        {
            ReadOnlySpan<byte> value = each.Value;
            if (each.Type == 1)
            {
                table = value.TrimEnd((byte)0).ToArray();
            }
            else if (each.Type == chainAt)
            {
                chain = value.TrimEnd((byte)0).ToArray();
            }
            else if (each.Type == nameAt)
            {
                name = value.TrimEnd((byte)0).ToArray();
            }
            else if (each.Type == handleAt && value.Length >= 8)
            {
                handle = BinaryPrimitives.ReadUInt64BigEndian(value);
            }
        }

        string text = kind switch
        {
            "rule" => new NftText(family).OfRule(attributes),
            "chain" => NftText.OfChain(attributes),
            "elements" => NftText.OfElements(attributes),
            _ => "",
        };
        return new NftEntry(kind, family, table, chain, name, handle, text, attributes.ToArray());
    }

    private static byte[] Attribute(ushort type, byte[] text)
    {
        byte[] attribute = new byte[(4 + text.Length + 1 + 3) & ~3];
        BinaryPrimitives.WriteUInt16LittleEndian(attribute, (ushort)(4 + text.Length + 1));
        BinaryPrimitives.WriteUInt16LittleEndian(attribute.AsSpan(2), type);
        text.CopyTo(attribute, 4);
        return attribute;
    }
}
