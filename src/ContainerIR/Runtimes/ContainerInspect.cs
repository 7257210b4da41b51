using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Runtimes;

/// <summary>
/// Reads a container from the engine's own document (Docker Engine API, GET /containers/{id}/json) field by field: whatever is missing or of another type
/// leaves its default. Podman's compatible answer has the same names; where it is known to differ, a comment says so.
/// </summary>
internal static class ContainerInspect
{
    private const int MaxDepth = 64;

    /// <summary>Reads it.</summary>
    /// <exception cref="InvalidDataException">It is not JSON, or has no id of 64 hexadecimal digits: then it names no container.</exception>
    public static ContainerRef Read(ReadOnlyMemory<byte> document, string kind)
    {
        using JsonDocument json = Parse(document);
        return Read(json.RootElement, kind);
    }

    /// <summary>Parses the document of an engine.</summary>
    /// <exception cref="InvalidDataException">It is not JSON.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> document)
    {
        try
        {
            return JsonDocument.Parse(document, new JsonDocumentOptions { MaxDepth = MaxDepth });
        }
        catch (JsonException failure)
        {
            throw new InvalidDataException("the engine's answer is not JSON: " + failure.Message, failure);
        }
    }

    /// <summary>Reads it.</summary>
    /// <exception cref="InvalidDataException">It has no id of 64 hexadecimal digits.</exception>
    public static ContainerRef Read(JsonElement json, string kind)
    {
        string id = json.Text("Id") ?? "";
        if (!IsId(id))
        {
            throw new InvalidDataException("the engine's answer has no container id of 64 hexadecimal digits");
        }

        JsonElement state = json.Field("State") ?? default;
        JsonElement config = json.Field("Config") ?? default;
        JsonElement graph = json.Field("GraphDriver") ?? default;
        JsonElement log = json.Field("HostConfig")?.Field("LogConfig") ?? default;
        bool isRunning = state.Flag("Running");
        return new ContainerRef
        {
            RuntimeKind = kind,
            Id = id,
            Name = (json.Text("Name") ?? "").TrimStart('/'),
            ImageName = config.Text("Image") ?? json.Text("ImageName") ?? "",
            ImageId = ImageIdOf(json.Text("Image") ?? ""),
            State = StateOf(state.Text("Status"), state),
            InitPid = isRunning && state.Number("Pid") is > 0 and <= int.MaxValue and var pid ? (int)pid : 0,
            CreatedAt = json.Instant("Created") ?? DateTimeOffset.UnixEpoch,
            StartedAt = Past(state.Instant("StartedAt")),
            FinishedAt = isRunning ? null : Past(state.Instant("FinishedAt")),
            StorageDriver = graph.Text("Name") ?? json.Text("Driver"),
            StorageData = graph.TextMembers("Data"),
            LogDriver = log.Text("Type"),
            LogPath = json.Text("LogPath") is { Length: > 0 } path ? path : log.Text("Path"),
            LogOptions = log.TextMembers("Config"),
            Mounts = [.. json.Items("Mounts").Select(MountOf)],
            Networks = [.. (json.Field("NetworkSettings") ?? default).Members("Networks").Select(NetworkOf)],
            Labels = config.TextMembers("Labels"),
        };
    }

    /// <summary>Whether a text is a full container id.</summary>
    public static bool IsId(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    /// <summary>The state of a word of the engine.</summary>
    public static ContainerState StateOf(string? word, JsonElement state = default) => word?.ToLowerInvariant() switch
    {
        "created" or "configured" or "initialized" => ContainerState.Created,
        "running" => ContainerState.Running,
        "paused" => ContainerState.Paused,
        "restarting" => ContainerState.Restarting,
        "exited" or "stopped" => ContainerState.Exited,
        "removing" or "stopping" => word is "stopping" ? ContainerState.Running : ContainerState.Removing,
        "dead" => ContainerState.Dead,
        _ when state.Flag("Paused") => ContainerState.Paused,
        _ when state.Flag("Running") => ContainerState.Running,
        _ => ContainerState.Unknown,
    };

    /// <summary>Podman gives image ids without their algorithm.</summary>
    private static string ImageIdOf(string text) => text.Length == 64 && IsId(text) ? "sha256:" + text : text;

    /// <summary>The engines write year 1 for never.</summary>
    private static DateTimeOffset? Past(DateTimeOffset? instant) => instant is { Year: >= 1970 } ? instant : null;

    private static ContainerMount MountOf(JsonElement mount) => new(
        mount.Text("Type") ?? "",
        mount.Text("Source") ?? "",
        mount.Text("Destination") ?? "",
        mount.Flag("RW"),
        mount.Text("Name") is { Length: > 0 } name ? name : null);

    private static ContainerNetwork NetworkOf(JsonProperty network) => new(
        JsonFields.NameOf(network),
        network.Value.Text("NetworkID") ?? "",
        network.Value.Text("IPAddress") ?? "",
        network.Value.Text("GlobalIPv6Address") ?? "",
        network.Value.Text("MacAddress") ?? "",
        network.Value.Text("Gateway") ?? "");
}
