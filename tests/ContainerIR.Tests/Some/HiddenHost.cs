using System.Globalization;
using System.Runtime.CompilerServices;
using ContainerIR.Linux;

namespace ContainerIR.Tests.Some;

/// <summary>
/// The test executable answers to the hidden verbs as <c>cir</c> does, so that tests can start what runs apart from them; and to one of its own:
/// <c>hold-frozen ID PID FOLDER</c> freezes a container, says so, and waits to be killed.
/// </summary>
internal static class HiddenHost
{
    public const string HoldVerb = "hold-frozen";

    /// <summary>How the guard is started here: by the published <c>cir</c> where CIR_PUBLISHED names it, else by this executable.</summary>
    public static GuardLaunch Guard => Environment.GetEnvironmentVariable("CIR_PUBLISHED") is { Length: > 0 } published
        ? new GuardLaunch(published, [FreezeGuard.Verb])
        : GuardLaunch.Self;

    [ModuleInitializer]
    internal static void Run()
    {
        string[] arguments = Environment.GetCommandLineArgs()[1..];
        if (HiddenVerbs.TryRun(arguments, out int exitCode))
        {
            Environment.Exit(exitCode);
        }

        if (arguments is [HoldVerb, var id, var pid, var folder])
        {
            Freezer freezer = new(Guard, TimeProvider.System, folder);
            HeldContainer held = freezer
                .FreezeAsync(id, int.Parse(pid, CultureInfo.InvariantCulture), isPaused: false, TimeSpan.FromMinutes(10), CancellationToken.None).GetAwaiter().GetResult();
            Console.WriteLine($"{held.Report.Outcome} {held.Report.GuardPid} {held.Report.Reason}");
            // Its end is to be a kill; should the test die first, the input ends.
            Console.In.ReadToEnd();
            Environment.Exit(3);
        }
    }
}
