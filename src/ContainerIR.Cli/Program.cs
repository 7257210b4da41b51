using ContainerIR.Acquisitions;
using ContainerIR.Cli;
using ContainerIR.Linux;

NameServices.UseFilesAndDns();
if (args is ["--version"])
{
    // Before anything else is touched: a host is asked this in loops.
    Console.Out.WriteLine($"cir {ToolFacts.Version}");
    return ExitCode.Success;
}

if (HiddenVerbs.TryRun(args, out int hiddenExitCode))
{
    return hiddenExitCode;
}

using Interruption interruption = new(isConsole: args is [] or ["console", ..]);
return await Cli.RunAsync(args, Surroundings.OfThisProcess(), interruption.Token);
