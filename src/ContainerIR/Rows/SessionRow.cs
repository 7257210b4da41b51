using System.Text.Json;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Rows;

/// <summary>Somebody did something on the host: a login, a sudo, a client of the engine, a session inside the container. A row of <c>sessions.jsonl</c>; derived.</summary>
internal sealed record SessionRow
{
    /// <summary>When, ns since 1970; null when the source does not say.</summary>
    public long? TimeNs { get; init; }

    /// <summary><c>exec</c>, <c>login</c>, <c>logout</c>, <c>failed-login</c>, <c>sudo</c>, <c>su</c>, <c>api-client</c>, <c>audit</c>, <c>shell-history</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Account; null when not known.</summary>
    public string? User { get; init; }

    /// <summary>Terminal; null when none or not known.</summary>
    public string? Terminal { get; init; }

    /// <summary>Address the person came from; null when local or not known.</summary>
    public string? Source { get; init; }

    /// <summary>Process id; null when not known.</summary>
    public long? Pid { get; init; }

    /// <summary>Number of the kernel's audit session, which a login gets and su and sudo keep; null when not known.</summary>
    public long? AuditSession { get; init; }

    /// <summary>
    /// How sure the person of an exec session is: <c>observed</c> (the only client in question was connected to the engine while it was looked at), <c>recorded</c>
    /// (auditd recorded that very command with its login), <c>likely</c> (inferred from the time), <c>engine</c> (the health check's own command), <c>unknown</c>. Null for other rows.
    /// </summary>
    public string? Certainty { get; init; }

    /// <summary>What was done.</summary>
    public required string What { get; init; }

    /// <summary>Who says so, and how sure that is.</summary>
    public required string Basis { get; init; }

    /// <summary>In one line, for a timeline. Display form.</summary>
    public string Message =>
        DisplayText.Escape($"{What}{(User is null ? "" : $" by {User}")}{(Terminal is null ? "" : $" on {Terminal}")}{(Source is null ? "" : $" from {Source}")} ({(Certainty is null ? "" : Certainty + ": ")}{Basis})");

    /// <summary>Writes the row as one JSON object; texts in display form.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        if (TimeNs is { } time)
        {
            json.WriteString("at", Rfc3339.Format(time));
            json.WriteNumber("time_ns", time);
        }

        json.WriteString("kind", Kind);
        WriteText(json, "user", User);
        WriteText(json, "terminal", Terminal);
        WriteText(json, "source", Source);
        if (Pid is { } pid)
        {
            json.WriteNumber("pid", pid);
        }

        if (AuditSession is { } session)
        {
            json.WriteNumber("audit_session", session);
        }

        WriteText(json, "what", What);
        WriteText(json, "certainty", Certainty);
        WriteText(json, "basis", Basis);
        json.WriteEndObject();
    }

    /// <summary>Reads rows back. A line that is no row is passed over; ask <paramref name="onBroken"/> to hear of it.</summary>
    public static IEnumerable<SessionRow> Read(Stream rows, Action<StreamLine>? onBroken = null)
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

    private static SessionRow? FromRow(StreamLine line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line.IsCut ? default : line.Content);
            JsonElement row = document.RootElement;
            return row.Text("kind") is { } kind && row.Text("what") is { } what
                ? new()
                {
                    TimeNs = row.Number("time_ns"),
                    Kind = kind,
                    What = what,
                    Basis = row.Text("basis") ?? "",
                    User = row.Text("user"),
                    Terminal = row.Text("terminal"),
                    Source = row.Text("source"),
                    Pid = row.Number("pid"),
                    AuditSession = row.Number("audit_session"),
                    Certainty = row.Text("certainty"),
                }
                : null;
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
            json.WriteString(name, DisplayText.Shorten(value, 4000));
        }
    }
}
