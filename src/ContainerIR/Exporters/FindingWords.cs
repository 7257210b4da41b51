using System.Text.Json;
using ContainerIR.Analyzers;

namespace ContainerIR.Exporters;

/// <summary>How the formats word a finding.</summary>
internal static class FindingWords
{
    public static string Of(Severity severity) => severity.ToString().ToLowerInvariant();

    /// <summary>1 to 99, in the bands of ECS detection rules: low to 46, medium to 72, high to 98.</summary>
    public static int Percent(Severity severity) => severity switch
    {
        Severity.Critical => 99,
        Severity.High => 73,
        Severity.Medium => 47,
        Severity.Low => 21,
        _ => 1,
    };

    /// <summary>What was seen, in one line.</summary>
    public static string Seen(Finding finding) => string.Join("; ", finding.Seen.Select(value => $"{value.Name}: {value.Text}"));

    /// <summary>Writes the values as <c>seen</c>: name, display form, exact bytes where they differ.</summary>
    public static void WriteSeen(Utf8JsonWriter json, Finding finding)
    {
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
    }
}
