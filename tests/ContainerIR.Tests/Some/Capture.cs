using System.Diagnostics;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Collectors.Networks;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using Xunit;

namespace ContainerIR.Tests.Some;

/// <summary>A collector's run over one real container, and its rows.</summary>
internal sealed class Capture : IDisposable
{
    private Capture(FolderSink sink, TimeSpan took) => (Sink, Took) = (sink, took);

    public FolderSink Sink { get; }

    public TimeSpan Took { get; }

    public static Task<Capture> Processes(string container, Profile profile = Profile.Standard) => Processes(SomeContainer.RefOf(container), profile);

    public static Task<Capture> Processes(ContainerRef container, Profile profile = Profile.Standard) => Run(new ProcessesCollector(profile, ReadWorkerHost.Launch), container);

    public static Task<Capture> Network(string container, params NamedAddresses[] others) => Network(SomeContainer.RefOf(container), others);

    public static Task<Capture> Network(ContainerRef container, params NamedAddresses[] others) =>
        Run(new NetworkCollector(_ => Task.FromResult<IReadOnlyList<NamedAddresses>>(others), ReadWorkerHost.Launch), container);

    public Task<List<ProcessRow>> ProcessRows() => Task.FromResult(ReadAll("processes.jsonl.zst", ProcessRow.Read));

    public Task<List<SocketRow>> SocketRows() => Task.FromResult(ReadAll("sockets.jsonl", SocketRow.Read));

    public Task<List<ConntrackRow>> ConntrackRows() => Task.FromResult(ReadAll("conntrack.jsonl", ConntrackRow.Read));

    /// <summary>The lines of an item as JSON.</summary>
    public List<JsonElement> Lines(string item) => [.. File.ReadLines(Sink.PathOf(item)).Select(line => JsonDocument.Parse(line).RootElement)];

    public JsonElement Document(string item) => JsonDocument.Parse(Sink.Read(item)).RootElement;

    public void Dispose() => Sink.Dispose();

    private static async Task<Capture> Run(ICollector collector, ContainerRef container)
    {
        FolderSink sink = new();
        Stopwatch watch = Stopwatch.StartNew();
        await collector.CollectAsync(container, sink, CancellationToken.None);
        return new Capture(sink, watch.Elapsed);
    }

    private List<T> ReadAll<T>(string item, Func<Stream, RowLimits, RowProblems, IEnumerable<T>> read)
    {
        RowProblems problems = new();
        using FileStream stream = File.OpenRead(Sink.PathOf(item));
        List<T> rows = [.. read(stream, RowLimits.Default, problems)];
        Assert.True(problems.IsClean, "every line is a row");
        return rows;
    }
}
