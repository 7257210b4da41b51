using System.Text.Json;
using System.Text.Json.Nodes;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Playbooks.Runs;

/// <summary>What became of a step.</summary>
/// <param name="Ok">Whether it did well.</param>
/// <param name="Why">Why not; null when it did.</param>
internal sealed record StepResult(bool Ok, string? Why = null)
{
    public static StepResult Done { get; } = new(true);

    public static StepResult Failed(string why) => new(false, why);
}

/// <summary>
/// The state of a run and its two records: each fact goes to the run's file and is synced there, then its row to the case's timeline. Opened again after a
/// crash it knows what was done, and gives the timeline the rows it may have missed.
/// </summary>
internal sealed class RunRecord
{
    private readonly Lock gate = new();
    private readonly RunFile file;
    private readonly IPlaybookTimeline timeline;
    private readonly RunRequest request;
    private readonly Playbook playbook;
    private readonly Action<PlaybookEvent> tell;
    private readonly Dictionary<string, StepResult> done = [];
    private readonly Dictionary<string, string> choices = [];
    private readonly HashSet<string> begun = [];
    private readonly Dictionary<string, Dictionary<string, string>> variables = [];
    private readonly Dictionary<string, string> calls = [];
    private readonly List<string> changes = [];
    private Dictionary<string, IReadOnlyList<string>> findings = [];
    private long seq;

    private RunRecord(RunFile file, IPlaybookTimeline timeline, RunRequest request, Playbook playbook, Action<PlaybookEvent> tell)
    {
        this.file = file;
        this.timeline = timeline;
        this.request = request;
        this.playbook = playbook;
        this.tell = tell;
    }

    public string RunId => file.RunId;

    /// <summary>Changes left in force that an automatic rollback can undo, oldest first.</summary>
    public IReadOnlyList<string> Changes
    {
        get
        {
            lock (gate)
            {
                return [.. changes];
            }
        }
    }

    public static RunRecord Begin(RunFile file, IPlaybookTimeline timeline, RunRequest request, Playbook playbook, Action<PlaybookEvent> tell)
    {
        RunRecord record = new(file, timeline, request, playbook, tell);
        file.Store(playbook);
        JsonObject inputs = [];
        foreach ((string name, string value) in request.Inputs)
        {
            inputs[name] = value;
        }

        record.Write(
            new JsonObject
            {
                ["kind"] = "open",
                ["case"] = request.CaseId,
                ["container"] = request.Container,
                ["playbook"] = playbook.Slug,
                ["playbook_sha256"] = playbook.Sha256,
                ["exercise"] = request.IsExercise,
                ["override"] = request.Override,
                ["inputs"] = inputs,
            },
            new RowFacts("", "started", $"{playbook.Name} {playbook.Version}{(request.IsExercise ? " (exercise)" : "")}") { Refs = [$"playbook-{playbook.Sha256}.json"] });
        return record;
    }

    public static RunRecord Continue(RunFile file, IPlaybookTimeline timeline, RunRequest request, Playbook playbook, Action<PlaybookEvent> tell)
    {
        RunRecord record = new(file, timeline, request, playbook, tell);
        foreach (JsonElement line in file.Lines)
        {
            record.Replay(line);
        }

        record.Note("", "note", "resumed");
        return record;
    }

    /// <summary>The result a step had before a crash; null when it has none.</summary>
    public StepResult? ResultOf(string step)
    {
        lock (gate)
        {
            return done.GetValueOrDefault(step);
        }
    }

    /// <summary>Whether a step was begun in an earlier life and never finished.</summary>
    public bool WasInterrupted(string step)
    {
        lock (gate)
        {
            return begun.Remove(step);
        }
    }

