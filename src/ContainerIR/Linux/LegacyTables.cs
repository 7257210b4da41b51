using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Linux;

/// <summary>A rule of a table of iptables or ip6tables.</summary>
/// <param name="Table">Table.</param>
/// <param name="Chain">Chain it stands in, raw.</param>
/// <param name="Text">What it says.</param>
/// <param name="Entry">Its bytes: struct ipt_entry or ip6t_entry with matches and target.</param>
internal sealed record LegacyRule(string Table, byte[] Chain, string Text, byte[] Entry);

/// <summary>
/// The tables of iptables where it is no face of nf_tables: getsockopt(IPT_SO_GET_ENTRIES) on a socket of the namespace that is bound to nothing and so
/// stands in no list inside (include/uapi/linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h). Only tables that are there are asked for: asking
/// for another would make the kernel create it.
/// </summary>
internal static unsafe class LegacyTables
{
    private const int IPT_SO_GET_INFO = 64, IPT_SO_GET_ENTRIES = 65, SOL_IP = 0, SOL_IPV6 = 41, NameBytes = 32, InfoBytes = 84, HeaderBytes = 40;
    private const int MaxBytes = 64 * 1024 * 1024;
    private static readonly string[] Hooks = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

    /// <summary>Reads one table.</summary>
    /// <param name="socket">A socket of the family, made in the namespace.</param>
    /// <param name="isIPv6">ip6tables.</param>
    /// <param name="table">Name of a table that is there.</param>
    /// <param name="errno">0, or why not.</param>
    public static List<LegacyRule> Read(Descriptor socket, bool isIPv6, string table, out int errno)
    {
        int level = isIPv6 ? SOL_IPV6 : SOL_IP;
        byte[] info = new byte[InfoBytes];
        Encoding.ASCII.GetBytes(table.AsSpan(0, Math.Min(table.Length, NameBytes - 1)), info);
        if (!TryGet(socket, level, IPT_SO_GET_INFO, info, out errno))
        {
            return [];
        }

        // struct ipt_getinfo: name, valid_hooks, hook_entry[5], underflow[5], num_entries, size.
        int size = BinaryPrimitives.ReadInt32LittleEndian(info.AsSpan(80));
        if (size is < 0 or > MaxBytes)
        {
            errno = Libc.ENOSPC;
            return [];
        }

        byte[] entries = new byte[HeaderBytes + size];
        info.AsSpan(0, NameBytes).CopyTo(entries);
        BinaryPrimitives.WriteInt32LittleEndian(entries.AsSpan(NameBytes), size);
        return TryGet(socket, level, IPT_SO_GET_ENTRIES, entries, out errno) ? Parse(table, isIPv6, info, entries.AsSpan(HeaderBytes)) : [];
    }

    /// <summary>Cuts a table into rules.</summary>
    public static List<LegacyRule> Parse(string table, bool isIPv6, ReadOnlySpan<byte> info, ReadOnlySpan<byte> entries)
    {
        List<LegacyRule> rules = [];
        Dictionary<int, string> chains = ChainsOf(isIPv6, info, entries);
        byte[] chain = [];
        for (int at = 0; Next(isIPv6, entries, at, out int targetAt, out int nextAt); at = nextAt)
        {
            chain = chains.TryGetValue(at, out string? begins) ? Encoding.Latin1.GetBytes(begins) : chain;
            ReadOnlySpan<byte> entry = entries[at..nextAt];
            if (TargetName(entry[(targetAt - at)..]) != "ERROR")
            {
                byte[] rule = entry.ToArray();
                rules.Add(new LegacyRule(table, chain, Say(isIPv6, rule, targetAt - at, chains), rule));
            }
        }

        return rules;
    }

    // A built-in chain begins where a hook enters; another one behind an entry whose target is ERROR and bears its name.
    private static Dictionary<int, string> ChainsOf(bool isIPv6, ReadOnlySpan<byte> info, ReadOnlySpan<byte> entries)
    {
        Dictionary<int, string> chains = [];
        uint hooks = BinaryPrimitives.ReadUInt32LittleEndian(info[32..]);
        for (int hook = 0; hook < Hooks.Length; hook++)
        {
            if ((hooks >> hook & 1) != 0)
            {
                chains[BinaryPrimitives.ReadInt32LittleEndian(info[(36 + (hook * 4))..])] = Hooks[hook];
            }
        }

        for (int at = 0; Next(isIPv6, entries, at, out int targetAt, out int nextAt); at = nextAt)
        {
            ReadOnlySpan<byte> target = entries[targetAt..nextAt];
            if (TargetName(target) == "ERROR" && target.Length > 32)
            {
                chains[nextAt] = Encoding.Latin1.GetString(Terminated(target[32..]));
            }
        }

        return chains;
    }

