namespace ContainerIR.Linux;

/// <summary>
/// Words the executable answers to besides its commands, when it starts itself as a process apart. Called first of all in Main: such a process must
/// not load what a command needs.
/// </summary>
internal static class HiddenVerbs
{
    /// <summary>Runs a hidden verb.</summary>
    /// <param name="args">Arguments of the process.</param>
    /// <param name="exitCode">Its exit code.</param>
    /// <returns>Whether the arguments were a hidden verb.</returns>
    public static bool TryRun(string[] args, out int exitCode)
    {
        ArgumentNullException.ThrowIfNull(args);
        exitCode = 0;
        switch (args)
        {
            case [FreezeGuard.Verb, ..]:
                exitCode = FreezeGuard.Run(args.AsSpan(1));
                return true;
            case [ReadWorkerLaunch.Verb]:
                // Reads files that may block for ever, in a process that can be left behind.
                exitCode = ReadWorker.Serve();
                return true;
            default:
                return false;
        }
    }
}