    /// <summary>Decides once: what a condition said before a crash it says again.</summary>
    public string Choose(string step, Func<string> decide)
    {
        lock (gate)
        {
            if (choices.TryGetValue(step, out string? chosen))
            {
                return chosen;
            }

            string choice = decide();
            choices[step] = choice;
            Write(new JsonObject { ["kind"] = "choice", ["step"] = step, ["value"] = choice }, null);
            return choice;
        }
    }

    /// <summary>The choice made before a crash; null when none was.</summary>
    public string? ChoiceOf(string step)
    {
        lock (gate)
        {
            return choices.GetValueOrDefault(step);
        }
    }

    public void BeginStep(string step, RowFacts row) => Write(new JsonObject { ["kind"] = "begin", ["step"] = step }, row);

    /// <summary>A step's end with all it changed, in one line.</summary>
    public StepResult EndStep(
        string step, StepResult result, RowFacts row, string frame = "", IReadOnlyDictionary<string, string>? outputs = null, IReadOnlyDictionary<string, IReadOnlyList<string>>? found = null, string? change = null)
    {
        JsonObject line = new() { ["kind"] = "done", ["step"] = step, ["ok"] = result.Ok, ["why"] = result.Why };
        if (outputs is { Count: > 0 })
        {
            JsonObject values = [];
            foreach ((string name, string value) in outputs)
            {
                values[name] = value;
            }

            line["frame"] = frame;
            line["outputs"] = values;
        }

        if (found is not null)
        {
            JsonObject lists = [];
            foreach ((string name, IReadOnlyList<string> values) in found)
            {
                lists[name] = new JsonArray([.. values.Select(value => (JsonNode)value)]);
            }

            line["findings"] = lists;
        }

        if (change is not null)
        {
            line["change"] = change;
        }

        lock (gate)
        {
            done[step] = result;
            Apply(frame, outputs, found, change);
            Write(line, row);
        }

        return result;
    }

    public void Undone(string change, RowFacts row)
    {
        lock (gate)
        {
            changes.Remove(change);
            Write(new JsonObject { ["kind"] = "undone", ["change"] = change }, row);
        }
    }

    public void Note(string step, string word, string result) => Write(new JsonObject { ["kind"] = "row" }, new RowFacts(step, word, result));

    public void Note(RowFacts row) => Write(new JsonObject { ["kind"] = "row" }, row);

    public void Close(RunOutcome outcome, string? why) => Write(
        new JsonObject { ["kind"] = "end", ["outcome"] = outcome.ToString().ToLowerInvariant(), ["why"] = why },
        new RowFacts("", outcome == RunOutcome.Completed ? "executed" : "failed", outcome == RunOutcome.Completed ? "the playbook ran to its end" : $"the playbook ended early: {why}"));

    /// <summary>The digest a called playbook had when it was called; the present one is noted when it was not.</summary>
    public string Called(string step, Playbook called)
    {
        lock (gate)
        {
            if (calls.TryGetValue(step, out string? before))
            {
                return before;
            }

            file.Store(called);
            calls[step] = called.Sha256;
            Write(new JsonObject { ["kind"] = "call", ["step"] = step, ["sha256"] = called.Sha256 }, new RowFacts(step, "started", $"calls {called.Name} {called.Version}") { Refs = [$"playbook-{called.Sha256}.json"] });
            return called.Sha256;
        }
    }

    /// <summary>The digest of the playbook a step called in an earlier life.</summary>
    public string? CalledBefore(string step)
    {
        lock (gate)
        {
            return calls.GetValueOrDefault(step);
        }
    }

    public string? ValueOf(string frame, string name)
    {
        lock (gate)
        {
            return variables.GetValueOrDefault(frame)?.GetValueOrDefault(name);
        }
    }

    public IReadOnlyDictionary<string, string> ValuesOf(string frame)
    {
        lock (gate)
        {
            return new Dictionary<string, string>(variables.GetValueOrDefault(frame) ?? []);
        }
    }

    public IReadOnlyList<string> Findings(string property)
    {
        lock (gate)
        {
            return findings.GetValueOrDefault(property) ?? [];
        }
    }

