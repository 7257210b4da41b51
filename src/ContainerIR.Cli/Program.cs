using ContainerIR.Cli;
using ContainerIR.Linux;

NameServices.UseFilesAndDns();
if (args is ["--version"])
{
    // Before anything else is touched: a host is asked this in loops.
    Console.Out.WriteLine($"cir {Product.Version}");
    return ExitCode.Success;
}

if (args is [ReadWorkerLaunch.Verb])
{
    // This program started by itself: reads what may block for ever, and is killed when it does.
    return ReadWorker.Serve();
}

using Interruption interruption = new();
return await Cli.RunAsync(args, Surroundings.OfThisProcess(), interruption.Token);
