using System.Net;
using System.Text;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Networks;

/// <summary>
/// Copies the packet filter of each namespace: nftables objects and rules of iptables, the kernel's bytes and what they say. Of the host's side too,
/// where published ports, isolation and an intruder's redirections stand; each row names what of this container it mentions.
/// </summary>
internal sealed class FirewallCopy
{
    private static readonly Dictionary<byte, string> Families = new() { [1] = "inet", [2] = "ip", [3] = "arp", [5] = "netdev", [7] = "bridge", [10] = "ip6" };
    private readonly List<(string Label, byte[] Bytes)> own = [];

    private FirewallCopy(IEnumerable<IPAddress> addresses, IEnumerable<byte[]> interfaces)
    {
        own.AddRange(addresses.Select(address => (address.ToString(), address.GetAddressBytes())));
        // A name stands with its end, but in the wildcard of a prefix.
        own.AddRange(interfaces.Where(name => name.Length > 1).Select(name => ("interface " + DisplayText.Escape(name), (byte[])[.. name, 0])));
    }

    /// <summary>Writes <c>firewall.jsonl.zst</c>.</summary>
    /// <param name="spaces">All namespaces.</param>
    /// <param name="addresses">The container's addresses.</param>
    /// <param name="interfaces">Names, at the host's side, of its interfaces and the bridges they hang at.</param>
    /// <param name="sink">Takes the item and gaps.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task WriteAsync(
        IEnumerable<NetworkSpace> spaces, IEnumerable<IPAddress> addresses, IEnumerable<byte[]> interfaces, IEvidenceSink sink, CancellationToken ct)
    {
        FirewallCopy copy = new(addresses, interfaces);
        await using RowLines lines = new(sink.Create("firewall.jsonl.zst", new ItemOptions("nfnetlink and iptables tables of each network namespace", ItemForm.Frames)));
        foreach (NetworkSpace space in spaces)
        {
            void Problem(string what, string reason) => sink.AddGap($"{what} of network namespace {space.Inode} ({space.Side})", reason);
            foreach (NftEntry entry in space.ReadRules(Problem))
            {
                await lines.WriteAsync(
                    json =>
                    {
                        json.WriteNumber("netns", space.Inode);
                        json.WriteString("side", space.Side);
                        json.WriteString("kind", entry.Kind);
                        json.WriteString("family", Families.GetValueOrDefault(entry.Family, "unknown"));
                        ByteJson.Write(json, "table", entry.Table);
                        if (entry.Chain.Length > 0)
                        {
                            ByteJson.Write(json, "chain", entry.Chain);
                        }

                        if (entry.Name.Length > 0)
                        {
                            ByteJson.Write(json, "name", entry.Name);
                        }

                        json.WriteNumber("handle", entry.Handle);
                        copy.WriteRest(json, entry.Text, entry.Attributes);
                    },
                    ct);
            }

            foreach ((int family, LegacyRule rule) in space.ReadLegacyRules(Problem))
            {
                await lines.WriteAsync(
                    json =>
                    {
                        json.WriteNumber("netns", space.Inode);
                        json.WriteString("side", space.Side);
                        json.WriteString("kind", "iptables-rule");
                        json.WriteString("family", family == Libc.AF_INET6 ? "ip6" : "ip");
                        ByteJson.Write(json, "table", Encoding.ASCII.GetBytes(rule.Table));
                        ByteJson.Write(json, "chain", rule.Chain);
                        copy.WriteRest(json, rule.Text, rule.Entry);
                    },
                    ct);
            }
        }

        await lines.CompleteAsync(null, ct);
    }

    private void WriteRest(System.Text.Json.Utf8JsonWriter json, string text, byte[] bytes)
    {
        if (text.Length > 0)
        {
            json.WriteString("text", text);
        }

        json.WriteStartArray("mentions");
        foreach ((string label, byte[] mark) in own)
        {
            if (bytes.AsSpan().IndexOf(mark) >= 0)
            {
                json.WriteStringValue(label);
            }
        }

        json.WriteEndArray();
        json.WriteBase64String("b64", bytes);
    }
}
