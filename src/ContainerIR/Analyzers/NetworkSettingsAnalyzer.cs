using System.Net;
using System.Text;
using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>Packet filter and name resolution inside the container: an engine sets neither beyond its own resolver and the container's own names.</summary>
internal sealed class NetworkSettingsAnalyzer : IAnalyzer
{
    private const int MaxShown = 20;
    private static readonly Rule Changed = RuleList.Of("CIR-057");

    public string Name => "network-settings";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        bool mayFilter = scene.Inspect.Object("HostConfig").Texts("CapAdd").Any(name => name.EndsWith("NET_ADMIN", StringComparison.Ordinal) || name.EndsWith("ALL", StringComparison.Ordinal));
        List<SeenValue> rules = [];
        FindingPlace? first = null;
        foreach ((FindingPlace place, string text) in scene.Rows("network", "firewall.jsonl.zst", OwnRule, ct))
        {
            if (text.Length > 0 && rules.Count < MaxShown)
            {
                first ??= place;
                rules.Add(SeenValue.Of("rule", text));
            }
        }

        if (first is not null)
        {
            yield return mayFilter
                ? new Finding(Changed, Severity.Low, rules, first, "the container was given NET_ADMIN: VPNs and meshes set rules of their own")
                : new Finding(Changed, Changed.Severity, rules, first);
        }

        (JsonElement namespaces, FindingPlace names) = scene.Document("network", "namespaces.json");
        string[] sunk = [.. namespaces.Items("name_resolution").Where(file => file.Text("file") == "etc/hosts").SelectMany(file => Sunk(scene, ByteJson.Read(file, "content") ?? []))];
        if (sunk.Length > 0)
        {
            yield return new Finding(Changed, Changed.Severity, [.. sunk.Take(MaxShown).Select(name => SeenValue.OfRaw("etc/hosts", name))], names);
        }
    }

    /// <summary>The text of a rule that stands in the container and that its engine does not set; empty for every other row.</summary>
    private static string OwnRule(JsonElement row)
    {
        string text = row.Text("text") ?? "", chain = row.Text("chain") ?? "", kind = row.Text("kind") ?? "";
        bool isEngines = chain.StartsWith("DOCKER_", StringComparison.Ordinal) || chain.StartsWith("NETAVARK", StringComparison.Ordinal) || text.Contains("127.0.0.11", StringComparison.Ordinal) || text.Contains("DOCKER_", StringComparison.Ordinal);
        return row.Text("side") != "container" || kind is not ("rule" or "iptables-rule") || isEngines || (kind == "iptables-rule" && IsPolicy(text))
            ? "" : $"{row.Text("family")} {row.Text("table")} {chain}: {text}";
    }

    // The last entry of a chain of iptables is its policy: no match, and ACCEPT.
    private static bool IsPolicy(string text) => text.Trim() is "" or "-j ACCEPT" or "-j RETURN" or "ACCEPT" or "RETURN" or "policy ACCEPT";

    // Names of others that lead to nowhere or to the container itself.
    private static IEnumerable<string> Sunk(Scene scene, byte[] hosts)
    {
        JsonElement configuration = scene.Inspect.Object("Config");
        HashSet<string> own = [configuration.Text("Hostname") ?? "", $"{configuration.Text("Hostname")}.{configuration.Text("Domainname")}", .. scene.Inspect.Object("HostConfig").Texts("ExtraHosts").Select(each => each.Split(':', '=')[0])];
        foreach (string line in Encoding.Latin1.GetString(hosts).Split('\n').Select(line => line.Split('#')[0]))
        {
            string[] words = line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 1 && IPAddress.TryParse(words[0], out IPAddress? address) && (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
            {
                foreach (string name in words.Skip(1).Where(name => name.Contains('.', StringComparison.Ordinal) && !own.Contains(name) && !IsLocal(name)))
                {
                    yield return $"{words[0]} {name}";
                }
            }
        }
    }

    private static bool IsLocal(string name) =>
        name.EndsWith(".local", StringComparison.Ordinal) || name.EndsWith(".localdomain", StringComparison.Ordinal) || name.EndsWith(".localdomain4", StringComparison.Ordinal) || name.EndsWith(".localdomain6", StringComparison.Ordinal)
        || name.EndsWith(".localhost", StringComparison.Ordinal) || name.EndsWith(".internal", StringComparison.Ordinal) || name.EndsWith(".test", StringComparison.Ordinal);
}
