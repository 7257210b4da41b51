using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>From a container to its processes, or the gap that says why there are none.</summary>
internal static class ContainerScope
{
    // The engine notes StartedAt after the process exists, and its clock is ours.
    private static readonly TimeSpan StartTolerance = TimeSpan.FromSeconds(10);

    /// <summary>Finds the processes; null after a gap.</summary>
    public static Membership? Find(ContainerRef container, IEvidenceSink sink, string sought, BootClock clock, CancellationToken ct)
    {
        if (!container.HasProcesses)
        {
            sink.AddGap(sought, $"no process: the container is {container.State.ToString().ToLowerInvariant()}");
            return null;
        }

        Membership? found = Membership.Find(container.InitPid, container.Id, ct);
        if (found is null)
        {
            sink.AddGap(sought, $"no process: pid {container.InitPid}, the container's first process by the engine's word, is gone");
            return null;
        }

        if (found.Init.Cgroups.OtherContainer(container.Id) is { } other)
        {
            sink.AddGap(sought, $"no process: pid {container.InitPid} belongs to container {other[..12]} by now");
            return null;
        }

        if (container.StartedAt is { } started && clock.At(found.Init.StartTicks) is { } born && born > started + StartTolerance)
        {
            sink.AddGap(sought, $"no process: pid {container.InitPid} was started at {born:O}, after the container ({started:O}): the number was reused");
            return null;
        }

        if (!found.IsStable)
        {
            sink.AddGap(sought, $"processes come and go faster than they can be listed: after {found.Rounds} looks new ones still appeared; some that lived between are missing");
        }

        return found;
    }
}
