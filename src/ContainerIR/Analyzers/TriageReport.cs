using System.Text.Json;

namespace ContainerIR.Analyzers;

/// <summary>What triage of one bundle gave.</summary>
public sealed record TriageReport
{
    private const int HighestScore = 100;

    /// <summary>Name and id of the container, image as the sealed record words them, display form.</summary>
    public required string ContainerName { get; init; }

    /// <summary>Its full id.</summary>
    public required string ContainerId { get; init; }

    /// <summary>Its image.</summary>
    public required string Image { get; init; }

    /// <summary>The bundle's UUID.</summary>
    public required string BundleId { get; init; }

    /// <summary>SHA-256 of the bundle's tag manifest: which bytes the findings are about.</summary>
    public required string RootSha256 { get; init; }

    /// <summary>Worst first.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>What is in no finding because it could not be read or was never collected.</summary>
    public required IReadOnlyList<string> NotExamined { get; init; }

    /// <summary>Findings of a rule that were left out after the first fifty, by rule.</summary>
    public required IReadOnlyDictionary<string, int> LeftOut { get; init; }

    /// <summary>How many rules of files beside the catalogue's were held against the bundle.</summary>
    public int RulesRun { get; init; }

    /// <summary>Rules of files that could not be run, and what of the others can never be true.</summary>
    public IReadOnlyList<RuleNote> RuleNotes { get; init; } = [];

    /// <summary>0 to 100: for each technique the weightiest finding (critical 40, high 20, medium 8, low 3), added up and cut at 100. What an allow-list suppresses does not count.</summary>
    public int Score => Math.Min(HighestScore, Counted.GroupBy(finding => finding.Rule.Techniques is [var main, ..] ? main : finding.Rule.Id).Sum(group => group.Max(finding => WeightOf(finding.Severity))));

    /// <summary>The severity of the worst finding; null when there is none.</summary>
    public Severity? Worst => Counted.Any() ? Counted.Max(finding => finding.Severity) : null;

    /// <summary>Findings no allow-list suppresses.</summary>
    public IEnumerable<Finding> Counted => Findings.Where(finding => finding.SuppressedBy is null);

    /// <summary>Only what is at least this bad. The score is that of what is left.</summary>
    public TriageReport AtLeast(Severity severity) => this with { Findings = [.. Findings.Where(finding => finding.Severity >= severity)] };

    /// <summary>Writes the findings document.</summary>
    public void Write(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteStartObject();
        json.WriteString("schema", "containerir-findings/1");
        json.WriteString("bundle_id", BundleId);
        json.WriteString("root_sha256", RootSha256);
        json.WriteStartObject("container");
        json.WriteString("id", ContainerId);
        json.WriteString("name", ContainerName);
        json.WriteString("image", Image);
        json.WriteEndObject();
        json.WriteNumber("score", Score);
        json.WriteStartArray("findings");
        foreach (Finding finding in Findings)
        {
            WriteFinding(json, finding);
        }

        json.WriteEndArray();
        json.WriteStartObject("rules");
        json.WriteNumber("run", RulesRun);
        json.WriteStartArray("notes");
        foreach (RuleNote note in RuleNotes)
        {
            json.WriteStartObject();
            json.WriteString("file", note.File);
            json.WriteString("title", note.Title);
            json.WriteBoolean("run", note.IsRun);
            json.WriteString("reason", note.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartObject("left_out");
        foreach ((string id, int count) in LeftOut.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            json.WriteNumber(id, count);
        }

        json.WriteEndObject();
        json.WriteStartArray("not_examined");
        foreach (string what in NotExamined)
        {
            json.WriteStringValue(what);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteFinding(Utf8JsonWriter json, Finding finding)
    {
        json.WriteStartObject();
        json.WriteString("id", finding.Rule.Id);
        json.WriteString("title", finding.Rule.Title);
        json.WriteString("severity", Word(finding.Severity));
        if (finding.LoweredBy is { } why)
        {
            json.WriteString("lowered_by", why);
        }

        if (finding.SuppressedBy is { } entry)
        {
            json.WriteString("suppressed_by", entry);
        }

        json.WriteStartArray("attack");
        foreach (string technique in finding.Rule.Techniques)
        {
            json.WriteStringValue(technique);
        }

        json.WriteEndArray();
        json.WriteStartArray("seen");
        foreach (SeenValue value in finding.Seen)
        {
            json.WriteStartObject();
            json.WriteString("name", value.Name);
            json.WriteString("value", value.Text);
            if (value.Exact is { } bytes)
            {
                json.WriteBase64String("value_b64", bytes);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("where");
        json.WriteString("item", finding.Where.Item);
        if (finding.Where.Row is { } row)
        {
            json.WriteNumber("row", row);
        }

        if (finding.Where.Offset is { } offset)
        {
            json.WriteNumber("offset", offset);
        }

        json.WriteEndObject();
        json.WriteString("why", finding.Rule.Why);
        json.WriteString("false_positives", finding.Rule.FalsePositives);
        json.WriteString("next_step", finding.Rule.NextStep);
        json.WriteString("playbook", finding.Playbook);
        json.WriteEndObject();
    }

    private static string Word(Severity severity) => severity.ToString().ToLowerInvariant();

    private static int WeightOf(Severity severity) => severity switch
    {
        Severity.Critical => 40,
        Severity.High => 20,
        Severity.Medium => 8,
        Severity.Low => 3,
        _ => 0,
    };
}
