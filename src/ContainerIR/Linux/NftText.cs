using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Linux;

/// <summary>
/// Says in words what a rule of nf_tables does. A rule is a small program over registers (include/uapi/linux/netfilter/nf_tables.h): what was loaded into
/// each is remembered and shown where it is compared. An expression that is not known is named; its bytes stand beside it in the row.
/// </summary>
internal sealed class NftText(byte family)
{
    private const int MaxExpressions = 128; // NFT_RULE_MAXEXPRS
    private static readonly string[] MetaKeys =
    [
        "length", "protocol", "priority", "mark", "iif", "oif", "iifname", "oifname", "iiftype", "oiftype", "skuid", "skgid", "nftrace", "rtclassid", "secmark", "nfproto", "l4proto",
        "ibrname", "obrname", "pkttype", "cpu", "iifgroup", "oifgroup", "cgroup", "random",
    ];

    private static readonly string[] CtKeys = ["state", "direction", "status", "mark", "secmark", "expiration", "helper", "l3proto", "src", "dst", "protocol", "proto-src", "proto-dst", "labels"];
    private static readonly string[] Comparisons = ["", "!= ", "< ", "<= ", "> ", ">= "];
    private static readonly string[] Hooks = ["prerouting", "input", "forward", "output", "postrouting", "ingress"];
    private readonly Dictionary<uint, string> registers = [];
    private readonly StringBuilder text = new();

    /// <summary>A rule.</summary>
    public string OfRule(ReadOnlySpan<byte> attributes)
    {
        NetlinkAttributes each = new(attributes);
        while (each.Next())
        {
            if (each.Type == 4) // NFTA_RULE_EXPRESSIONS
            {
                NetlinkAttributes expressions = new(each.Value);
                for (int i = 0; i < MaxExpressions && expressions.Next(); i++)
                {
                    string name = Encoding.ASCII.GetString(Find(expressions.Value, 1).TrimEnd((byte)0));
                    Say(name, Find(expressions.Value, 2));
                }
            }
        }

        return text.ToString();
    }

