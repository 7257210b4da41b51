using System.Text.Json;
using ContainerIR.Runtimes;

namespace ContainerIR.Tests.Some;

/// <summary>Containers of the real engine, resolved through its command: what a test of a collector is not about.</summary>
internal static class ContainerRefs
{
    public static ContainerRef Of(string idOrName)
    {
        using JsonDocument document = JsonDocument.Parse(RealEngine.Docker("inspect", idOrName));
        JsonElement container = document.RootElement[0];
        JsonElement state = container.GetProperty("State");
        JsonElement driver = container.GetProperty("GraphDriver");
        return new()
        {
            RuntimeKind = "docker",
            Id = container.GetProperty("Id").GetString()!,
            Name = container.GetProperty("Name").GetString()!.TrimStart('/'),
            ImageName = container.GetProperty("Config").GetProperty("Image").GetString()!,
            ImageId = container.GetProperty("Image").GetString()!,
            State = state.GetProperty("Running").GetBoolean() ? ContainerState.Running : ContainerState.Exited,
            InitPid = state.GetProperty("Pid").GetInt32(),
            CreatedAt = DateTimeOffset.UtcNow,
            StorageDriver = driver.GetProperty("Name").GetString(),
            StorageData = driver.GetProperty("Data").EnumerateObject().ToDictionary(item => item.Name, item => item.Value.GetString()!),
            Mounts = [.. container.GetProperty("Mounts").EnumerateArray().Select(mount =>
                new ContainerMount(mount.GetProperty("Type").GetString()!, mount.GetProperty("Source").GetString()!, mount.GetProperty("Destination").GetString()!, true, null))],
        };
    }
}