    private void Apply(string frame, IReadOnlyDictionary<string, string>? outputs, IReadOnlyDictionary<string, IReadOnlyList<string>>? found, string? change)
    {
        if (outputs is not null)
        {
            if (!variables.TryGetValue(frame, out Dictionary<string, string>? values))
            {
                variables[frame] = values = [];
            }

            foreach ((string name, string value) in outputs)
            {
                values[name] = value;
            }
        }

        findings = found is null ? findings : found.ToDictionary();
        if (change is not null)
        {
            changes.Add(change);
        }
    }

    private void Replay(JsonElement line)
    {
        string step = line.Text("step") ?? "";
        switch (line.Text("kind"))
        {
            case "begin":
                begun.Add(step);
                break;
            case "choice":
                choices[step] = line.Text("value") ?? "";
                break;
            case "call":
                calls[step] = line.Text("sha256") ?? "";
                break;
            case "undone":
                changes.Remove(line.Text("change") ?? "");
                break;
            case "done":
                begun.Remove(step);
                done[step] = new StepResult(line.Flag("ok"), line.Text("why"));
                Apply(
                    line.Text("frame") ?? "",
                    line.TextMembers("outputs"),
                    line.Field("findings") is null ? null : line.Members("findings").ToDictionary(JsonFields.NameOf, member => (IReadOnlyList<string>)[.. member.Value.EnumerateArray().Select(value => value.GetString() ?? "")]),
                    line.Text("change"));
                break;
            default:
                break;
        }

        if (line.Field("row") is { } row && PlaybookEvent.Read(row) is { } read)
        {
            seq = Math.Max(seq, read.Seq);
            timeline.Append(read);
        }
    }

    private void Write(JsonObject line, RowFacts? facts)
    {
        PlaybookEvent? row = null;
        lock (gate)
        {
            if (facts is not null)
            {
                row = RowOf(facts);
                using MemoryStream text = new();
                using (Utf8JsonWriter json = new(text))
                {
                    row.Write(json);
                }

                line["row"] = JsonNode.Parse(text.ToArray());
            }

            file.Append(line);
            if (row is not null)
            {
                timeline.Append(row);
            }
        }

        if (row is not null)
        {
            tell(row);
        }
    }

    private PlaybookEvent RowOf(RowFacts facts)
    {
        ClockFacts clock = ClockFacts.Read();
        return new PlaybookEvent
        {
            Seq = ++seq,
            UtcNs = clock.RealtimeNs,
            MonotonicNs = clock.MonotonicNs,
            ClockState = clock.IsSynchronised switch { true => $"synchronised ({clock.SyncState})", false => $"not synchronised ({clock.SyncState})", null => $"not known ({clock.SyncState})" },
            CaseId = request.CaseId,
            RunId = file.RunId,
            Playbook = playbook.Slug,
            PlaybookSha256 = playbook.Sha256,
            Step = facts.Step,
            Event = facts.Event,
            Actor = facts.Actor ?? request.Operator.Name,
            ActorAuth = facts.ActorAuth ?? request.Operator.Auth,
            Host = request.Operator.Host,
            Terminal = request.Operator.Terminal,
            SshClient = request.Operator.SshClient,
            Target = request.Container,
            Command = facts.Command,
            Result = facts.Result,
            EvidenceRefs = facts.Refs,
            Tags = facts.Tags,
            IsExercise = request.IsExercise,
        };
    }
}

/// <summary>What a row says beside who, when and where.</summary>
internal sealed record RowFacts(string Step, string Event, string Result)
{
    public IReadOnlyList<string> Command { get; init; } = [];

    public IReadOnlyList<string> Refs { get; init; } = [];

    public IReadOnlyList<string> Tags { get; init; } = [];

    public string? Actor { get; init; }

    public string? ActorAuth { get; init; }
}
