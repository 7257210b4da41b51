using ContainerIR.Acquisitions;

namespace ContainerIR.Cli.Output;

/// <summary>
/// Progress on a terminal: the lines of <see cref="PlainProgress"/>, and below them one that is drawn again ten times a second whether or not
/// reports come: collector, items, bytes, rate, elapsed, time left for the item where its size is known, item. Disposing erases it.
/// </summary>
internal sealed class ProgressLine : IProgress<AcquisitionProgress>, IDisposable
{
    private const string ToLineStart = "\r";
    private const string EraseToEnd = "\x1b[K";
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock gate = new();
    private readonly TextWriter writer;
    private readonly Func<int?> width;
    private readonly TimeProvider clock;
    private readonly PlainProgress lines;
    private readonly ITimer timer;
    private readonly long started;
    private AcquisitionProgress latest = new(AcquisitionStage.Resolving, null, null, 0, 0);
    private (long At, long Bytes) mark;
    private double bytesPerSecond;
    private bool drawn;
    private bool ended;

    public ProgressLine(TextWriter writer, Func<int?> width, TimeProvider clock)
    {
        (this.writer, this.width, this.clock) = (writer, width, clock);
        lines = new PlainProgress(WriteAbove);
        started = clock.GetTimestamp();
        mark = (started, 0);
        timer = clock.CreateTimer(_ => Draw(), null, Interval, Interval);
    }

    public void Report(AcquisitionProgress value)
    {
        lines.Report(value);
        lock (gate)
        {
            if (value.Stage >= latest.Stage)
            {
                latest = value;
            }
        }
    }

    /// <summary>Draws the present state over the line before.</summary>
    public void Draw()
    {
        lock (gate)
        {
            if (ended)
            {
                return;
            }

            // One cell is left free: writing into the last column makes some terminals wrap.
            writer.Write(ToLineStart + Cells.Pad(Text(), Math.Max(1, (width() ?? 80) - 1), right: false).TrimEnd() + EraseToEnd);
            writer.Flush();
            drawn = true;
        }
    }

    public void Dispose()
    {
        timer.Dispose();
        lock (gate)
        {
            Erase();
            writer.Flush();
            ended = true;
        }
    }

    private void WriteAbove(string line)
    {
        lock (gate)
        {
            Erase();
            writer.WriteLine(line);
        }
    }

    private void Erase()
    {
        if (drawn)
        {
            writer.Write(ToLineStart + EraseToEnd);
            drawn = false;
        }
    }

    private string Text()
    {
        TimeSpan sinceMark = clock.GetElapsedTime(mark.At);
        if (sinceMark >= TimeSpan.FromSeconds(1))
        {
            bytesPerSecond = Math.Max(0, latest.RawBytes - mark.Bytes) / sinceMark.TotalSeconds;
            mark = (clock.GetTimestamp(), latest.RawBytes);
        }

        string doing = latest.Stage switch
        {
            AcquisitionStage.Resolving => "asking the engine",
            AcquisitionStage.Sealing => "sealing",
            AcquisitionStage.Indexing => "indexing",
            AcquisitionStage.Done => "done",
            _ => Cells.Fit(latest.Collector ?? "", 20),
        };
        string amounts = $"{Quantities.Count(latest.Items, "item")}  {Quantities.Bytes(latest.RawBytes)}  {Quantities.Bytes(bytesPerSecond)}/s";
        string item = (latest.Left is { } left ? "  " + Quantities.Left(left) : "") + (latest.Item is { } path ? "  " + Cells.Fit(path, 120) : "");
        return $"> {doing}  {amounts}  {Quantities.Elapsed(clock.GetElapsedTime(started))}{item}";
    }
}
