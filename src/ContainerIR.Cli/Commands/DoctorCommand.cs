using System.CommandLine;

namespace ContainerIR.Cli.Commands;

internal static class DoctorCommand
{
    public static Command Make(Surroundings surroundings) => new("doctor", "x");
}