    /// <summary>Where a chain hangs.</summary>
    public static string OfChain(ReadOnlySpan<byte> attributes)
    {
        ReadOnlySpan<byte> hook = Find(attributes, 4), policy = Find(attributes, 5); // NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY
        if (hook.IsEmpty)
        {
            return "";
        }

        uint number = Number(Find(hook, 1));
        string device = Text(Find(hook, 3));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"type {Text(Find(attributes, 7))} hook {(number < Hooks.Length ? Hooks[number] : number.ToString(CultureInfo.InvariantCulture))}{(device.Length > 0 ? " device " + device : "")} priority {(int)Number(Find(hook, 2))} policy {(policy.IsEmpty || Number(policy) == 1 ? "accept" : "drop")}");
    }

    /// <summary>Keys of a set's elements, and what a map gives for them.</summary>
    public static string OfElements(ReadOnlySpan<byte> attributes)
    {
        List<string> elements = [];
        NetlinkAttributes each = new(Find(attributes, 3)); // NFTA_SET_ELEM_LIST_ELEMENTS
        while (each.Next() && elements.Count < 1000)
        {
            string key = Value("", Find(Find(each.Value, 1), 1));
            ReadOnlySpan<byte> gives = Find(each.Value, 2);
            elements.Add(gives.IsEmpty ? key : $"{key} : {(Find(gives, 2).IsEmpty ? Value("", Find(gives, 1)) : Verdict(Find(gives, 2)))}");
        }

        return string.Join(", ", elements);
    }

    private void Say(string name, ReadOnlySpan<byte> data)
    {
        switch (name)
        {
            case "meta":
                Load(data, 1, 3, "meta " + Key(MetaKeys, Find(data, 2)));
                break;
            case "ct":
                Load(data, 1, 4, "ct " + Key(CtKeys, Find(data, 2)));
                break;
            case "fib":
                registers[Number(Find(data, 1))] = "fib " + ((Number(Find(data, 3)) & 2) != 0 ? "daddr" : "saddr") + (Number(Find(data, 2)) == 3 ? " type" : " oif");
                break;
            case "payload":
                if (!Find(data, 5).IsEmpty)
                {
                    Add($"{Field(data)} set {Register(Find(data, 5))}");
                }
                else
                {
                    registers[Number(Find(data, 1))] = Field(data);
                }

                break;
            case "bitwise":
                // NFTA_BITWISE_SREG 1, DREG 2, MASK 4, XOR 5
                registers[Number(Find(data, 2))] = $"{Register(Find(data, 1))} & {Value(Register(Find(data, 1)), Find(Find(data, 4), 1))}";
                break;
            case "cmp":
                string left = Register(Find(data, 1));
                uint comparison = Number(Find(data, 2));
                Add($"{left} {(comparison < Comparisons.Length ? Comparisons[comparison] : "? ")}{Value(left, Find(Find(data, 3), 1))}");
                break;
            case "range":
                Add($"{Register(Find(data, 1))} {(Number(Find(data, 2)) == 1 ? "!= " : "")}{Value(Register(Find(data, 1)), Find(Find(data, 3), 1))}-{Value(Register(Find(data, 1)), Find(Find(data, 4), 1))}");
                break;
            case "lookup":
                Add($"{Register(Find(data, 2))} {((Number(Find(data, 5)) & 1) != 0 ? "!= " : "")}@{Text(Find(data, 1))}");
                break;
            case "immediate":
                ReadOnlySpan<byte> given = Find(data, 2);
                if (!Find(given, 2).IsEmpty)
                {
                    Add(Verdict(Find(given, 2)));
                }
                else
                {
                    registers[Number(Find(data, 1))] = Value("", Find(given, 1));
                }

                break;
            case "counter":
                Add(string.Create(CultureInfo.InvariantCulture, $"counter packets {Wide(Find(data, 2))} bytes {Wide(Find(data, 1))}"));
                break;
            case "nat":
                string address = Register(Find(data, 3)), port = Register(Find(data, 5));
                Add($"{(Number(Find(data, 1)) == 1 ? "dnat" : "snat")} to {address}{(port.Length > 0 ? ":" + Port(port) : "")}");
                break;
            case "match" or "target":
                Add(XtablesText.Of(name == "match", Text(Find(data, 1)), (int)Number(Find(data, 2)), Find(data, 3)));
                break;
            case "log":
                Add($"log prefix \"{Text(Find(data, 2))}\"");
                break;
            default:
                Add(DisplayText.Escape(Encoding.ASCII.GetBytes(name)));
                break;
        }
    }

    private void Load(ReadOnlySpan<byte> data, int destination, int source, string what)
    {
        if (!Find(data, source).IsEmpty)
        {
            Add($"{what} set {Register(Find(data, source))}");
        }
        else
        {
            registers[Number(Find(data, destination))] = what;
        }
    }

    // NFTA_PAYLOAD_BASE 2 (0 link, 1 network, 2 transport), OFFSET 3, LEN 4
    private string Field(ReadOnlySpan<byte> data)
    {
        uint from = Number(Find(data, 2)), offset = Number(Find(data, 3)), length = Number(Find(data, 4));
        return (family, from, offset, length) switch
        {
            (10, 1, 8, _) => "ip6 saddr",
            (10, 1, 24, _) => "ip6 daddr",
            (10, 1, 6, 1) => "ip6 nexthdr",
            (_, 1, 12, <= 4) => "ip saddr",
            (_, 1, 16, <= 4) => "ip daddr",
            (_, 1, 9, 1) => "ip protocol",
            (_, 2, 0, 2) => "th sport",
            (_, 2, 2, 2) => "th dport",
            _ => string.Create(CultureInfo.InvariantCulture, $"{(from == 0 ? "link" : from == 1 ? "network" : "transport")} bytes {offset}+{length}"),
        };
    }

    private string Register(ReadOnlySpan<byte> number) => number.IsEmpty ? "" : registers.GetValueOrDefault(Number(number), "?");

    private static string Key(string[] names, ReadOnlySpan<byte> number) =>
        Number(number) is var key && key < names.Length ? names[key] : key.ToString(CultureInfo.InvariantCulture);

    private static string Port(string value) => value.StartsWith("0x", StringComparison.Ordinal)
        && int.TryParse(value.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int port) ? port.ToString(CultureInfo.InvariantCulture) : value;

    private static string Value(string what, ReadOnlySpan<byte> bytes)
    {
        if (what.EndsWith("ifname", StringComparison.Ordinal))
        {
            // A name without its end is a prefix of names.
            return '"' + DisplayText.Escape(bytes.TrimEnd((byte)0)) + (bytes.IndexOf((byte)0) < 0 ? "*" : "") + '"';
        }

        bool isAddress = what.Contains("addr", StringComparison.Ordinal) && !what.StartsWith("fib", StringComparison.Ordinal);
        if (isAddress && bytes.Length is > 0 and < 4)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{string.Join('.', bytes.ToArray())}{(bytes.Length == 3 ? ".0" : bytes.Length == 2 ? ".0.0" : ".0.0.0")}/{bytes.Length * 8}");
        }

        return (isAddress || what.Length == 0) && bytes.Length is 4 or 16 ? new IPAddress(bytes).ToString()
            : what.EndsWith("port", StringComparison.Ordinal) && bytes.Length == 2 ? BinaryPrimitives.ReadUInt16BigEndian(bytes).ToString(CultureInfo.InvariantCulture)
            : bytes.Length == 1 ? bytes[0].ToString(CultureInfo.InvariantCulture)
            : what == "fib daddr type" && bytes.Length == 4 && bytes[0] == 2 ? "local"
            : "0x" + Convert.ToHexStringLower(bytes);
    }

    // NFTA_VERDICT_CODE 1, NFTA_VERDICT_CHAIN 2
    private static string Verdict(ReadOnlySpan<byte> verdict)
    {
        string chain = Text(Find(verdict, 2));
        return (int)Number(Find(verdict, 1)) switch
        {
            0 => "drop",
            1 => "accept",
            3 => "queue",
            -1 => "continue",
            -2 => "break",
            -3 => "jump " + chain,
            -4 => "goto " + chain,
            -5 => "return",
            var code => "verdict " + code.ToString(CultureInfo.InvariantCulture),
        };
    }

    private static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> attributes, int type)
    {
        NetlinkAttributes each = new(attributes);
        while (each.Next())
        {
            if (each.Type == type)
            {
                return each.Value;
            }
        }

        return [];
    }

    private static uint Number(ReadOnlySpan<byte> value) => value.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(value) : 0;

    private static ulong Wide(ReadOnlySpan<byte> value) => value.Length >= 8 ? BinaryPrimitives.ReadUInt64BigEndian(value) : 0;

    private static string Text(ReadOnlySpan<byte> value) => DisplayText.Escape(value.TrimEnd((byte)0));

    private void Add(string words) => text.Append(text.Length == 0 ? "" : " ").Append(words);
}
