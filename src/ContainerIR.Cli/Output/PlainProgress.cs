using ContainerIR.Acquisitions;

namespace ContainerIR.Cli.Output;

/// <summary>Progress as lines that stay: one for each collector when it is through, one for each gap and each effect on the host, one for each later stage.</summary>
internal sealed class PlainProgress(Action<string> writeLine) : IProgress<AcquisitionProgress>
{
    private readonly Lock gate = new();
    private AcquisitionStage stage = AcquisitionStage.Resolving;

    public void Report(AcquisitionProgress value)
    {
        lock (gate)
        {
            if (value.Ended is { } end)
            {
                string items = Quantities.Count(end.Items, "item");
                writeLine($"  {Cells.Pad(end.Collector, 20, right: false)}  {items,12}  {Quantities.Bytes(end.RawBytes),10}  {Quantities.Elapsed(end.Elapsed),10}");
            }

            if (value.GapText is { } gap)
            {
                writeLine($"  gap: {Cells.Fit(gap, 400)}");
            }

            if (value.EffectText is { } effect)
            {
                writeLine($"  effect: {Cells.Fit(effect, 400)}");
            }

            // Reports of several threads may overtake each other: nothing goes back.
            if (value.Stage > stage)
            {
                stage = value.Stage;
                StartStage(stage);
            }
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
