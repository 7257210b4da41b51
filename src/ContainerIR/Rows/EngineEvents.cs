using System.Text.Json;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Rows;

/// <summary>Reads an engine's event stream (Docker Engine API, GET /events; one JSON object a line) into rows.</summary>
internal static class EngineEvents
{
    private const int MaxAttributes = 64;
    private const int MaxAttributeCharacters = 256;
    private const int MaxTextCharacters = 64 * 1024;

    /// <summary>Every line gives a row; what is no event gives a row with its error.</summary>
    /// <param name="raw">The stream as received.</param>
    /// <param name="containerId">Full id of the container acquired.</param>
    /// <param name="imageId">Id of its image; empty when unknown.</param>
    /// <exception cref="IOException">The stream cannot be read further.</exception>
    public static IEnumerable<EventRow> Read(Stream raw, string containerId, string imageId)
    {
        foreach (StreamLine line in JsonLines.Read(raw))
        {
            if (line.Length > (line.IsEnded ? 1 : 0))
            {
                yield return Parse(line, containerId, imageId);
            }
        }
    }

    private static EventRow Parse(StreamLine line, string containerId, string imageId)
    {
        EventRow row = new() { Number = line.Number, Offset = line.Offset, Length = line.Length };
        if (line.IsCut)
        {
            return row with { Error = $"longer than {JsonLines.DefaultLimitBytes} bytes" };
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(line.Content);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Fill(row, document.RootElement, containerId, imageId)
                : row with { Error = "not a JSON object" };
        }
        catch (JsonException failure)
        {
            return row with { Error = DisplayText.Shorten("not JSON: " + failure.Message, MaxAttributeCharacters) };
        }
    }

    private static EventRow Fill(EventRow row, JsonElement json, string containerId, string imageId)
    {
        string type = json.Text("Type") ?? "";
        string whole = json.Text("Action") ?? json.Text("status") ?? "";
        int colon = whole.IndexOf(": ", StringComparison.Ordinal);
        string action = colon < 0 ? whole : whole[..colon];
        JsonElement actor = json.Field("Actor") ?? default;
        string actorId = actor.Text("ID") ?? json.Text("id") ?? "";
        Dictionary<string, string> attributes = actor.TextMembers("Attributes");
        bool ofContainer = actorId == containerId || attributes.GetValueOrDefault("container") == containerId
            || (type == "image" && imageId.Length > 0 && actorId == imageId);
        string? Take(string name) => attributes.Remove(name, out string? value) ? DisplayText.Shorten(value, MaxTextCharacters) : null;
        return row with
        {
            TimeNs = json.Number("timeNano") ?? (json.Number("time") is { } seconds and > -9_000_000_000 and < 9_000_000_000 ? seconds * 1_000_000_000 : null),
            Type = DisplayText.Shorten(type, MaxAttributeCharacters),
            Action = DisplayText.Shorten(action, MaxAttributeCharacters),
            Detail = colon < 0 ? null : DisplayText.Shorten(whole[(colon + 2)..], MaxTextCharacters),
            Class = ClassOf(type, action),
            ActorId = DisplayText.Shorten(actorId, MaxAttributeCharacters),
            Name = Take("name"),
            Image = Take("image"),
            ExecId = Take("execID"),
            ExitCode = Take("exitCode") is { } code && long.TryParse(code, System.Globalization.CultureInfo.InvariantCulture, out long number) ? number : null,
            Signal = Take("signal"),
            OfContainer = ofContainer,
            Attributes = Shorten(attributes),
        };
    }

    private static Dictionary<string, string> Shorten(Dictionary<string, string> attributes)
    {
        Dictionary<string, string> shortened = [];
        foreach ((string name, string value) in attributes.Take(MaxAttributes))
        {
            shortened[DisplayText.Shorten(name, MaxAttributeCharacters)] = DisplayText.Shorten(value, MaxAttributeCharacters);
        }

        return shortened;
    }

    /// <summary>Event names: Docker Engine API reference, GET /events; Podman uses the same on its compatible endpoint (with <c>died</c>, <c>exec_died</c>).</summary>
    private static string ClassOf(string type, string action) => (type, action) switch
    {
        ("container", "oom") => "oom",
        ("container", "health_status") => "health",
        ("container", "attach" or "detach" or "archive-path" or "extract-to-dir" or "copy" or "export" or "commit" or "top" or "resize" or "checkpoint") => "access",
        ("container", _) when action.StartsWith("exec", StringComparison.Ordinal) => "exec",
        ("container", _) => "lifecycle",
        ("" or null, _) => "other",
        _ => DisplayText.Shorten(type, 32),
    };
}
