using ContainerIR.Cli;
using ContainerIR.Linux;

NameServices.UseFilesAndDns();
if (args is ["--version"])
{
    // Before anything else is touched: a host is asked this in loops.
    Console.Out.WriteLine($"cir {Product.Version}");
    return ExitCode.Success;
}

using Interruption interruption = new();
return await Cli.RunAsync(args, Surroundings.OfThisProcess(), interruption.Token);
