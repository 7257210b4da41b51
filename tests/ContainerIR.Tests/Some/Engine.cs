using ContainerIR.Collectors;
using ContainerIR.Runtimes;

namespace ContainerIR.Tests.Some;

/// <summary>One acquisition's worth of the real engine: the events taken first, then a container resolved, then a collector run into a folder.</summary>
internal sealed class Engine : IAsyncDisposable
{
    private Engine(IContainerRuntime runtime, EventBacklog events) => (Runtime, Events) = (runtime, events);

    public IContainerRuntime Runtime { get; }

    public EventBacklog Events { get; }

    public CollectionContext Context => new(Runtime, Events, Profile.Standard, TimeProvider.System);

    public static async Task<Engine> Connect()
    {
        IContainerRuntime runtime = RuntimeConnector.Find(RealEngine.Endpoint);
        return new Engine(runtime, await runtime.CaptureEventsAsync(CancellationToken.None));
    }

    /// <summary>Runs a collector on a container of the real engine.</summary>
    public static async Task<FolderSink> Collect(string idOrName, Func<CollectionContext, ICollector> make)
    {
        await using Engine engine = await Connect();
        ContainerRef container = await engine.Runtime.ResolveAsync(idOrName, CancellationToken.None);
        FolderSink sink = new();
        await make(engine.Context).CollectAsync(container, sink, CancellationToken.None);
        return sink;
    }

    public async ValueTask DisposeAsync()
    {
        await Events.DisposeAsync();
        await Runtime.DisposeAsync();
    }
}
