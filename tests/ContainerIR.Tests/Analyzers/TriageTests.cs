using System.Text;
using System.Text.Json;
using ContainerIR.Analyzers;
using Xunit;

namespace ContainerIR.Tests.Analyzers;

/// <summary>Triage of real containers: what must be found, what must not, and the table of both in docs/triage.md.</summary>
public sealed class Triage_of_a_container(StagedContainers staged) : IClassFixture<StagedContainers>
{
    [Theory]
    [InlineData("miner", "CIR-001 critical", "CIR-003 medium", "CIR-004 high", "CIR-045 high")]
    [InlineData("reverse shell", "CIR-007 critical")]
    [InlineData("fileless", "CIR-006 critical", "CIR-005 high", "CIR-044 high", "CIR-047 medium", "CIR-048 medium")]
    [InlineData("drift", "CIR-004 high", "CIR-040 high", "CIR-052 medium", "CIR-037 high", "CIR-039 high", "CIR-049 medium", "CIR-058 medium", "CIR-059 medium")]
    [InlineData("escape preparation", "CIR-018 high", "CIR-019 critical", "CIR-021 high", "CIR-022 high", "CIR-022 medium", "CIR-023 medium", "CIR-024 critical")]
    [InlineData("web shell", "CIR-034 high", "CIR-046 medium", "CIR-008 high", "CIR-004 high")]
    [InlineData("persistence", "CIR-026 critical", "CIR-027 high", "CIR-028 critical", "CIR-029 high", "CIR-030 high", "CIR-031 critical", "CIR-032 high", "CIR-033 medium", "CIR-035 high", "CIR-050 high", "CIR-052 medium")]
    [InlineData("log tampering", "CIR-061 critical", "CIR-053 high", "CIR-054 low", "CIR-056 high")]
    public void Finds_the_intrusion(string intrusion, params string[] expected)
    {
        string[] found = [.. staged.Reports[intrusion].Findings.Select(Short)];
        Assert.All(expected, each => Assert.Contains(each, found));
        Assert.True(staged.Reports[intrusion].Score >= 20);
    }

    [Fact]
    public void Says_nothing_above_low_of_ordinary_containers()
    {
        IEnumerable<string> alarms = StagedContainers.Ordinary.SelectMany(name => staged.Reports[name].Findings.Where(finding => finding.Severity > Severity.Low).Select(finding => $"{name}: {Short(finding)} {finding.Seen[0].Text} {finding.Seen[^1].Text}"));
        Assert.Empty(alarms);
    }

    [Theory]
    [InlineData("package installation", "CIR-004 low", "CIR-027 low", "CIR-028 low", "CIR-030 low", "CIR-033 low", "CIR-036 low", "CIR-045 low")]
    [InlineData("scheduled tasks", "CIR-030 low", "CIR-032 low")]
    [InlineData("inetd service", "CIR-007 low")]
    [InlineData("database", "CIR-043 low")]
    public void Lowers_what_looks_like_the_known_false_positive(string ordinary, params string[] expected) =>
        Assert.All(expected, each => Assert.Contains(each, staged.Reports[ordinary].Findings.Select(Short)));

    [Theory]
    [InlineData("log rotation", "CIR-053")]
    [InlineData("busybox tools", "CIR-001")]
    [InlineData("shell", "CIR-058")]
    [InlineData("web server", "CIR-034")]
    [InlineData("web server", "CIR-046")]
    [InlineData("web server", "CIR-017")]
    [InlineData("web server", "CIR-025")]
    [InlineData("web server", "CIR-057")]
    [InlineData("web server", "CIR-003")]
    [InlineData("web server", "CIR-047")]
    [InlineData("web server", "CIR-008")]
    [InlineData("database", "CIR-061")]
    [InlineData("database", "CIR-009")]
    [InlineData("database", "CIR-051")]
    [InlineData("busybox tools", "CIR-044")]
    [InlineData("scheduled tasks", "CIR-005")]
    public void Passes_over_the_known_false_positive(string ordinary, string rule) =>
        Assert.DoesNotContain(staged.Reports[ordinary].Findings, finding => finding.Rule.Id == rule);

    [Fact]
    public void Names_the_row_that_proves_each_finding() =>
        Assert.All(
            staged.Reports.Values.SelectMany(report => report.Findings),
            finding => Assert.True(finding.Seen.Count > 0 && finding.Where.Item.StartsWith("data/", StringComparison.Ordinal) && (finding.Where.Row > 0 || finding.Where.Item.EndsWith(".json", StringComparison.Ordinal))));

    [Fact]
    public void Is_the_table_of_the_document()
    {
        StringBuilder table = new("| container | score | what fired (lowered severities in brackets) |\n|---|---:|---|\n");
        foreach (string name in StagedContainers.Intrusions.Concat(StagedContainers.Ordinary))
        {
            TriageReport report = staged.Reports[name];
            IEnumerable<string> fired = report.Findings.Select(finding => finding.Severity < finding.Rule.Severity ? $"({Short(finding)})" : Short(finding)).Distinct();
            table.Append(System.Globalization.CultureInfo.InvariantCulture, $"| {name} | {report.Score} | {string.Join(", ", fired)} |\n");
        }

        TriageDocument.Holds("table", table.ToString());
    }

    [Fact]
    public void Gives_a_document_a_machine_can_read()
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            staged.Reports["miner"].Write(json);
        }

        using JsonDocument document = JsonDocument.Parse(bytes.ToArray());
        JsonElement first = document.RootElement.GetProperty("findings")[0];
        Assert.Equal("CIR-001", first.GetProperty("id").GetString());
        Assert.Equal("T1496.001", first.GetProperty("attack")[0].GetString());
        Assert.Equal(64, document.RootElement.GetProperty("root_sha256").GetString()!.Length);
        Assert.True(first.GetProperty("where").GetProperty("offset").GetInt64() >= 0);
    }

    private static string Short(Finding finding) => $"{finding.Rule.Id} {finding.Severity.ToString().ToLowerInvariant()}";
}
