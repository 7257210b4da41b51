using System.Diagnostics;
using System.Globalization;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Tests.Bundles;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>How fast the index is filled. Run by name: figures of a busy machine say nothing.</summary>
public sealed class The_speed_of_the_index(ITestOutputHelper output)
{
    [Fact(Explicit = true)]
    public async Task Is_measured_on_log_lines()
    {
        const int rows = 500_000;
        using TemporaryFolder folder = new();
        using CaseStore store = CaseStore.Create(new CaseHome(folder.Path), "SPEED", new CaseFacts(null, null), TimeProvider.System);
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder, logLines: rows);
        TimeSpan processor = Process.GetCurrentProcess().TotalProcessorTime;
        Stopwatch watch = Stopwatch.StartNew();

        IndexedBundle indexed = await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);

        TimeSpan used = Process.GetCurrentProcess().TotalProcessorTime - processor;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{indexed.Rows:N0} rows: {indexed.Rows / watch.Elapsed.TotalSeconds:N0} rows/s by the clock, {indexed.Rows / used.TotalSeconds:N0} rows/s of processor time"));
        Assert.True(indexed.Rows >= rows);
    }
}
