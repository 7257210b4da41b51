using System.CommandLine;
using ContainerIR.Actions.Isolation;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir watch isolation</c>.</summary>
internal static class WatchCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Option<bool> once = new("--once") { Description = "Look at all once, put in force again what is not, and end." };
        Option<string?> home = Shared.Home();
        Option<string?> endpoint = Shared.Endpoint();
        Command isolation = new("isolation", "Keep isolations in force when a container is started again or connected to another network.") { once, home, endpoint };
        isolation.SetAction(async (parsed, ct) =>
        {
            IsolationWatch watch = new(DoCommand.PartsOf(surroundings, parsed.GetValue(home), parsed.GetValue(endpoint)), line => surroundings.Out.WriteLine(DisplayText.Escape(line)));
            if (parsed.GetValue(once))
            {
                await watch.SweepAsync(ct);
                return ExitCode.Success;
            }

            surroundings.Say("Watching. Ctrl-C ends it; the isolations stay.");
            await watch.RunAsync(null, ct);
            return ExitCode.Success;
        });
        return new Command("watch", "Keep something in force.") { isolation };
    }
}
