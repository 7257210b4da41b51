using System.Globalization;
using ContainerIR.Linux;

namespace ContainerIR.Actions;

/// <summary>One process of a container, named by its number as the host counts, and told from later ones of that number by its start.</summary>
internal sealed record ProcessTarget(int Pid, ulong StartTicks, string Name, char State)
{
    public static ActionParameter Parameter { get; } = new("pid", ParameterKind.Number, "Process id as the host counts.", Required: true);

    /// <summary>Finds it, or says why not.</summary>
    public static ProcessTarget? Find(ActionScene scene, string pidText, out string fault)
    {
        fault = "";
        if (!int.TryParse(pidText, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) || pid < 2)
        {
            fault = "'pid' must be a process id as the host counts.";
            return null;
        }

        if (!scene.Container.HasProcesses || ProcessSignal.Look(pid) is not { IsZombie: false } stat || !ProcessSignal.IsInContainer(pid, scene.Container.InitPid, scene.Container.Id))
        {
            fault = $"Process {pid} is none of container {scene.Container.ShortId} (numbers are the host's, as in: docker top).";
            return null;
        }

        return new ProcessTarget(pid, stat.StartTicks, Evidence.Text.DisplayText.Escape(stat.Comm), stat.State);
    }
}
