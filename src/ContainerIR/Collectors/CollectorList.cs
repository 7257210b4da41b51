using ContainerIR.Collectors.Traffic;

namespace ContainerIR.Collectors;

/// <summary>One line of the list: from which profile on a collector runs, and how it is made.</summary>
internal sealed record CollectorEntry(string Name, Volatility Volatility, Profile From, Func<CollectionContext, ICollector> Make);

/// <summary>All collectors, in the order they run: most volatile first. A new collector is one file and one line here.</summary>
internal static class CollectorList
{
    public static IReadOnlyList<CollectorEntry> All { get; } =
    [
        new("traffic", Volatility.NetworkState, Profile.Full, context => new TrafficCollector(TrafficOptions.TenSeconds, context.Clock)),
    ];
}
