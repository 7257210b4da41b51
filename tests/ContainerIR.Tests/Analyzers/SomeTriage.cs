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
    /// <summary>Fills a bundle of profile triage from a container of the real engine and judges it.</summary>
    public static async Task<TriageReport> OfAsync(string containerId)
    {
        using TemporaryFolder folder = new();
        await using IContainerRuntime runtime = RuntimeConnector.Find(RealEngine.Endpoint);
        await using EventBacklog events = await runtime.CaptureEventsAsync(CancellationToken.None);
        ContainerRef container = await runtime.ResolveAsync(containerId, CancellationToken.None);
        CollectionContext context = new(runtime, events, Profile.Triage, TimeProvider.System);
        await using BundleWriter bundle = SomeBundle.Open(folder);
        foreach (CollectorEntry entry in CollectorList.All.Where(entry => entry.Name is "network" or "processes" or "rootfs-diff" or "configuration"))
        {
            ICollector collector = entry.Name switch
            {
                "network" => new NetworkCollector(NetworkCollector.AddressesOf(runtime), ReadWorkerHost.Launch),
                "processes" => new ProcessesCollector(Profile.Triage, ReadWorkerHost.Launch),
                _ => entry.Make(context),
            };
            await collector.CollectAsync(container, bundle.OpenSection(entry.Name, (int)entry.Volatility), CancellationToken.None);
        }

        SealedBundle made = await bundle.SealAsync();
        return Triage.Run(made.Path, CancellationToken.None);
    }

    /// <summary>Seals these texts as the items of the collectors and judges them.</summary>
    public static async Task<TriageReport> OfRowsAsync(string processes = "", string sockets = "", string entries = "", string inspect = "{}", string specification = "{}", TriageRules? rules = null)
    {
        using TemporaryFolder folder = new();
        await using BundleWriter bundle = SomeBundle.Open(folder);
        await AddAsync(bundle.OpenSection("network", 2), "sockets.jsonl", ItemForm.Plain, sockets);
        await AddAsync(bundle.OpenSection("processes", 3), "processes.jsonl.zst", ItemForm.Frames, processes);
        await AddAsync(bundle.OpenSection("rootfs-diff", 6), "entries.jsonl.zst", ItemForm.Frames, entries);
        IEvidenceSink configuration = bundle.OpenSection("configuration", 7);
        await AddAsync(configuration, "inspect.json", ItemForm.Plain, inspect);
        await AddAsync(configuration, "runtime/config.json", ItemForm.Plain, specification);
        SealedBundle made = await bundle.SealAsync();
        return Triage.Run(made.Path, rules ?? TriageRules.None, CancellationToken.None);
    }

    private static Task<EvidenceItem> AddAsync(IEvidenceSink sink, string name, ItemForm form, string text) =>
        sink.AddAsync(name, System.Text.Encoding.UTF8.GetBytes(text), new ItemOptions("made by a test", form), CancellationToken.None);
}
