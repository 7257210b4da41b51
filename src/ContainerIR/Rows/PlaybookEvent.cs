using System.Text.Json;

namespace ContainerIR.Rows;

/// <summary>
/// One thing that happened while a playbook ran: who, when, from where, what, on what, with what result. A row of the case's append-only timeline;
/// its fields answer PCI DSS 4.0.1 requirement 10.2.2.
/// </summary>
internal sealed record PlaybookEvent
{
    /// <summary>Words of <see cref="Event"/>.</summary>
    public static readonly IReadOnlyList<string> Words =
        ["started", "asked", "approved", "refused", "executed", "verified", "failed", "rolled_back", "note", "break_glass"];

    /// <summary>Place in its run, from 1 without holes; the timeline numbers the case's rows by itself.</summary>
    public required long Seq { get; init; }

    /// <summary>When, ns since 1970 (UTC).</summary>
    public required long UtcNs { get; init; }

    /// <summary>CLOCK_MONOTONIC, ns.</summary>
    public required long MonotonicNs { get; init; }

    /// <summary>Whether the clock was disciplined, in words of the kernel: <c>synchronised (TIME_OK)</c>.</summary>
    public required string ClockState { get; init; }

    /// <summary>Case id.</summary>
    public required string CaseId { get; init; }

    /// <summary>Run id: one start of one playbook.</summary>
    public required string RunId { get; init; }

    /// <summary>Slug of the playbook.</summary>
    public required string Playbook { get; init; }

    /// <summary>SHA-256 of the compiled playbook in canonical JSON, lower-case hexadecimal: which version ran.</summary>
    public required string PlaybookSha256 { get; init; }

    /// <summary>The step's id as the author wrote it, with the iteration of loops around it (<c>again#2</c>); empty for the run as a whole.</summary>
    public required string Step { get; init; }

    /// <summary>One of <see cref="Words"/>.</summary>
    public required string Event { get; init; }

    /// <summary>Who: a person, or <c>cir</c> for what the engine did by itself.</summary>
    public required string Actor { get; init; }

    /// <summary>How the actor was authenticated: <c>login</c>, <c>key sha256:…</c> (signed a challenge), <c>engine</c>.</summary>
    public required string ActorAuth { get; init; }

    /// <summary>Host the engine ran on.</summary>
    public required string Host { get; init; }

    /// <summary>Terminal; null when there was none.</summary>
    public string? Terminal { get; init; }

    /// <summary>SSH_CONNECTION of the session; null when local.</summary>
    public string? SshClient { get; init; }

    /// <summary>What it was done to: the container as typed, or empty.</summary>
    public required string Target { get; init; }

    /// <summary>The command or request, as argv; empty when there was none.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>What came of it, in one sentence; the answers of a manual step; the reason of a break-glass.</summary>
    public required string Result { get; init; }

    /// <summary>Bundles, items and changes it refers to.</summary>
    public IReadOnlyList<string> EvidenceRefs { get; init; } = [];

    /// <summary>Tags of the step: <c>nist:RS.AN-06</c>, <c>pci:10.2.2</c>.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Whether the run is an exercise and no incident.</summary>
    public bool IsExercise { get; init; }

    /// <summary>Writes the row as one JSON object. Texts are as they came: who shows them escapes them.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("seq", Seq);
        json.WriteString("utc", Rfc3339.Format(UtcNs));
        json.WriteNumber("utc_ns", UtcNs);
        json.WriteNumber("monotonic_ns", MonotonicNs);
        json.WriteString("clock_state", ClockState);
        json.WriteString("case", CaseId);
        json.WriteString("run", RunId);
        json.WriteString("playbook", Playbook);
        json.WriteString("playbook_sha256", PlaybookSha256);
        json.WriteString("step", Step);
        json.WriteString("event", Event);
        json.WriteString("actor", Actor);
        json.WriteString("actor_auth", ActorAuth);
        json.WriteString("host", Host);
        json.WriteString("terminal", Terminal);
        json.WriteString("ssh_client", SshClient);
        json.WriteString("target", Target);
        WriteList(json, "command", Command);
        json.WriteString("result", Result);
        WriteList(json, "evidence_refs", EvidenceRefs);
        WriteList(json, "tags", Tags);
        json.WriteBoolean("exercise", IsExercise);
        json.WriteEndObject();
    }

    /// <summary>Reads a row back; null when it is none.</summary>
    public static PlaybookEvent? Read(JsonElement row) =>
        row.Number("seq") is { } seq && row.Number("utc_ns") is { } utc && row.Text("run") is { } run && row.Text("event") is { } word
            ? new PlaybookEvent
            {
                Seq = seq,
                UtcNs = utc,
                MonotonicNs = row.Number("monotonic_ns") ?? 0,
                ClockState = row.Text("clock_state") ?? "",
                CaseId = row.Text("case") ?? "",
                RunId = run,
                Playbook = row.Text("playbook") ?? "",
                PlaybookSha256 = row.Text("playbook_sha256") ?? "",
                Step = row.Text("step") ?? "",
                Event = word,
                Actor = row.Text("actor") ?? "",
                ActorAuth = row.Text("actor_auth") ?? "",
                Host = row.Text("host") ?? "",
                Terminal = row.Text("terminal"),
                SshClient = row.Text("ssh_client"),
                Target = row.Text("target") ?? "",
                Command = row.Texts("command"),
                Result = row.Text("result") ?? "",
                EvidenceRefs = row.Texts("evidence_refs"),
                Tags = row.Texts("tags"),
                IsExercise = row.Flag("exercise"),
            }
            : null;

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}
