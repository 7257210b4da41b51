using System.Net;
using System.Net.Sockets;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Networks;

/// <summary>The addresses of a container, by its name.</summary>
/// <param name="ContainerId">Full id.</param>
/// <param name="Name">Name.</param>
/// <param name="Addresses">Its addresses in all networks.</param>
internal sealed record NamedAddresses(string ContainerId, string Name, IReadOnlyList<string> Addresses)
{
    /// <summary>The addresses the engine gave a container.</summary>
    public static NamedAddresses Of(ContainerRef container) => new(
        container.Id, container.Name, [.. container.Networks.SelectMany(n => new[] { n.IPv4, n.IPv6 }).Where(a => a.Length > 0)]);
}

/// <summary>Says what an address is: a container, the host, a gateway, or a kind of network. Names are the engine's; none is asked of a DNS.</summary>
internal sealed class PeerNames
{
    private static readonly IPNetwork[] Private =
    [
        IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("fc00::/7"),
    ];

    private readonly Dictionary<IPAddress, string> names = [];

    /// <summary>Names an address; the first name given to it stays.</summary>
    public void Add(string address, string name)
    {
        if (IPAddress.TryParse(address, out IPAddress? parsed))
        {
            names.TryAdd(Plain(parsed), name);
        }
    }

    /// <summary>Names the container itself, its gateways, then the others.</summary>
    public void Add(ContainerRef container, IReadOnlyList<NamedAddresses> others)
    {
        foreach (ContainerNetwork network in container.Networks)
        {
            Add(network.IPv4, "itself");
            Add(network.IPv6, "itself");
        }

        foreach (NamedAddresses other in others)
        {
            foreach (string address in other.Addresses)
            {
                Add(address, other.ContainerId == container.Id ? "itself" : "container " + DisplayText.Escape(other.Name));
            }
        }

        foreach (ContainerNetwork network in container.Networks)
        {
            Add(network.Gateway, "host, gateway of network " + DisplayText.Escape(network.Name));
        }
    }

    /// <summary>What an address is; null for none and for the wildcard.</summary>
    public string? Of(IPAddress? address)
    {
        if (address is null)
        {
            return null;
        }

        address = Plain(address);
        if (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            return null;
        }

        if (names.TryGetValue(address, out string? name))
        {
            return name;
        }

        byte[] bytes = address.GetAddressBytes();
        return IPAddress.IsLoopback(address) ? bytes is [127, 0, 0, 11] ? "engine's name server" : "itself"
            : address.IsIPv6Multicast || (bytes.Length == 4 && bytes[0] is >= 224 and <= 239) ? "multicast"
            : address.IsIPv6LinkLocal || bytes is [169, 254, _, _] ? "link-local"
            : Array.Exists(Private, network => network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address)) ? "private"
            : "public";
    }

    /// <summary>IPv4 behind an IPv4-mapped IPv6 address; no scope id.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
        : address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0 ? new IPAddress(address.GetAddressBytes()) : address;
}
