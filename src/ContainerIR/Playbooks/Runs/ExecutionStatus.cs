using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContainerIR.Rows;

namespace ContainerIR.Playbooks.Runs;

/// <summary>A run as other orchestrators report one: an <c>execution_status</c> object in the shape SOARCA's reporter gives (CACAO itself defines none).</summary>
internal static class ExecutionStatus
{
    /// <summary>Makes the object.</summary>
    /// <param name="lines">Lines of the run's file.</param>
    /// <param name="playbook">The playbook that ran.</param>
    public static JsonObject Of(IReadOnlyList<JsonElement> lines, Playbook playbook)
    {
        PlaybookEvent[] rows = [.. lines.Select(line => line.Field("row")).OfType<JsonElement>().Select(PlaybookEvent.Read).OfType<PlaybookEvent>()];
        JsonElement end = lines.LastOrDefault(line => line.Text("kind") == "end");
        string? outcome = end.ValueKind == JsonValueKind.Object ? end.Text("outcome") : null;
        JsonObject results = [];
        foreach (IGrouping<string, PlaybookEvent> step in rows.Where(row => row.Step.Length > 0).GroupBy(row => row.Step))
        {
            results[step.Key] = StepOf(step, playbook);
        }

        return new JsonObject
        {
            ["type"] = "execution_status",
            ["execution_id"] = rows.FirstOrDefault()?.RunId,
            ["playbook_id"] = playbook.Id,
            ["name"] = playbook.Name,
            ["playbook_sha256"] = playbook.Sha256,
            ["exercise"] = rows.FirstOrDefault()?.IsExercise ?? false,
            ["started"] = rows.FirstOrDefault() is { } first ? Rfc3339.Format(first.UtcNs) : null,
            ["ended"] = outcome is null ? null : Rfc3339.Format(rows[^1].UtcNs),
            ["status"] = outcome switch { "completed" => "successfully_executed", "failed" => "failed", _ => "ongoing" },
            ["status_text"] = outcome is null ? "not ended" : end.Text("why") ?? "the playbook ran to its end",
            ["step_results"] = results,
        };
    }

    private static JsonObject StepOf(IEnumerable<PlaybookEvent> rows, Playbook playbook)
    {
        PlaybookEvent first = rows.First(), last = rows.Last();
        string source = first.Step.Split('/')[^1].Split('#')[0];
        PlaybookEvent? command = rows.FirstOrDefault(row => row.Command.Count > 0);
        return new JsonObject
        {
            ["step_id"] = playbook.Steps.Values.FirstOrDefault(step => step.SourceId == source || step.SourceId == first.Step)?.Id,
            ["started"] = Rfc3339.Format(first.UtcNs),
            ["ended"] = Rfc3339.Format(last.UtcNs),
            ["status"] = last.Event switch
            {
                "failed" => "failed",
                "refused" => "not_executed",
                "started" => "ongoing",
                "asked" => "await_user_input",
                _ => "successfully_executed",
            },
            ["status_text"] = last.Result,
            ["executed_by"] = new JsonArray([.. rows.Select(row => row.Actor).Distinct().Select(actor => (JsonNode)actor)]),
            ["commands_b64"] = command is null ? [] : new JsonArray(Convert.ToBase64String(Encoding.UTF8.GetBytes(string.Join(' ', command.Command)))),
            ["automated_execution"] = rows.All(row => row.ActorAuth != "login" || row.Event == "started"),
        };
    }
}
