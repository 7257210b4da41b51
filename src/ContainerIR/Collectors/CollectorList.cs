namespace ContainerIR.Collectors;

/// <summary>One line of the list: from which profile on a collector runs, and how it is made.</summary>
internal sealed record CollectorEntry(string Name, Volatility Volatility, Profile From, Func<CollectionContext, ICollector> Make);

/// <summary>All collectors, in the order they run: most volatile first. A new collector is one file and one line here.</summary>
internal static class CollectorList
{
    public static IReadOnlyList<CollectorEntry> All { get; } =
    [
        new("host", Volatility.Clock, Profile.Triage, static _ => new HostCollector()),
        new("events", Volatility.EngineMemory, Profile.Triage, static context => new EventsCollector(context)),
        new("memory", Volatility.ProcessMemory, Profile.Full, static context => new MemoryCollector(context, MemoryScope.All, FreezePolicy.Auto)),
        new("logs", Volatility.Disk, Profile.Standard, static context => new LogsCollector(context)),
        new("rootfs-diff", Volatility.Disk, Profile.Triage, static context => new RootFsDiffCollector(context)),
        new("configuration", Volatility.Configuration, Profile.Triage, static context => new ConfigurationCollector(context)),
        new("image", Volatility.Archive, Profile.Triage, static context => new ImageCollector(context)),
    ];
}
