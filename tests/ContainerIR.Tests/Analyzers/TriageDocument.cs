using System.Text;
using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Analyzers;

/// <summary>What in docs is made from the code: compared, and made anew where CIR_APPROVE=1.</summary>
internal static class TriageDocument
{
    private static readonly bool IsApproving = Environment.GetEnvironmentVariable("CIR_APPROVE") == "1";

    /// <summary>A part of docs/triage.md between its two marks.</summary>
    public static void Holds(string part, string made)
    {
        string path = Path.Combine(Repository.Root, "docs", "triage.md"), begin = $"<!-- {part} made by CIR_APPROVE=1 -->", end = $"<!-- end of {part} -->";
        string text = File.ReadAllText(path);
        int from = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length, to = text.IndexOf(end, StringComparison.Ordinal);
        if (IsApproving)
        {
            File.WriteAllText(path, $"{text[..from]}\n\n{made.Trim()}\n\n{text[to..]}");
            return;
        }

        Assert.Equal(made.Trim(), text[from..to].Trim());
    }

    /// <summary>A whole file of docs.</summary>
    public static void IsFile(string name, string made)
    {
        string path = Path.Combine(Repository.Root, "docs", name);
        if (IsApproving)
        {
            File.WriteAllText(path, made);
            return;
        }

        Assert.Equal(made, File.ReadAllText(path));
    }
}

/// <summary>The rules as documents show them.</summary>
public sealed class The_documents_of_the_rules
{
    [Fact]
    public void Have_the_table_of_rules()
    {
        string real = File.ReadAllText(Path.Combine(Repository.Root, "tests", "ContainerIR.Tests", "Analyzers", "TriageTests.cs"));
        StringBuilder table = new("| rule | severity | what | ATT&CK | known false positives | tested | playbook |\n|---|---|---|---|---|---|---|\n");
        foreach (Rule rule in RuleList.All)
        {
            string severity = rule.Severity.ToString().ToLowerInvariant();
            string how = real.Contains($"\"{rule.Id} {severity}\"", StringComparison.Ordinal) ? "real" : "recorded";
            table.Append(System.Globalization.CultureInfo.InvariantCulture, $"| {rule.Id} | {severity} | {rule.Title} | {string.Join(", ", rule.Techniques)} | {rule.FalsePositives} | {how} | {PlaybookOfRule.Of(rule.Id)} |\n");
        }

        TriageDocument.Holds("rules", table.ToString());
    }

    /// <summary>Layer format 4.5 of the ATT&amp;CK Navigator.</summary>
    [Fact]
    public void Have_the_attack_layer()
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("name", "ContainerIR triage rules");
            json.WriteStartObject("versions");
            json.WriteString("attack", "18");
            json.WriteString("navigator", "5.1.0");
            json.WriteString("layer", "4.5");
            json.WriteEndObject();
            json.WriteString("domain", "enterprise-attack");
            json.WriteString("description", "Techniques for which a rule of the catalogue CIR-001 to CIR-062 can give a finding; the score is the number of rules.");
            json.WriteStartObject("filters");
            json.WriteStartArray("platforms");
            json.WriteStringValue("Containers");
            json.WriteStringValue("Linux");
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteStartArray("techniques");
            foreach (IGrouping<string, Rule> technique in RuleList.All.SelectMany(rule => rule.Techniques.Select(id => (id, rule))).GroupBy(each => each.id, each => each.rule).OrderBy(group => group.Key, StringComparer.Ordinal))
            {
                json.WriteStartObject();
                json.WriteString("techniqueID", technique.Key);
                json.WriteNumber("score", technique.Count());
                json.WriteString("comment", string.Join(", ", technique.Select(rule => $"{rule.Id} {rule.Title}")));
                json.WriteBoolean("enabled", true);
                json.WriteBoolean("showSubtechniques", technique.Key.Contains('.', StringComparison.Ordinal));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("gradient");
            json.WriteStartArray("colors");
            json.WriteStringValue("#ffffffff");
            json.WriteStringValue("#ff6666ff");
            json.WriteEndArray();
            json.WriteNumber("minValue", 0);
            json.WriteNumber("maxValue", 10);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        TriageDocument.IsFile("attack-layer.json", Encoding.UTF8.GetString(bytes.ToArray()) + "\n");
    }
}
