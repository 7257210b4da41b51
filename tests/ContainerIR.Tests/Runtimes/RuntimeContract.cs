using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Evidence;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using Xunit;

namespace ContainerIR.Tests.Runtimes;

/// <summary>What every runtime must do, against a real engine.</summary>
public abstract class RuntimeContract
{
    /// <summary>Endpoint of the engine; null skips.</summary>
    protected abstract string? Endpoint { get; }

    /// <summary>Kind the engine must say it is.</summary>
    protected abstract string Kind { get; }

    /// <summary>Starts a container of the engine under test.</summary>
    private protected abstract EngineContainer Start(string[] options, params string[] command);

    [Fact]
    public async Task Takes_the_events_before_anything_else_and_whole()
    {
        using EngineContainer container = Start([], "sleep", "1000");
        await using IContainerRuntime runtime = Connect();
        await using EventBacklog events = await runtime.CaptureEventsAsync(CancellationToken.None);
        Assert.Null(events.Error);
        List<EventRow> rows = [.. EngineEvents.Read(events.Rewind(), container.Id, "")];
        Assert.All(rows, row => Assert.Null(row.Error));
        Assert.Contains(rows, row => row.OfContainer && row.Action == "start");
        Assert.Equal(Kind, runtime.Kind);
    }

    [Fact]
    public async Task Adds_nothing_to_the_events_by_what_it_reads()
    {
        using EngineContainer container = Start([], "sleep", "1000");
        await using IContainerRuntime runtime = Connect();
        ContainerRef found = await runtime.ResolveAsync(container.Name, CancellationToken.None);
        List<EventRow> before = await EventsOf(runtime, container.Id);
        await runtime.ListAsync(CancellationToken.None);
        foreach ((EngineDocument document, string id) in Documents(found))
        {
            await using Stream content = await runtime.OpenDocumentAsync(document, id, CancellationToken.None);
            await content.CopyToAsync(Stream.Null);
        }

        Assert.Equal(before.Count, (await EventsOf(runtime, container.Id)).Count);
    }

    [Fact]
    public async Task Describes_itself()
    {
        await using IContainerRuntime runtime = Connect();
        EngineFacts facts = await runtime.ReadFactsAsync(CancellationToken.None);
        Assert.Equal(Kind, facts.Kind);
        Assert.NotEmpty(facts.Version);
        Assert.NotEmpty(facts.StorageDriver);
        Assert.True(Directory.Exists(facts.RootDirectory), facts.RootDirectory);
        Assert.True(Version.TryParse(facts.ApiVersion, out _));
    }

    [Fact]
    public async Task Finds_a_container_by_full_id_by_prefix_and_by_name()
    {
        using EngineContainer container = Start([], "sleep", "1000");
        await using IContainerRuntime runtime = Connect();
        foreach (string text in new[] { container.Id, container.Id[..16], container.Name, "/" + container.Name })
        {
            ContainerRef found = await runtime.ResolveAsync(text, CancellationToken.None);
            Assert.Equal(container.Id, found.Id);
            Assert.Equal(container.Name, found.Name);
            Assert.Equal(ContainerState.Running, found.State);
            Assert.True(found.HasProcesses);
            Assert.True(Directory.Exists($"/proc/{found.InitPid}"));
            Assert.StartsWith("sha256:", found.ImageId, StringComparison.Ordinal);
            Assert.True(found.CreatedAt > DateTimeOffset.UnixEpoch && found.StartedAt >= found.CreatedAt.AddSeconds(-1));
        }
    }

