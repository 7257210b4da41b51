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

    public async Task<List<ProcessRow>> ProcessRows() => await ReadAll("processes.jsonl.zst", ProcessRow.ReadAsync);

    public async Task<List<SocketRow>> SocketRows() => await ReadAll("sockets.jsonl", SocketRow.ReadAsync);

    public async Task<List<ConntrackRow>> ConntrackRows() => await ReadAll("conntrack.jsonl", ConntrackRow.ReadAsync);

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

    private async Task<List<T>> ReadAll<T>(string item, Func<Stream, RowLimits, RowProblems, CancellationToken, IAsyncEnumerable<T>> read)
    {
        RowProblems problems = new();
        List<T> rows = [];
        await using FileStream stream = File.OpenRead(Sink.PathOf(item));
        await foreach (T row in read(stream, RowLimits.Default, problems, CancellationToken.None))
        {
            rows.Add(row);
        }

        Assert.True(problems.IsClean, "every line is a row");
        return rows;
    }
}
