using ContainerIR.Acquisitions;

namespace ContainerIR.Cli.Output;

/// <summary>Progress as lines that stay: one for each collector when it is through, one for each gap, one for each later stage.</summary>
internal sealed class PlainProgress(Action<string> writeLine, TimeProvider clock) : IProgress<AcquisitionProgress>
{
    private readonly Lock gate = new();
    private AcquisitionStage stage = AcquisitionStage.Resolving;
    private string? collector;
    private long collectorStarted;
    private AcquisitionProgress atStart = new(AcquisitionStage.Resolving, null, null, 0, 0);

    public void Report(AcquisitionProgress value)
    {
        lock (gate)
        {
            // Reports of several threads may overtake each other: nothing goes back.
            if (value.Stage < stage)
            {
                return;
            }

            if (value.Stage != stage || value.Collector != collector)
            {
                EndCollector(value);
                if (value.Stage != stage)
                {
                    StartStage(value.Stage);
                }

                (stage, collector, collectorStarted, atStart) = (value.Stage, value.Collector, clock.GetTimestamp(), value);
            }

            if (value.GapText is { } gap)
            {
                writeLine($"  gap: {Cells.Fit(gap, 400)}");
            }
        }
    }

    private void EndCollector(AcquisitionProgress now)
    {
        if (collector is { } name)
        {
            string items = Quantities.Count(now.Items - atStart.Items, "item");
            string bytes = Quantities.Bytes(now.RawBytes - atStart.RawBytes);
            writeLine($"  {Cells.Pad(name, 20, right: false)}  {items,12}  {bytes,10}  {Quantities.Elapsed(clock.GetElapsedTime(collectorStarted)),10}");
        }
    }

    private void StartStage(AcquisitionStage next)
    {
        string? line = next switch
        {
            AcquisitionStage.Sealing => "Sealing the bundle",
            AcquisitionStage.Indexing => "Indexing it for the case",
            _ => null,
        };
        if (line is not null)
        {
            writeLine(line);
        }
    }
}
