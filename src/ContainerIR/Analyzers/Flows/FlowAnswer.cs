using System.Text.Json;

namespace ContainerIR.Analyzers.Flows;

/// <summary>A process that held a socket of the flow. Texts are in display form.</summary>
/// <param name="Pid">In the host's pid namespace.</param>
/// <param name="ExecutablePath">Text of its exe link.</param>
/// <param name="ExecutableSha256">SHA-256 of its executable; null when unknown.</param>
/// <param name="CommandLine">Its arguments; empty when unknown.</param>
/// <param name="StartedAt">Its start; null when unknown.</param>
public sealed record FlowProcess(int Pid, string ExecutablePath, string? ExecutableSha256, string CommandLine, DateTimeOffset? StartedAt);

/// <summary>Whose a flow was.</summary>
public sealed record FlowAnswer
{
    /// <summary>Name of the container, display form.</summary>
    public required string ContainerName { get; init; }

    /// <summary>Its full id.</summary>
    public required string ContainerId { get; init; }

    /// <summary>The bundle's UUID.</summary>
    public required string BundleId { get; init; }

    /// <summary>When its network state was read.</summary>
    public required DateTimeOffset TakenAt { get; init; }

    /// <summary>What was found: <c>flow</c>, <c>listener</c> or <c>published port</c>.</summary>
    public required string Kind { get; init; }

    /// <summary><c>tcp</c>, <c>udp</c> …</summary>
    public required string Protocol { get; init; }

    /// <summary>State as the kernel words it; empty when there is none.</summary>
    public string State { get; init; } = "";

    /// <summary>The way of its packets, one leg a line, as the tables have it.</summary>
    public IReadOnlyList<string> Path { get; init; } = [];

    /// <summary>Processes of the container that held it; empty when none did any more.</summary>
    public IReadOnlyList<FlowProcess> Processes { get; init; } = [];

    /// <summary>Rows that prove it.</summary>
    public IReadOnlyList<FindingPlace> Where { get; init; } = [];

    /// <summary>What speaks against it, or is not known.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Lower is better: the flow with its process, the flow alone, a listener or a published port.</summary>
    internal int Rank => Kind == "flow" ? Processes.Count > 0 ? 0 : 1 : 2;

    /// <summary>Writes it as one object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteStartObject();
        json.WriteString("container", ContainerName);
        json.WriteString("container_id", ContainerId);
        json.WriteString("bundle_id", BundleId);
        json.WriteString("taken_at", TakenAt);
        json.WriteString("kind", Kind);
        json.WriteString("protocol", Protocol);
        json.WriteString("state", State);
        WriteTexts(json, "path", Path);
        json.WriteStartArray("processes");
        foreach (FlowProcess process in Processes)
        {
            json.WriteStartObject();
            json.WriteNumber("pid", process.Pid);
            json.WriteString("exe", process.ExecutablePath);
            json.WriteString("exe_sha256", process.ExecutableSha256);
            json.WriteString("cmdline", process.CommandLine);
            if (process.StartedAt is { } started)
            {
                json.WriteString("started_at", started);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("where");
        foreach (FindingPlace place in Where)
        {
            json.WriteStartObject();
            json.WriteString("item", place.Item);
            if (place.Row is { } row)
            {
                json.WriteNumber("row", row);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteTexts(json, "notes", Notes);
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}
