using ContainerIR.Acquisitions;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Linux;
using ContainerIR.Tests.Bundles;
using Xunit;

namespace ContainerIR.Tests.Linux;

public sealed class The_clock_watch : IDisposable
{
    private const long Second = 1_000_000_000;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Sees_a_step_that_is_taken_back_later()
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        Queue<ClockFacts> readings = new([At(1, 0), At(2, 30 * Second), At(3, 0), At(4, 0)]);
        ClockWatch watch = new(bundle, At(0, 0), readings.Dequeue);

        watch.Look("collector a");
        watch.Look("collector b");
        watch.Look("collector c");
        CustodyRecord record = watch.Finish(SomeBundle.Custody);

        Assert.Equal(2, record.When.ClockSteps.Count);
        Assert.Contains("30000 ms", record.When.ClockSteps[0], StringComparison.Ordinal);
        Assert.Contains("collector b", record.When.ClockSteps[0], StringComparison.Ordinal);
        Assert.Contains("-30000 ms", record.When.ClockSteps[1], StringComparison.Ordinal);
        Assert.Equal(5, record.When.ClockReadings);
        Assert.Equal(1234, record.When.OffsetAtEndNs);
    }

    [Fact]
    public async Task Takes_slewing_for_no_step()
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        ClockWatch watch = new(bundle, At(0, 0), () => At(100, 50_000_000));

        Assert.Empty(watch.Finish(SomeBundle.Custody).When.ClockSteps);
    }

    private static ClockFacts At(long seconds, long stepNs) => new()
    {
        RealtimeNs = (1_700_000_000 * Second) + (seconds * Second) + stepNs,
        MonotonicNs = seconds * Second,
        BoottimeNs = seconds * Second,
        WindowNs = 1000,
        IsSynchronised = true,
        SyncState = "TIME_OK",
        OffsetNs = 1234,
        FrequencyPpm = 0,
        MaxErrorUs = 1,
        EstimatedErrorUs = 1,
        TaiOffsetSeconds = 37,
    };
}
