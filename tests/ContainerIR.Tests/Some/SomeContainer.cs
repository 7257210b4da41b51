using System.Globalization;
using System.Text.Json;
using ContainerIR.Runtimes;

namespace ContainerIR.Tests.Some;

/// <summary>Containers as the engine's runtime would resolve them, read from <c>docker inspect</c>.</summary>
internal static class SomeContainer
{
    /// <summary>A container no engine has, made 2025-11-22 and not running.</summary>
    public static ContainerRef With(string id) => new()
    {
        RuntimeKind = "docker",
        Id = id,
        Name = "web",
        ImageName = "web:1",
        ImageId = "sha256:" + new string('1', 64),
        State = ContainerState.Exited,
        InitPid = 0,
        CreatedAt = DateTimeOffset.FromUnixTimeSeconds(1_763_799_000),
    };

    public static ContainerRef RefOf(string nameOrId) => Parse(RealEngine.Docker("inspect", nameOrId));

    /// <summary>From what <c>docker inspect</c> prints of one container.</summary>
    public static ContainerRef Parse(string inspected)
    {
        using JsonDocument document = JsonDocument.Parse(inspected);
        JsonElement container = document.RootElement[0];
        JsonElement state = container.GetProperty("State");
        JsonElement driver = container.GetProperty("GraphDriver");
        return new ContainerRef
        {
            RuntimeKind = "docker",
            Id = container.GetProperty("Id").GetString()!,
            Name = container.GetProperty("Name").GetString()!.TrimStart('/'),
            ImageName = container.GetProperty("Config").GetProperty("Image").GetString()!,
            ImageId = container.GetProperty("Image").GetString()!,
            State = Enum.Parse<ContainerState>(state.GetProperty("Status").GetString()!, ignoreCase: true),
            InitPid = state.GetProperty("Pid").GetInt32(),
            CreatedAt = Time(container.GetProperty("Created").GetString()!)!.Value,
            StartedAt = Time(state.GetProperty("StartedAt").GetString()!),
            StorageDriver = Text(driver, "Name"),
            StorageData = driver.GetProperty("Data").EnumerateObject().ToDictionary(item => item.Name, item => item.Value.GetString()!),
            Mounts =
            [
                .. container.GetProperty("Mounts").EnumerateArray().Select(mount =>
                    new ContainerMount(Text(mount, "Type"), Text(mount, "Source"), Text(mount, "Destination"), mount.GetProperty("RW").GetBoolean(), null)),
            ],
            Networks =
            [
                .. container.GetProperty("NetworkSettings").GetProperty("Networks").EnumerateObject().Select(network => new ContainerNetwork(
                    network.Name, Text(network.Value, "NetworkID"), Text(network.Value, "IPAddress"), Text(network.Value, "GlobalIPv6Address"),
                    Text(network.Value, "MacAddress"), Text(network.Value, "Gateway"))),
            ],
        };
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";

    private static DateTimeOffset? Time(string text) =>
        DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) is var time && time.Year > 1 ? time : null;
}
