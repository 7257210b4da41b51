using ContainerIR.Runtimes.Docker;

namespace ContainerIR.Runtimes;

/// <summary>One line of the list: a kind of engine, where it usually answers, and how it is spoken to.</summary>
internal sealed record RuntimeEntry(string Kind, string UsualEndpoint, Func<EngineAddress, string, TimeProvider, IContainerRuntime> Make);

/// <summary>All engines, in the order they are looked for. Podman speaks Docker's API on its own socket, so one client serves both.</summary>
internal static class RuntimeList
{
    public static IReadOnlyList<RuntimeEntry> All { get; } =
    [
        new("docker", "unix:///var/run/docker.sock", static (address, spool, clock) => new DockerRuntime(address, spool, clock)),
        new("podman", "unix:///run/podman/podman.sock", static (address, spool, clock) => new DockerRuntime(address, spool, clock)),
    ];
}
