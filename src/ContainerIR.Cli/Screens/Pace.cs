namespace ContainerIR.Cli.Screens;

/// <summary>
/// When something is read again: every two seconds while a person acts, else so seldom that the console takes less than a hundredth of a processor, however
/// many containers the engine has.
/// </summary>
internal sealed class Pace(Shell shell)
{
    /// <summary>Part of one processor that reading again and again may take while nobody acts. The console takes some more for being there.</summary>
    private const double IdleShare = 0.005;

    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly TimeProvider clock = shell.Facts.Surroundings.Clock;
    private long began;
    private TimeSpan used;

    /// <summary>Reading begins.</summary>
    public void Begin() => (began, used) = (clock.GetTimestamp(), Environment.CpuUsage.TotalTime);

    /// <summary>Whether it is time to read again: all the processor time used since the last reading began counts as its cost.</summary>
    public bool IsDue
    {
        get
        {
            TimeSpan since = clock.GetElapsedTime(began);
            return since >= Shortest && (since >= Longest || shell.IsAttended || Environment.CpuUsage.TotalTime - used < since * IdleShare);
        }
    }
}
