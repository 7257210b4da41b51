using ContainerIR.Analyzers;
using ContainerIR.Collectors;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;

namespace ContainerIR.Tests.Analyzers;

/// <summary>Triage of real containers by the real collectors, and of bundles recorded by hand.</summary>
internal static class SomeTriage
{
    private static readonly string[] OfTriage = ["host", "network", "processes", "mounts", "rootfs-diff", "configuration", "image"];

    /// <summary>Fills a bundle from a container of the real engine and judges it.</summary>
    public static async Task<TriageReport> OfAsync(string containerId, Profile profile = Profile.Triage)
    {
        using TemporaryFolder folder = new();
        return Triage.Run(await CaptureAsync(folder, containerId, profile), CancellationToken.None);
    }

    /// <summary>Fills a bundle from a container of the real engine with what the analyzers read: profile triage, or with the bytes of changed files and the host's context too.</summary>
    public static async Task<string> CaptureAsync(TemporaryFolder folder, string containerId, Profile profile)
    {
        await using IContainerRuntime runtime = RuntimeConnector.Find(RealEngine.Endpoint);
        await using EventBacklog events = await runtime.CaptureEventsAsync(CancellationToken.None);
        ContainerRef container = await runtime.ResolveAsync(containerId, CancellationToken.None);
        CollectionContext context = new(runtime, events, profile, TimeProvider.System);
        await using BundleWriter bundle = SomeBundle.Open(folder);
        foreach (CollectorEntry entry in CollectorList.All.Where(entry => OfTriage.Contains(entry.Name) || (entry.Name == "host-context" && profile > Profile.Triage)))
        {
            ICollector collector = entry.Name switch
            {
                "network" => new NetworkCollector(NetworkCollector.AddressesOf(runtime), ReadWorkerHost.Launch),
                "processes" => new ProcessesCollector(Profile.Triage, ReadWorkerHost.Launch),
                _ => entry.Make(context),
            };
            await collector.CollectAsync(container, bundle.OpenSection(entry.Name, (int)entry.Volatility), CancellationToken.None);
        }

        return (await bundle.SealAsync()).Path;
    }

    /// <summary>Seals these texts as the items of the collectors and judges them.</summary>
    public static async Task<TriageReport> OfRowsAsync(string processes = "", string sockets = "", string entries = "", string inspect = "{}", string specification = "{}", TriageRules? rules = null,
        (string Item, string Text)? other = null, Expectations? expected = null)
    {
        using TemporaryFolder folder = new();
        string path = await BundleAsync(folder, processes, sockets, entries, inspect, specification, other is { } item ? [item] : []);
        return Triage.Run(path, rules ?? TriageRules.None, expected ?? Expectations.None, CancellationToken.None);
    }

    /// <summary>Seals these texts as the items of the collectors; others by <c>collector/name</c>.</summary>
    public static async Task<string> BundleAsync(
        TemporaryFolder folder, string processes = "", string sockets = "", string entries = "", string inspect = "{}", string specification = "{}", params (string Item, string Text)[] others)
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        (string Item, string Text)[] items =
        [
            ("network/sockets.jsonl", sockets), ("processes/processes.jsonl.zst", processes), ("rootfs-diff/entries.jsonl.zst", entries), ("configuration/inspect.json", inspect),
            ("configuration/runtime/config.json", specification), .. others,
        ];
        foreach (CollectorEntry entry in CollectorList.All)
        {
            string prefix = entry.Name + "/";
            (string Item, string Text)[] own = [.. items.Where(item => item.Item.StartsWith(prefix, StringComparison.Ordinal))];
            IEvidenceSink? sink = own.Length == 0 ? null : bundle.OpenSection(entry.Name, (int)entry.Volatility);
            foreach ((string item, string text) in own)
            {
                await AddAsync(sink!, item[prefix.Length..], item.EndsWith(".zst", StringComparison.Ordinal) ? ItemForm.Frames : ItemForm.Plain, text);
            }
        }

        return (await bundle.SealAsync()).Path;
    }

    private static Task<EvidenceItem> AddAsync(IEvidenceSink sink, string name, ItemForm form, string text) =>
        sink.AddAsync(name, System.Text.Encoding.UTF8.GetBytes(text), new ItemOptions("made by a test", form), CancellationToken.None);
}
