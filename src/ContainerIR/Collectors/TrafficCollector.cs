using ContainerIR.Collectors.Traffic;
using ContainerIR.Evidence.Items;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>Records the packets that pass the container's interfaces for a stated time, at the host's side wherever there is one.</summary>
/// <remarks>
/// Source: AF_PACKET with a TPACKET_V3 ring (packet(7)). It records from the moment it is called and runs beside the other collectors. An isolated
/// container can be watched, too: packets pass the socket before a netdev filter drops them.
/// </remarks>
/// <param name="options">How long, how much, from where.</param>
/// <param name="clock">Time.</param>
internal sealed class TrafficCollector(TrafficOptions options, TimeProvider clock) : ICollector
{
    public string Name => "traffic";

    public Volatility Volatility => Volatility.NetworkState;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        await using TrafficCapture capture = TrafficCapture.Start(container, TrafficDoors.Of(container, sink, ct), sink, options, clock);
        await capture.FinishAsync(ct);
    }
}
