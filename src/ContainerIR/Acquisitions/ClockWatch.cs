using System.Globalization;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Linux;

namespace ContainerIR.Acquisitions;

/// <summary>
/// Reads the clocks at the ends of every collector, so that a step of the clock during the run is seen, also one that is taken back later. Readings may
/// come from several threads.
/// </summary>
internal sealed class ClockWatch(BundleWriter writer, ClockFacts start, Func<ClockFacts> read)
{
    // A step is a change of CLOCK_REALTIME against CLOCK_BOOTTIME beyond what slewing (500 ppm, adjtimex(2)) can do in the same time.
    private const double MaxSlew = 500e-6;
    private const long StepToleranceNs = 1_000_000;
    private const int MaxSteps = 100;

    private readonly Lock gate = new();
    private readonly List<string> steps = [];
    private ClockFacts last = start;
    private int readings = 1;

    /// <summary>Reads the clocks; a step since the last reading is journaled.</summary>
    /// <param name="moment">Where in the run this is, for the record.</param>
    public ClockFacts Look(string moment)
    {
        lock (gate)
        {
            ClockFacts now = read();
            long elapsed = now.BoottimeNs - last.BoottimeNs;
            long drift = now.RealtimeNs - last.RealtimeNs - elapsed;

            // Both readings take a moment themselves, and the clocks are read one after the other in it.
            long allowed = StepToleranceNs + now.WindowNs + last.WindowNs + (long)(Math.Abs(elapsed) * MaxSlew);
            if (Math.Abs(drift) > allowed && steps.Count < MaxSteps)
            {
                steps.Add(string.Create(CultureInfo.InvariantCulture, $"the clock moved by {drift / 1e6:0.###} ms against boot time before: {moment}"));
                Circumstances.RecordClock(writer, now, "step: " + moment);
            }

            last = now;
            readings++;
            return now;
        }
    }

    /// <summary>The last reading, journaled, and the record with what was seen.</summary>
    public CustodyRecord Finish(CustodyRecord record)
    {
        ClockFacts end = Look("end");
        Circumstances.RecordClock(writer, end, "end");
        return record with
        {
            When = record.When with
            {
                ClockSteps = [.. record.When.ClockSteps, .. steps],
                ClockReadings = readings,
                OffsetAtEndNs = end.OffsetNs,
                SynchronisationAtEnd = Circumstances.Synchronisation(end),
                TimeService = TimeServices.Running(),
            },
        };
    }
}
