using ContainerIR.Actions.Changes;
using ContainerIR.Cases;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Actions;

/// <summary>What every action takes from its surroundings.</summary>
/// <param name="Home">Where the cases are: the gate looks for sealed evidence there.</param>
/// <param name="Clock">Time.</param>
internal sealed record ActionParts(CaseHome Home, TimeProvider Clock)
{
    /// <summary>Endpoint of the engine; null to look at DOCKER_HOST and the usual places.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The host's change journal: one place a host, whatever the home, so that two responders see each other's changes.</summary>
    public string ChangesFolder { get; init; } = ChangeJournal.DefaultFolder;

    /// <summary>Finds nft; null where there is none.</summary>
    public Func<string?> FindNft { get; init; } = static () => HostProgram.Find("nft");

    /// <summary>How the process is started that thaws a container should we die.</summary>
    public GuardLaunch Guard { get; init; } = GuardLaunch.Self;

    /// <summary>The journal.</summary>
    public ChangeJournal Journal => new(ChangesFolder, Clock);

    /// <summary>Opens the engine.</summary>
    /// <exception cref="ContainerIR.Evidence.OperatorException">It cannot be reached.</exception>
    public IContainerRuntime Connect(string? endpoint = null) => RuntimeConnector.Find(endpoint ?? Endpoint, clock: Clock);
}
