using ContainerIR.Evidence.Items;

namespace ContainerIR.Acquisitions;

/// <summary>Turns what single items report into one picture of the whole run. Called from the threads that write.</summary>
internal sealed class ProgressRelay(IProgress<AcquisitionProgress>? receiver) : IProgress<ItemProgress>
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, long> open = [];
    private AcquisitionStage stage;
    private string? collector;
    private string? bundlePath;
    private long closedBytes;
    private int items;

    /// <summary>A stage begins.</summary>
    public void Enter(AcquisitionStage next)
    {
        lock (gate)
        {
            (stage, collector) = (next, null);
        }

        Tell(null, null);
    }

    /// <summary>The bundle is open.</summary>
    public void Begin(string path)
    {
        lock (gate)
        {
            bundlePath = path;
        }

        Tell(null, null);
    }

    /// <summary>A collector begins.</summary>
    public void EnterCollector(string name)
    {
        lock (gate)
        {
            (stage, collector) = (AcquisitionStage.Collecting, name);
        }

        Tell(null, null);
    }

    /// <summary>Something was not obtained.</summary>
    public void Gap(string text) => Tell(null, text);

    /// <inheritdoc/>
    public void Report(ItemProgress value)
    {
        lock (gate)
        {
            if (value.IsClosed)
            {
                open.Remove(value.ItemPath);
                closedBytes += value.RawBytes;
                items++;
            }
            else
            {
                open[value.ItemPath] = value.RawBytes;
            }
        }

        Tell(value.IsClosed ? null : value.ItemPath, null);
    }

    private void Tell(string? item, string? gap)
    {
        AcquisitionProgress picture;
        lock (gate)
        {
            picture = new AcquisitionProgress(stage, collector, item, items, closedBytes + open.Values.Sum(), gap, bundlePath);
        }

        receiver?.Report(picture);
    }
}
