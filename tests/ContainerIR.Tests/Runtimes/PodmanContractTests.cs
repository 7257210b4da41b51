using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Runtimes;

/// <summary>Runs where CIR_TEST_PODMAN names Podman's Docker-compatible socket and CIR_TEST_PODMAN_IMAGE an image with a shell in it; else each test is skipped.
/// CIR_TEST_PODMAN_OPTIONS are options for each container, separated by blanks (a sandbox may need <c>--ulimit nofile=1024:20000</c>).</summary>
public sealed class The_Podman_runtime : RuntimeContract
{
    private static int sequence;

    protected override string? Endpoint => Environment.GetEnvironmentVariable("CIR_TEST_PODMAN") is { Length: > 0 } socket ? socket : null;

    protected override string Kind => "podman";

    private static string[] Options => (Environment.GetEnvironmentVariable("CIR_TEST_PODMAN_OPTIONS") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private protected override EngineContainer Start(string[] options, params string[] command)
    {
        Assert.SkipWhen(Endpoint is null, "CIR_TEST_PODMAN names no socket");
        string image = Environment.GetEnvironmentVariable("CIR_TEST_PODMAN_IMAGE") ?? RealEngine.Image;
        string name = $"cir-podman-{Environment.ProcessId}-{Interlocked.Increment(ref sequence)}";
        string id = RealEngine.Docker(["-H", Endpoint!, "run", "-d", "--name", name, .. Options, .. options, image, .. command]).Trim();
        return new EngineContainer(id, name, () => RealEngine.Docker("-H", Endpoint!, "rm", "-f", "-v", id));
    }
}
