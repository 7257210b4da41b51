using System.Globalization;
using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Exporters;

/// <summary>
/// Findings as SARIF 2.1.0 (OASIS): every rule with its help, every result with the item and row it rests on, a fingerprint that stays the same from bundle to
/// bundle, and what the allow-list expects as suppressed.
/// </summary>
internal sealed class SarifExporter : IExporter
{
    private const string BaseId = "BUNDLE";

    public string Name => "sarif";

    public string Description => "findings of triage as SARIF 2.1.0";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        TriageReport triage = bundle.Triage(ct);
        List<Finding> findings = [.. bundle.Findings(ct)];
        List<Rule> rules = [.. findings.Select(finding => finding.Rule).DistinctBy(rule => rule.Id).OrderBy(rule => rule.Id, StringComparer.Ordinal)];
        List<string> items = [.. findings.Select(finding => finding.Where.Item).Distinct().Order(StringComparer.Ordinal)];
        using DerivedFile file = folder.Create("findings.sarif");
        using Utf8JsonWriter json = new(file, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json");
        json.WriteString("version", "2.1.0");
        json.WriteStartArray("runs");
        json.WriteStartObject();
        WriteTool(json, bundle, rules);
        WriteRun(json, bundle, triage);
        WriteArtifacts(json, bundle, items);
        json.WriteStartArray("results");
        foreach (Finding finding in findings)
        {
            WriteResult(json, bundle, finding, rules.FindIndex(rule => rule.Id == finding.Rule.Id), items.IndexOf(finding.Where.Item));
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTool(Utf8JsonWriter json, VerifiedBundle bundle, List<Rule> rules)
    {
        json.WriteStartObject("tool");
        json.WriteStartObject("driver");
        json.WriteString("name", "ContainerIR");
        json.WriteString("version", DisplayText.Escape(bundle.Record.ToolVersion ?? "unknown"));
        json.WriteStartArray("rules");
        foreach (Rule rule in rules)
        {
            json.WriteStartObject();
            json.WriteString("id", rule.Id);
            Text(json, "shortDescription", rule.Title + ".");
            Text(json, "fullDescription", rule.Why);
            Text(json, "help", $"Why it matters: {rule.Why} Known false positives: {rule.FalsePositives} Next step: {rule.NextStep} Playbook: {PlaybookOfRule.Of(rule.Id)}.");
            json.WriteStartObject("defaultConfiguration");
            json.WriteString("level", LevelOf(rule.Severity));
            json.WriteEndObject();
            json.WriteStartObject("properties");
            json.WriteString("security-severity", (FindingWords.Percent(rule.Severity) / 10m).ToString("0.0", CultureInfo.InvariantCulture));
            json.WriteStartArray("tags");
            json.WriteStringValue("security");
            foreach (string technique in rule.Techniques)
            {
                json.WriteStringValue("attack." + technique.ToLowerInvariant());
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteRun(Utf8JsonWriter json, VerifiedBundle bundle, TriageReport triage)
    {
        json.WriteStartObject("automationDetails");
        json.WriteString("id", $"containerir/triage/{bundle.Name}");
        json.WriteString("guid", NameUuid.Make(NameUuid.Own, $"{bundle.Record.BundleId}\nsarif").ToString("D"));
        json.WriteEndObject();
        json.WriteStartArray("invocations");
        json.WriteStartObject();
        json.WriteBoolean("executionSuccessful", true);
        json.WriteStartArray("toolExecutionNotifications");
        foreach (string what in triage.NotExamined.Concat(triage.LeftOut.OrderBy(each => each.Key, StringComparer.Ordinal).Select(each => $"{each.Key}: {each.Value} more findings are not listed")))
        {
            json.WriteStartObject();
            json.WriteString("level", "note");
            Text(json, "message", "Not examined: " + what);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteStartObject("originalUriBaseIds");
        json.WriteStartObject(BaseId);
        Text(json, "description", $"The folder of the sealed bundle {DisplayText.Escape(bundle.Record.BundleId)}, SHA-256 of its tag manifest {bundle.RootSha256}.");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartObject("properties");
        json.WriteString("bundleId", DisplayText.Escape(bundle.Record.BundleId));
        json.WriteString("rootSha256", bundle.RootSha256);
        json.WriteString("containerId", triage.ContainerId);
        json.WriteString("containerName", triage.ContainerName);
        json.WriteString("image", triage.Image);
        json.WriteString("host", DisplayText.Escape(bundle.Record.Host ?? "unknown"));
        json.WriteNumber("score", triage.Score);
        json.WriteEndObject();
    }

    private static void WriteArtifacts(Utf8JsonWriter json, VerifiedBundle bundle, List<string> items)
    {
        json.WriteStartArray("artifacts");
        foreach (string path in items)
        {
            json.WriteStartObject();
            Location(json, "location", path, null);
            if (bundle.Record.Items.FirstOrDefault(item => item.Path == path) is { } item)
            {
                json.WriteNumber("length", item.StoredBytes);
                json.WriteStartObject("hashes");
                json.WriteString("sha-256", item.Sha256);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteResult(Utf8JsonWriter json, VerifiedBundle bundle, Finding finding, int rule, int item)
    {
        json.WriteStartObject();
        json.WriteString("ruleId", finding.Rule.Id);
        json.WriteNumber("ruleIndex", rule);
        json.WriteString("guid", NameUuid.Make(NameUuid.Own, $"{bundle.Record.BundleId}\nfinding\n{finding.Where.Item}\n{finding.Where.Row}\n{finding.Where.Offset}\n{finding.Fingerprint}").ToString("D"));
        json.WriteString("level", LevelOf(finding.Severity));
        json.WriteNumber("rank", FindingWords.Percent(finding.Severity));
        Text(json, "message", $"{finding.Rule.Title}. {FindingWords.Seen(finding)}.");
        json.WriteStartArray("locations");
        json.WriteStartObject();
        json.WriteStartObject("physicalLocation");
        Location(json, "artifactLocation", finding.Where.Item, item);
        if (finding.Where.Row is { } row and <= int.MaxValue)
        {
            json.WriteStartObject("region");
            json.WriteNumber("startLine", row);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteStartArray("logicalLocations");
        json.WriteStartObject();
        json.WriteString("name", DisplayText.Escape(bundle.Record.ContainerName ?? "unknown"));
        json.WriteString("fullyQualifiedName", DisplayText.Escape($"{bundle.Record.Host ?? "unknown"}/{bundle.Record.ContainerId ?? "unknown"}"));
        json.WriteString("kind", "container");
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteStartObject("partialFingerprints");
        json.WriteString("containerirFinding/v1", finding.Fingerprint);
        json.WriteEndObject();
        json.WriteStartArray("suppressions");
        if (finding.SuppressedBy is { } entry)
        {
            json.WriteStartObject();
            json.WriteString("kind", "external");
            json.WriteString("status", "accepted");
            json.WriteString("justification", entry);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("properties");
        json.WriteString("severity", FindingWords.Of(finding.Severity));
        if (finding.LoweredBy is { } why)
        {
            json.WriteString("loweredBy", why);
        }

        if (finding.Where.Offset is { } offset)
        {
            json.WriteNumber("offset", offset);
        }

        json.WriteString("playbook", finding.Playbook);
        FindingWords.WriteSeen(json, finding);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Text(Utf8JsonWriter json, string name, string text)
    {
        json.WriteStartObject(name);
        json.WriteString("text", text);
        json.WriteEndObject();
    }

    /// <summary>A path of the bundle as a relative reference (RFC 3986): its parts are percent-encoded bytes.</summary>
    private static void Location(Utf8JsonWriter json, string name, string path, int? index)
    {
        json.WriteStartObject(name);
        json.WriteString("uri", string.Join('/', path.Split('/').Select(Uri.EscapeDataString)));
        json.WriteString("uriBaseId", BaseId);
        if (index is { } known)
        {
            json.WriteNumber("index", known);
        }

        json.WriteEndObject();
    }

    private static string LevelOf(Severity severity) => severity switch
    {
        Severity.Critical or Severity.High => "error",
        Severity.Medium => "warning",
        _ => "note",
    };
}
