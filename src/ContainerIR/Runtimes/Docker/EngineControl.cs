using System.Globalization;
using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Runtimes.Docker;

/// <summary>
/// The requests that change something at an engine, apart from <see cref="IContainerRuntime"/>, which changes nothing. Only actions use it. Every refusal is an
/// <see cref="IOException"/> with the engine's words.
/// </summary>
internal sealed class EngineControl : IDisposable
{
    private const int AnswerBytes = 1024 * 1024;
    private const long EventBytes = 1L << 40;
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(60);
    private readonly EngineHttp http;

    /// <param name="endpoint">Of a runtime that was found.</param>
    public EngineControl(string endpoint)
    {
        string? certificates = Environment.GetEnvironmentVariable("DOCKER_CERT_PATH");
        http = new EngineHttp(new EngineTransport(EngineAddress.Parse(endpoint, string.IsNullOrEmpty(certificates) ? null : certificates)));
    }

    public Task PauseAsync(string id, CancellationToken ct) => PostAsync($"/containers/{id}/pause", null, ct);

    public Task UnpauseAsync(string id, CancellationToken ct) => PostAsync($"/containers/{id}/unpause", null, ct);

    public Task KillAsync(string id, string signal, CancellationToken ct) => PostAsync($"/containers/{id}/kill?signal={Uri.EscapeDataString(signal)}", null, ct);

    public Task RenameAsync(string id, string name, CancellationToken ct) => PostAsync($"/containers/{id}/rename?name={Uri.EscapeDataString(name)}", null, ct);

    /// <summary>Removes a container; its volumes stay.</summary>
    public Task RemoveAsync(string id, CancellationToken ct) => AskAsync(HttpMethod.Delete, $"/containers/{id}?force=1&v=0", null, ct);

    /// <summary>Sets the restart policy.</summary>
    public Task SetRestartPolicyAsync(string id, string name, long retries, CancellationToken ct) => PostAsync($"/containers/{id}/update", Json(json =>
    {
        json.WriteStartObject("RestartPolicy");
        json.WriteString("Name", name);
        json.WriteNumber("MaximumRetryCount", retries);
        json.WriteEndObject();
    }), ct);

    /// <summary>Makes an image of the writable layer without pausing; gives its id.</summary>
    public async Task<string> CommitAsync(string id, string? repository, string? tag, string comment, CancellationToken ct)
    {
        string name = repository is null ? "" : $"&repo={Uri.EscapeDataString(repository)}&tag={Uri.EscapeDataString(tag ?? "")}";
        ReadOnlyMemory<byte> answer = await PostAsync($"/commit?container={id}&pause=0&comment={Uri.EscapeDataString(comment)}{name}", null, ct);
        using JsonDocument document = ContainerInspect.Parse(answer);
        return document.RootElement.Text("Id") ?? throw new IOException("/commit: the engine's answer has no Id");
    }

    /// <summary>Gives an image one more name.</summary>
    public Task TagAsync(string image, string repository, string tag, CancellationToken ct) =>
        PostAsync($"/images/{Uri.EscapeDataString(image)}/tag?repo={Uri.EscapeDataString(repository)}&tag={Uri.EscapeDataString(tag)}", null, ct);

    /// <summary>Takes a name from an image, or deletes the image where it was its only one and no container needs it.</summary>
    public Task UntagAsync(string name, CancellationToken ct) => AskAsync(HttpMethod.Delete, $"/images/{Uri.EscapeDataString(name)}?noprune=1", null, ct);

    public Task DisconnectAsync(string network, string id, CancellationToken ct) => PostAsync($"/networks/{Uri.EscapeDataString(network)}/disconnect", Json(json =>
    {
        json.WriteString("Container", id);
        json.WriteBoolean("Force", false);
    }), ct);

    /// <summary>Connects a container to a network with the settings an earlier connection had: those that were asked for, not what the engine made of them.</summary>
    public Task ConnectAsync(string network, string id, JsonElement settings, CancellationToken ct) => PostAsync($"/networks/{Uri.EscapeDataString(network)}/connect", Json(json =>
    {
        json.WriteString("Container", id);
        json.WriteStartObject("EndpointConfig");
        foreach (string name in (ReadOnlySpan<string>)["IPAMConfig", "Links", "Aliases", "DriverOpts", "MacAddress", "GwPriority"])
        {
            if (settings.Field(name) is { ValueKind: not JsonValueKind.Null } value)
            {
                json.WritePropertyName(name);
                value.WriteTo(json);
            }
        }

        json.WriteEndObject();
    }), ct);

    /// <summary>Opens the stream of events that bear on networks: container starts and network connections. A quiet engine ends it with a time-out; open it again from where it was.</summary>
    public Stream OpenNetworkEvents(DateTimeOffset since, CancellationToken ct)
    {
        string filters = Uri.EscapeDataString("""{"type":["container","network"],"event":["start","connect","die","destroy"]}""");
        string from = string.Create(CultureInfo.InvariantCulture, $"{since.ToUnixTimeSeconds()}.{since.Ticks % TimeSpan.TicksPerSecond * 100:D9}");
        return http.Open($"/events?since={from}&filters={filters}", EventBytes, ct);
    }

    public void Dispose() => http.Dispose();

    private Task<ReadOnlyMemory<byte>> PostAsync(string path, byte[]? json, CancellationToken ct) => AskAsync(HttpMethod.Post, path, json, ct);

    private Task<ReadOnlyMemory<byte>> AskAsync(HttpMethod method, string path, byte[]? json, CancellationToken ct) =>
        http.SendAsync(method, path, json, AnswerBytes, AnswerLimit, ct);

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        using MemoryStream body = new();
        using (Utf8JsonWriter json = new(body))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return body.ToArray();
    }
}
