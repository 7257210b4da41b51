using ContainerIR.Evidence.Items;

namespace ContainerIR.Acquisitions;

/// <summary>Turns what single items report into one picture of the whole run. Called from the threads that write.</summary>
internal sealed class ProgressRelay(IProgress<AcquisitionProgress>? receiver, TimeProvider clock) : IProgress<ItemProgress>
{
    // A shorter time says little of the next one.
    private static readonly TimeSpan Soonest = TimeSpan.FromSeconds(0.5);

    private readonly Lock gate = new();
    private readonly Dictionary<string, (long RawBytes, long Since, long FirstBytes)> open = [];
    private readonly Dictionary<string, (int Items, long RawBytes)> closed = [];
    private AcquisitionStage stage;
    private string? collector;
    private string? bundlePath;

    /// <summary>A stage begins.</summary>
    public void Enter(AcquisitionStage next)
    {
        lock (gate)
        {
            (stage, collector) = (next, null);
        }

        Tell();
    }

    /// <summary>The bundle is open.</summary>
    public void Begin(string path)
    {
        lock (gate)
        {
            bundlePath = path;
        }

        Tell();
    }

    /// <summary>A collector begins. One that runs beside the others is not what the run is at.</summary>
    public void EnterCollector(string name, bool runsBeside)
    {
        lock (gate)
        {
            (stage, collector) = (AcquisitionStage.Collecting, runsBeside ? collector : name);
        }

        Tell();
    }

    /// <summary>A collector is through.</summary>
    public void EndCollector(string name, TimeSpan elapsed)
    {
        (int Items, long RawBytes) done;
        lock (gate)
        {
            done = closed.GetValueOrDefault(name);
        }

        Tell(ended: new CollectorEnd(name, done.Items, done.RawBytes, elapsed));
    }

    /// <summary>Something was not obtained.</summary>
    public void Gap(string text) => Tell(gap: text);

    /// <summary>Something is done to the host or the container.</summary>
    public void Effect(string text) => Tell(effect: text);

    /// <inheritdoc/>
    public void Report(ItemProgress value)
    {
        TimeSpan? left = null;
        lock (gate)
        {
            if (value.IsClosed)
            {
                open.Remove(value.ItemPath);
                (int items, long bytes) = closed.GetValueOrDefault(value.Collector);
                closed[value.Collector] = (items + 1, bytes + value.RawBytes);
            }
            else
            {
                // The speed is that since the item's first report: before it nothing of it was seen.
                (long Since, long FirstBytes) began = open.TryGetValue(value.ItemPath, out (long RawBytes, long Since, long FirstBytes) known) ? (known.Since, known.FirstBytes) : (clock.GetTimestamp(), value.RawBytes);
                open[value.ItemPath] = (value.RawBytes, began.Since, began.FirstBytes);
                TimeSpan taken = clock.GetElapsedTime(began.Since);
                if (value.ExpectedBytes is { } whole && whole >= value.RawBytes && value.RawBytes > began.FirstBytes && taken >= Soonest)
                {
                    left = taken * ((double)(whole - value.RawBytes) / (value.RawBytes - began.FirstBytes));
                }
            }
        }

        Tell(item: value.IsClosed ? null : value.ItemPath, left: left);
    }

    private void Tell(string? item = null, string? gap = null, string? effect = null, CollectorEnd? ended = null, TimeSpan? left = null)
    {
        AcquisitionProgress picture;
        lock (gate)
        {
            picture = new AcquisitionProgress(
                stage, collector, item, closed.Values.Sum(done => done.Items), closed.Values.Sum(done => done.RawBytes) + open.Values.Sum(part => part.RawBytes), gap, bundlePath, ended, effect, left);
        }

        receiver?.Report(picture);
    }
}
