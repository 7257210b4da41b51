using System.Globalization;
using ContainerIR.Evidence;

namespace ContainerIR.Collectors.Traffic;

/// <summary>How long and how much traffic is recorded, and from where.</summary>
/// <param name="Duration">After so long the capture ends by itself.</param>
/// <param name="MaxBytes">The capture file never grows beyond this.</param>
public sealed record TrafficOptions(TimeSpan Duration, long MaxBytes)
{
    /// <summary>What the full profile records.</summary>
    public static TrafficOptions TenSeconds { get; } = new(TimeSpan.FromSeconds(10), 256L * 1024 * 1024);

    /// <summary>Reads what a person types: <c>SECONDS</c> or <c>SECONDS,MEGABYTES</c>, from 1 to 86400 and from 1 to 1048576.</summary>
    /// <exception cref="OperatorException">It is neither.</exception>
    public static TrafficOptions Parse(string text)
    {
        string[] parts = text.Split(',');
        int megabytes = (int)(TenSeconds.MaxBytes >> 20);
        return parts.Length <= 2 && IsNumber(parts[0], 86_400, out int seconds) && (parts.Length == 1 || IsNumber(parts[1], 1 << 20, out megabytes))
            ? new TrafficOptions(TimeSpan.FromSeconds(seconds), (long)megabytes << 20)
            : throw new OperatorException(
                $"'{Evidence.Text.DisplayText.Escape(text)}' does not say how long to record traffic.", "Give SECONDS or SECONDS,MEGABYTES: --pcap 30 or --pcap 30,100.");
    }

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

    private static bool IsNumber(string text, int most, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= 1 && number <= most;
}
