using ContainerIR.Evidence.Text;
using ContainerIR.Linux;

namespace ContainerIR.Cli.Commands;

/// <summary>Containers that a killed run of ours left frozen.</summary>
internal static class LeftFrozen
{
    /// <summary>Thaws them and says so.</summary>
    public static void Repair(Surroundings surroundings)
    {
        foreach (RepairedFreeze left in Freezer.RepairLeftovers(surroundings.FrozenFolder))
        {
            surroundings.Say($"A container was left frozen by an earlier run: {DisplayText.Escape(left.ContainerId)} {left.Outcome}. {DisplayText.Escape(left.Detail)}");
        }
    }
}
