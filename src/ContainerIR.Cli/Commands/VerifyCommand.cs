using System.CommandLine;

namespace ContainerIR.Cli.Commands;

internal static class VerifyCommand
{
    public static Command Make(Surroundings surroundings) { _ = surroundings; return new("verify", "x"); }
}