    [Fact]
    public async Task Names_the_closest_when_none_matches()
    {
        using EngineContainer container = Start([], "sleep", "1000");
        await using IContainerRuntime runtime = Connect();
        OperatorException failure = await Assert.ThrowsAsync<OperatorException>(() => runtime.ResolveAsync(container.Name + "x", CancellationToken.None));
        Assert.Contains(container.Name, failure.Message, StringComparison.Ordinal);
        Assert.Contains("cir containers", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_running_and_ended_containers()
    {
        using EngineContainer running = Start([], "sleep", "1000");
        using EngineContainer ended = Start([], "true");
        await using IContainerRuntime runtime = Connect();
        IReadOnlyList<ContainerSummary> list = [];
        await Some.RealEngine.Until(
            () => (list = runtime.ListAsync(CancellationToken.None).GetAwaiter().GetResult()).Any(one => one.Container.Id == ended.Id && one.Container.State == ContainerState.Exited), "the end of true");
        ContainerRef gone = list.Single(one => one.Container.Id == ended.Id).Container;
        Assert.False(gone.HasProcesses);
        Assert.NotNull(gone.FinishedAt);
        Assert.Contains(list, one => one.Container.Id == running.Id && one.Container.State == ContainerState.Running);
    }

    [Fact]
    public async Task Gives_documents_as_the_engine_sent_them()
    {
        using EngineContainer container = Start([], "sleep", "1000");
        await using IContainerRuntime runtime = Connect();
        ContainerRef found = await runtime.ResolveAsync(container.Id, CancellationToken.None);
        foreach ((EngineDocument document, string id) in Documents(found))
        {
            await using Stream content = await runtime.OpenDocumentAsync(document, id, CancellationToken.None);
            using MemoryStream bytes = new();
            await content.CopyToAsync(bytes);
            using JsonDocument json = JsonDocument.Parse(bytes.ToArray());
            Assert.True(json.RootElement.ValueKind is JsonValueKind.Object or JsonValueKind.Array, document.ToString());
        }
    }

    [Fact]
    public async Task Has_its_logs_and_runtime_specification_read_from_files()
    {
        using EngineContainer container = Start([], "sh", "-c", "echo hello; sleep 1000");
        await using IContainerRuntime runtime = Connect();
        await using EventBacklog events = await runtime.CaptureEventsAsync(CancellationToken.None);
        CollectionContext context = new(runtime, events, Profile.Standard, TimeProvider.System);
        ContainerRef found = await runtime.ResolveAsync(container.Id, CancellationToken.None);
        await Some.RealEngine.Until(() => new FileInfo(found.LogPath!).Length > 0, "output in the log file");
        using Some.FolderSink logs = new();
        await new LogsCollector(context).CollectAsync(found, logs, CancellationToken.None);
        LogRow row = Assert.Single(LogRow.Read(new MemoryStream(logs.Read("index.jsonl.zst"))));
        Assert.Equal(("hello", "stdout", 0), (row.Text, row.Stream, row.Flags.Count));
        using Some.FolderSink configuration = new();
        await new ConfigurationCollector(context).CollectAsync(found, configuration, CancellationToken.None);
        using JsonDocument spec = JsonDocument.Parse(configuration.Read("runtime/config.json"));
        Assert.Contains("echo hello; sleep 1000", spec.RootElement.GetProperty("process").GetProperty("args").EnumerateArray().Select(one => one.GetString()));
    }

    [Fact]
    public async Task Says_in_the_engines_words_why_it_has_no_document()
    {
        await using IContainerRuntime runtime = Connect();
        IOException failure = await Assert.ThrowsAnyAsync<IOException>(() => runtime.OpenDocumentAsync(EngineDocument.ContainerInspect, new string('0', 64), CancellationToken.None));
        Assert.Contains("404", failure.Message, StringComparison.Ordinal);
    }

    private protected IContainerRuntime Connect()
    {
        Assert.SkipWhen(Endpoint is null, $"no {Kind} engine is given for tests");
        return RuntimeConnector.Find(Endpoint);
    }

    private static IEnumerable<(EngineDocument Document, string Id)> Documents(ContainerRef container) =>
    [
        (EngineDocument.Version, ""), (EngineDocument.Info, ""), (EngineDocument.ContainerInspect, container.Id), (EngineDocument.ImageInspect, container.ImageId),
        (EngineDocument.ImageHistory, container.ImageId), .. container.Networks.Select(network => (EngineDocument.NetworkInspect, network.NetworkId)),
    ];

    private static async Task<List<EventRow>> EventsOf(IContainerRuntime runtime, string id)
    {
        await using EventBacklog events = await runtime.CaptureEventsAsync(CancellationToken.None);
        return [.. EngineEvents.Read(events.Rewind(), id, "").Where(row => row.OfContainer)];
    }
}

/// <summary>A container of the engine under test.</summary>
internal sealed class EngineContainer(string id, string name, Action remove) : IDisposable
{
    public string Id { get; } = id;

    public string Name { get; } = name;

    public void Dispose() => remove();
}
