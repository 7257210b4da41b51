using ContainerIR.Collectors.Traffic;
using ContainerIR.Linux;

namespace ContainerIR.Collectors;

/// <summary>One line of the list.</summary>
/// <param name="Name">The collector's name.</param>
/// <param name="Volatility">Its place in the order of volatility.</param>
/// <param name="From">The first profile that holds it.</param>
/// <param name="Make">Makes it for one acquisition.</param>
/// <param name="Asked">What the operator's choices say of it, whatever the profile: true or false; null when nothing was chosen.</param>
/// <param name="RunsBeside">True for one that waits for things to happen: it starts in its place and runs while the others work.</param>
internal sealed record CollectorEntry(
    string Name, Volatility Volatility, Profile From, Func<CollectionContext, ICollector> Make, bool RunsBeside = false, Func<VolatileChoices, bool?>? Asked = null)
{
    /// <summary>Whether an acquisition runs it.</summary>
    public bool IsWanted(Profile profile, VolatileChoices choices) => Asked?.Invoke(choices) ?? From <= profile;
}

/// <summary>All collectors, in the order they run: most volatile first. A new collector is one file and one line here.</summary>
internal static class CollectorList
{
    public static IReadOnlyList<CollectorEntry> All { get; } =
    [
        new("host", Volatility.Clock, Profile.Triage, static _ => new HostCollector()),
        new("events", Volatility.EngineMemory, Profile.Triage, static context => new EventsCollector(context)),
        new("traffic", Volatility.NetworkState, Profile.Full, static context => new TrafficCollector(context.Choices.Traffic ?? TrafficOptions.TenSeconds, context.Clock),
            RunsBeside: true, Asked: static choices => choices.Traffic is null ? null : true),
        new("network", Volatility.NetworkState, Profile.Triage, static context => new NetworkCollector(NetworkCollector.AddressesOf(context.Runtime), ReadWorkerLaunch.Self)),
        new("processes", Volatility.ProcessTable, Profile.Triage, static context => new ProcessesCollector(context.Profile, ReadWorkerLaunch.Self)),
        new("memory", Volatility.ProcessMemory, Profile.Full, static context => new MemoryCollector(context, context.Choices.Memory ?? MemoryScope.All, context.Choices.Freeze),
            Asked: static choices => choices.Memory is { } scope ? scope != MemoryScope.None : null),
        new("mounts", Volatility.TemporaryFileSystem, Profile.Triage, static context => new MountsCollector(context.Runtime)),
        new("tmpfs", Volatility.TemporaryFileSystem, Profile.Full, static context => new TmpfsCollector(context)),
        new("logs", Volatility.Disk, Profile.Standard, static context => new LogsCollector(context)),
        new("rootfs-diff", Volatility.Disk, Profile.Triage, static context => new RootFsDiffCollector(context)),
        new(VolumesCollector.CollectorName, Volatility.Disk, Profile.Full, static context => new VolumesCollector(context)),
        new("configuration", Volatility.Configuration, Profile.Triage, static context => new ConfigurationCollector(context)),
        new("host-context", Volatility.Configuration, Profile.Standard, static context => new HostContextCollector(context)),
        new("packages", Volatility.Archive, Profile.Standard, static context => new PackagesCollector(context)),
        new("secrets", Volatility.Archive, Profile.Standard, static context => new SecretsCollector(context)),
        new("layers", Volatility.Archive, Profile.Standard, static context => new LayersCollector(context)),
        new("image", Volatility.Archive, Profile.Triage, static context => new ImageCollector(context)),
    ];
}
