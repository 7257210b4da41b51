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

if (args is [ReadWorkerLaunch.Verb])
{
    // Started by ourselves: reads files that may block for ever, in a process that can be left behind.
    return ReadWorker.Serve();
}

using Interruption interruption = new();
return await Cli.RunAsync(args, Surroundings.OfThisProcess(), interruption.Token);
