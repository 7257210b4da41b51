using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>
/// Findings in STIX 2.1: observed-data of the object they rest on, a sighting of each technique (attack-pattern) in it, and a note with the values, the reason and the
/// next step. One the allow-list suppresses is a note with the label <c>suppressed</c> and no sighting.
/// </summary>
/// <param name="bundle">The bundle.</param>
/// <param name="json">Stands in the array of objects.</param>
/// <param name="identity">Who made them.</param>
/// <param name="made">When, as STIX writes it.</param>
internal sealed class StixFindings(VerifiedBundle bundle, Utf8JsonWriter json, string identity, string made)
{
    private readonly HashSet<string> written = [];

    /// <summary>Writes all.</summary>
    /// <param name="findings">The findings.</param>
    /// <param name="objects">Ids of the objects that stand for rows; null where a row has none.</param>
    public void Write(IEnumerable<Finding> findings, IReadOnlyDictionary<(string Item, long Row), string?> objects)
    {
        Dictionary<string, SealedItem> items = bundle.Record.Items.DistinctBy(item => item.Path).ToDictionary(item => item.Path);
        foreach (Finding finding in findings)
        {
            FindingPlace where = finding.Where;
            string key = $"{where.Item}\n{where.Row}\n{where.Offset}\n{finding.Fingerprint}";
            string seenIn = (where.Row is { } row ? objects.GetValueOrDefault((where.Item, row)) : null) ?? WriteItem(where.Item, items.GetValueOrDefault(where.Item));
            string at = items.TryGetValue(where.Item, out SealedItem? item) ? Rfc3339.Format(item.OpenedAtNs) : made;
            string observed = Own("observed-data", "finding\n" + key);
            Begin("observed-data", observed);
            json.WriteString("first_observed", at);
            json.WriteString("last_observed", at);
            json.WriteNumber("number_observed", 1);
            Refs("object_refs", [seenIn]);
            json.WriteEndObject();
            WriteNote(finding, key, observed);
            foreach (string technique in finding.SuppressedBy is null ? finding.Rule.Techniques : [])
            {
                WriteSighting(technique, key, observed, at);
            }
        }
    }

    private void WriteNote(Finding finding, string key, string observed)
    {
        string place = finding.Where.Row is { } row ? $"{finding.Where.Item} row {row}" : finding.Where.Item;
        Begin("note", Own("note", key));
        json.WriteString("abstract", $"{finding.Rule.Id} {finding.Rule.Title}");
        json.WriteString(
            "content",
            $"Severity {FindingWords.Of(finding.Severity)}. Seen in {DisplayText.Escape(place)}: {FindingWords.Seen(finding)}. Why it matters: {finding.Rule.Why} Known false positives: {finding.Rule.FalsePositives} "
            + $"Next step: {finding.Rule.NextStep} Playbook: {finding.Playbook}.{(finding.SuppressedBy is { } entry ? $" Suppressed by the allow-list: {entry}." : "")}");
        json.WriteStartArray("labels");
        json.WriteStringValue("severity-" + FindingWords.Of(finding.Severity));
        if (finding.SuppressedBy is not null)
        {
            json.WriteStringValue("suppressed");
        }

        json.WriteEndArray();
        Refs("object_refs", [observed]);
        json.WriteEndObject();
    }

    private void WriteSighting(string technique, string key, string observed, string at)
    {
        string pattern = $"attack-pattern--{NameUuid.Make(NameUuid.Own, "attack-pattern\n" + technique):D}";
        if (written.Add(pattern))
        {
            Begin("attack-pattern", pattern);
            json.WriteString("name", technique);
            json.WriteStartArray("external_references");
            json.WriteStartObject();
            json.WriteString("source_name", "mitre-attack");
            json.WriteString("external_id", technique);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        Begin("sighting", Own("sighting", key + "\n" + technique));
        json.WriteString("first_seen", at);
        json.WriteString("last_seen", at);
        json.WriteNumber("count", 1);
        json.WriteString("sighting_of_ref", pattern);
        Refs("observed_data_refs", [observed]);
        Refs("where_sighted_refs", [identity]);
        json.WriteEndObject();
    }

    /// <summary>The item itself, for what is of no row that is an object.</summary>
    private string WriteItem(string path, SealedItem? item)
    {
        string id = Own("file", "item\n" + path);
        if (written.Add(id))
        {
            json.WriteStartObject();
            json.WriteString("type", "file");
            json.WriteString("spec_version", "2.1");
            json.WriteString("id", id);
            json.WriteString("name", DisplayText.Escape(path[(path.LastIndexOf('/') + 1)..]) is { Length: > 0 } name ? name : "unknown");
            if (item is not null)
            {
                json.WriteNumber("size", item.StoredBytes);
                json.WriteStartObject("hashes");
                json.WriteString("SHA-256", item.Sha256);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return id;
    }

    private void Begin(string type, string id)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteString("spec_version", "2.1");
        json.WriteString("id", id);
        json.WriteString("created_by_ref", identity);
        json.WriteString("created", made);
        json.WriteString("modified", made);
    }

    private void Refs(string name, IReadOnlyList<string> ids)
    {
        json.WriteStartArray(name);
        foreach (string id in ids)
        {
            json.WriteStringValue(id);
        }

        json.WriteEndArray();
    }

    private string Own(string type, string key) => $"{type}--{NameUuid.Make(NameUuid.Own, $"{bundle.Record.BundleId}\n{type}\n{key}"):D}";
}
