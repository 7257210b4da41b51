using ContainerIR.Evidence.Items;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// Copies one kind of evidence of one container from the host's side. Nothing is executed inside the container, no program of the container and
/// no shell is run. A source that cannot be read becomes a gap and the collector goes on with the next; only <c>BundleWriteException</c> and
/// cancellation leave it.
/// </summary>
internal interface ICollector
{
    /// <summary>Short name: the section in the bundle, the argument of <c>--skip</c>. Lower case, words joined by hyphens.</summary>
    string Name { get; }

    /// <summary>Its place in the order of volatility.</summary>
    Volatility Volatility { get; }

    /// <summary>Copies everything it knows of into the sink.</summary>
    Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct);
}
