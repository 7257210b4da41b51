using ContainerIR.Collectors.Networks;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// Copies the sockets, flows and network settings of every network namespace the container's processes are in or keep alive, each socket with the
/// process and executable that hold it.
/// </summary>
/// <remarks>Source: sock_diag(7), rtnetlink(7), /proc/net, nf_conntrack of the container's, the engine's and the host's namespaces.</remarks>
/// <param name="others">Gives the addresses of the engine's containers, to name peers.</param>
/// <param name="worker">How the reader of files that may block is started.</param>
internal sealed class NetworkCollector(Func<CancellationToken, Task<IReadOnlyList<NamedAddresses>>> others, ReadWorkerLaunch worker) : ICollector
{
    public string Name => "network";

    public Volatility Volatility => Volatility.NetworkState;

    /// <summary>Asks an engine for the addresses of its containers.</summary>
    public static Func<CancellationToken, Task<IReadOnlyList<NamedAddresses>>> AddressesOf(IContainerRuntime runtime) =>
        async ct => [.. (await runtime.ListAsync(ct)).Select(summary => NamedAddresses.Of(summary.Container))];

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        BootClock clock = BootClock.Take();
        if (ContainerScope.Find(container, sink, "network state", clock, ct) is not { } membership)
        {
            return;
        }

        using NetworkRun run = new(container, membership, sink, worker);
        await run.CollectAsync(others, ct);
    }
}
