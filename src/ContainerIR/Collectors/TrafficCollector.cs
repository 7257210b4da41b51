using ContainerIR.Collectors.Traffic;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>Records the packets that pass the container's interfaces for a stated time, at the host's side wherever there is one.</summary>
/// <remarks>
/// Source: AF_PACKET with a TPACKET_V3 ring (packet(7)). Called like any collector it takes its whole time; begun early with <see cref="Begin"/>, it records
/// while the others work and <see cref="CollectAsync"/> only waits for the rest. An isolated container can be watched, too: packets pass the socket before
/// a netdev filter drops them.
/// </remarks>
/// <param name="options">How long, how much, from where.</param>
/// <param name="clock">Time.</param>
/// <param name="namespaces">The network namespaces of a container; null for its first process's only.</param>
internal sealed class TrafficCollector(TrafficOptions options, TimeProvider clock, Func<ContainerRef, IReadOnlyList<NamespaceDoor>>? namespaces = null) : ICollector
{
    private TrafficCapture? running;

    public string Name => "traffic";

    public Volatility Volatility => Volatility.NetworkState;

    /// <summary>Starts recording and returns; <see cref="CollectAsync"/>, called with the same sink, finishes it.</summary>
    /// <exception cref="Evidence.BundleWriteException">The items cannot be opened.</exception>
    public void Begin(ContainerRef container, IEvidenceSink sink) =>
        running ??= TrafficCapture.Start(container, (namespaces ?? OfFirstProcess)(container), sink, options, clock);

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        Begin(container, sink);
        await using TrafficCapture capture = running!;
        running = null;
        await capture.FinishAsync(ct);
    }

    private static IReadOnlyList<NamespaceDoor> OfFirstProcess(ContainerRef container) =>
        NamespaceHandle.InodeOf(container.InitPid) is ulong inode ? [new NamespaceDoor(inode, $"/proc/{container.InitPid}/ns/net")] : [];
}