    private static bool Next(bool isIPv6, ReadOnlySpan<byte> entries, int at, out int targetAt, out int nextAt)
    {
        (targetAt, nextAt) = (0, 0);
        int head = isIPv6 ? 168 : 112;
        if (entries.Length - at < head + 32)
        {
            return false;
        }

        int target = BinaryPrimitives.ReadUInt16LittleEndian(entries[(at + (isIPv6 ? 140 : 88))..]), next = BinaryPrimitives.ReadUInt16LittleEndian(entries[(at + (isIPv6 ? 142 : 90))..]);
        (targetAt, nextAt) = (at + target, at + next);
        return target >= head && next >= target + 32 && nextAt <= entries.Length;
    }

    private static string Say(bool isIPv6, byte[] bytes, int targetAt, Dictionary<int, string> chains)
    {
        ReadOnlySpan<byte> entry = bytes;
        // struct ipt_ip: src, dst, smsk, dmsk, iniface, outiface, their masks, proto, flags, invflags; ip6t_ip6 the same with longer addresses.
        int address = isIPv6 ? 16 : 4, names = address * 4, after = names + 64;
        byte inverted = entry[after + (isIPv6 ? 4 : 3)];
        StringBuilder text = new();
        Address("-s", 0, 0x08);
        Address("-d", address, 0x10);
        Interface("-i", names, 0x01);
        Interface("-o", names + 16, 0x02);
        ushort protocol = BinaryPrimitives.ReadUInt16LittleEndian(entry[after..]);
        text.Append(protocol == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{((inverted & 0x40) != 0 ? "! " : "")}-p {protocol} "));
        for (int at = isIPv6 ? 168 : 112; at + 32 <= targetAt;)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(entry[at..]);
            if (length < 32 || at + length > targetAt)
            {
                break;
            }

            text.Append(XtablesText.Of(true, TargetName(entry[at..]), entry[at + 31], entry.Slice(at + 32, length - 32))).Append(' ');
            at += length;
        }

        ReadOnlySpan<byte> target = entry[targetAt..];
        string name = TargetName(target);
        int verdict = name.Length == 0 && target.Length >= 36 ? BinaryPrimitives.ReadInt32LittleEndian(target[32..]) : 0;
        text.Append("-j ").Append(name.Length > 0 ? XtablesText.Of(false, name, target[31], target[32..]) : verdict switch
        {
            -1 => "DROP",
            -2 => "ACCEPT",
            -4 => "QUEUE",
            -5 => "RETURN",
            >= 0 when chains.TryGetValue(verdict, out string? chain) => DisplayText.Escape(Encoding.Latin1.GetBytes(chain)),
            _ => string.Create(CultureInfo.InvariantCulture, $"verdict {verdict}"),
        });
        int counters = isIPv6 ? 152 : 96;
        text.Append(CultureInfo.InvariantCulture, $" [{BinaryPrimitives.ReadUInt64LittleEndian(entry[counters..])}:{BinaryPrimitives.ReadUInt64LittleEndian(entry[(counters + 8)..])}]");
        return text.ToString();

        void Address(string option, int at, byte flag)
        {
            ReadOnlySpan<byte> mask = bytes.AsSpan(at + (address * 2), address);
            if (mask.ContainsAnyExcept((byte)0))
            {
                int bits = 0;
                foreach (byte part in mask)
                {
                    bits += int.PopCount(part);
                }

                text.Append(CultureInfo.InvariantCulture, $"{((inverted & flag) != 0 ? "! " : "")}{option} {new IPAddress(bytes.AsSpan(at, address))}/{bits} ");
            }
        }

        void Interface(string option, int at, byte flag)
        {
            if (bytes.AsSpan(at, 1)[0] != 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"{((inverted & flag) != 0 ? "! " : "")}{option} {DisplayText.Escape(Terminated(bytes.AsSpan(at, 16)))} ");
            }
        }
    }

    private static string TargetName(ReadOnlySpan<byte> target) => DisplayText.Escape(Terminated(target.Slice(2, 29)));

    private static ReadOnlySpan<byte> Terminated(ReadOnlySpan<byte> text) => text.IndexOf((byte)0) is >= 0 and var end ? text[..end] : text;

    private static bool TryGet(Descriptor socket, int level, int option, byte[] buffer, out int errno)
    {
        uint size = (uint)buffer.Length;
        fixed (byte* target = buffer)
        {
            int result = Libc.getsockopt(socket.Number, level, option, target, &size);
            errno = result < 0 ? Marshal.GetLastPInvokeError() : 0;
            return result == 0;
        }
    }
}
