using ContainerIR.Rows;

namespace ContainerIR.Playbooks.Runs;

/// <summary>No timeline: every row stands in the run's own file, and a timeline opened later gets them all when the run goes on.</summary>
internal sealed class RunFileOnly : IPlaybookTimeline
{
    public void Append(PlaybookEvent row)
    {
        // The run's file has it already.
    }
}
