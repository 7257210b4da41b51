namespace ContainerIR.Reports;

/// <summary>How much happened when, over a span nobody knows beforehand: buckets become twice as wide whenever there are too many.</summary>
internal sealed class ActivityCount
{
    private const int MaxBuckets = 4096;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly string[] lanes;
    private Dictionary<long, long[]> buckets = [];
    private long widthSeconds = 1;

    public ActivityCount(params string[] lanes) => this.lanes = lanes;

    public void Add(long atNs, string lane)
    {
        int index = Array.IndexOf(lanes, lane);
        if (index < 0)
        {
            return;
        }

        At(Math.DivRem(atNs, NanosecondsPerSecond).Quotient)[index]++;
        while (buckets.Count > MaxBuckets)
        {
            Widen();
        }
    }

    /// <summary>The counts in so many columns from the first to the last.</summary>
    public TimelineChart ToChart(int columns)
    {
        if (buckets.Count == 0)
        {
            return new TimelineChart(null, null, []);
        }

        long first = buckets.Keys.Min() * widthSeconds, last = (buckets.Keys.Max() * widthSeconds) + widthSeconds;
        long[][] counts = [.. lanes.Select(_ => new long[columns])];
        foreach ((long bucket, long[] values) in buckets)
        {
            int column = (int)Math.Min(columns - 1, ((bucket * widthSeconds) - first) * columns / (last - first));
            for (int lane = 0; lane < lanes.Length; lane++)
            {
                counts[lane][column] += values[lane];
            }
        }

        return new TimelineChart(
            DateTimeOffset.UnixEpoch.AddSeconds(first), DateTimeOffset.UnixEpoch.AddSeconds(last), [.. lanes.Select((name, lane) => new ChartLane(name, counts[lane].Sum(), counts[lane]))]);
    }

    private long[] At(long second)
    {
        long bucket = (second / widthSeconds) - (second % widthSeconds < 0 ? 1 : 0);
        if (!buckets.TryGetValue(bucket, out long[]? counts))
        {
            buckets[bucket] = counts = new long[lanes.Length];
        }

        return counts;
    }

    private void Widen()
    {
        Dictionary<long, long[]> narrow = buckets;
        long old = widthSeconds;
        (buckets, widthSeconds) = ([], widthSeconds * 2);
        foreach ((long bucket, long[] values) in narrow)
        {
            long[] wide = At(bucket * old);
            for (int lane = 0; lane < lanes.Length; lane++)
            {
                wide[lane] += values[lane];
            }
        }
    }
}
