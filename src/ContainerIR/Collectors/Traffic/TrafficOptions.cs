namespace ContainerIR.Collectors.Traffic;

/// <summary>How long and how much traffic is recorded, and from where.</summary>
/// <param name="Duration">After so long the capture ends by itself.</param>
/// <param name="MaxBytes">The capture file never grows beyond this.</param>
internal sealed record TrafficOptions(TimeSpan Duration, long MaxBytes)
{
    /// <summary>What the full profile records.</summary>
    public static TrafficOptions TenSeconds { get; } = new(TimeSpan.FromSeconds(10), 256L * 1024 * 1024);

    /// <summary>
    /// Also records loopback, tunnels and the like where the container has interfaces with a host side. That takes a socket inside the container's
    /// network namespace, which its /proc/net/packet shows.
    /// </summary>
    public bool Inside { get; init; }

    /// <summary>Records the host's own interfaces when the container shares the host's network: everybody's traffic, not only the container's.</summary>
    public bool HostNetwork { get; init; }

    /// <summary>Memory of all rings together.</summary>
    public int RingBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Interfaces beyond this are gaps.</summary>
    public int MaxInterfaces { get; init; } = 32;

    /// <summary>Flows beyond this are counted, not listed.</summary>
    public int MaxFlows { get; init; } = 65_536;

    /// <summary>DNS messages beyond this are counted, not listed.</summary>
    public int MaxDnsRows { get; init; } = 100_000;
}
