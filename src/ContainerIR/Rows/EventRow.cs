using System.Text.Json;

namespace ContainerIR.Rows;

/// <summary>One engine event as a row of <c>events-parsed.jsonl</c>. Texts are in display form; the exact bytes stand in <c>events.jsonl</c> at the offset.</summary>
internal sealed record EventRow
{
    /// <summary>Line of events.jsonl, from 1.</summary>
    public required long Number { get; init; }

    /// <summary>Of its first byte in events.jsonl.</summary>
    public required long Offset { get; init; }

    /// <summary>Its bytes there, end of line included.</summary>
    public required long Length { get; init; }

    /// <summary>When the engine says it happened, ns since 1970; null when it does not say.</summary>
    public long? TimeNs { get; init; }

    /// <summary><c>container</c>, <c>image</c>, <c>network</c> …</summary>
    public string Type { get; init; } = "";

    /// <summary><c>start</c>, <c>exec_create</c>, <c>health_status</c> …</summary>
    public string Action { get; init; } = "";

    /// <summary>What follows the action's colon: the command line of an exec, the health state; null when nothing does.</summary>
    public string? Detail { get; init; }

    /// <summary>What kind of happening it is for a reader: <c>exec</c>, <c>oom</c>, <c>health</c>, <c>lifecycle</c>, <c>access</c>, or the type.</summary>
    public string Class { get; init; } = "";

    /// <summary>Id of what it happened to.</summary>
    public string ActorId { get; init; } = "";

    /// <summary>Its name; null when not given.</summary>
    public string? Name { get; init; }

    /// <summary>Image of the container; null when not given.</summary>
    public string? Image { get; init; }

    /// <summary>Id of the exec session; null when it is none.</summary>
    public string? ExecId { get; init; }

    /// <summary>Exit code; null when it has none.</summary>
    public long? ExitCode { get; init; }

    /// <summary>Signal; null when it has none.</summary>
    public string? Signal { get; init; }

    /// <summary>Whether it is of the container acquired (itself, its image, its attachment to a network or volume).</summary>
    public bool OfContainer { get; init; }

    /// <summary>Other attributes (labels among them), at most 64, values cut at 256 characters.</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>();

    /// <summary>Why the line could not be read as an event; null when it could.</summary>
    public string? Error { get; init; }

    /// <summary>Writes the row as one JSON object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("n", Number);
        json.WriteNumber("offset", Offset);
        json.WriteNumber("length", Length);
        if (TimeNs is { } time)
        {
            json.WriteString("at", Rfc3339.Format(time));
            json.WriteNumber("time_ns", time);
        }

        json.WriteString("type", Type);
        json.WriteString("action", Action);
        WriteText(json, "detail", Detail);
        json.WriteString("class", Class);
        json.WriteString("actor_id", ActorId);
        WriteText(json, "name", Name);
        WriteText(json, "image", Image);
        WriteText(json, "exec_id", ExecId);
        if (ExitCode is { } code)
        {
            json.WriteNumber("exit_code", code);
        }

        WriteText(json, "signal", Signal);
        json.WriteBoolean("of_container", OfContainer);
        if (Attributes.Count > 0)
        {
            json.WriteStartObject("attributes");
            foreach ((string name, string value) in Attributes)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
        }

        WriteText(json, "error", Error);
        json.WriteEndObject();
    }

    /// <summary>Reads rows back, one JSON object a line. A line that is no row is passed over; ask <paramref name="onBroken"/> to hear of it.</summary>
    /// <exception cref="IOException">The stream cannot be read further.</exception>
    public static IEnumerable<EventRow> Read(Stream rows, Action<StreamLine>? onBroken = null)
    {
        foreach (StreamLine line in JsonLines.Read(rows))
        {
            if (FromRow(line) is { } row)
            {
                yield return row;
            }
            else
            {
                onBroken?.Invoke(line);
            }
        }
    }

    private static EventRow? FromRow(StreamLine line)
    {
        if (line.IsCut)
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(line.Content);
            JsonElement row = document.RootElement;
            if (row.Number("n") is not { } number || row.Number("offset") is not { } offset || row.Number("length") is not { } length)
            {
                return null;
            }

            return new EventRow
            {
                Number = number,
                Offset = offset,
                Length = length,
                TimeNs = row.Number("time_ns"),
                Type = row.Text("type") ?? "",
                Action = row.Text("action") ?? "",
                Detail = row.Text("detail"),
                Class = row.Text("class") ?? "",
                ActorId = row.Text("actor_id") ?? "",
                Name = row.Text("name"),
                Image = row.Text("image"),
                ExecId = row.Text("exec_id"),
                ExitCode = row.Number("exit_code"),
                Signal = row.Text("signal"),
                OfContainer = row.Flag("of_container"),
                Attributes = row.TextMembers("attributes"),
                Error = row.Text("error"),
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
