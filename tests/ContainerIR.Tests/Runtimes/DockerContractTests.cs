using ContainerIR.Tests.Some;

namespace ContainerIR.Tests.Runtimes;

public sealed class The_Docker_runtime : RuntimeContract
{
    protected override string? Endpoint => RealEngine.Endpoint;

    protected override string Kind => "docker";

    private protected override EngineContainer Start(string[] options, params string[] command)
    {
        TestContainer container = RealEngine.Start(options, command);
        return new EngineContainer(container.Id, container.Name, container.Dispose);
    }
}
