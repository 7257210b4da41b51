using System.Text.Json;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Tests.Cli;
using Xunit;

namespace ContainerIR.Tests.Exporters;

/// <summary>What triage concludes, in the forms it is handed over in.</summary>
public sealed class Findings_handed_over : IAsyncLifetime
{
    private readonly SomeTerminal terminal = new();
    private SealedBundle bundle = null!;

    public async ValueTask InitializeAsync() => bundle = await SomeHandoutBundle.MakeAsync(terminal.Folder);

    public ValueTask DisposeAsync()
    {
        terminal.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Are_sarif_whose_results_name_rule_item_and_row()
    {
        JsonElement run = JsonDocument.Parse(File.ReadAllText(await ExportAsync("sarif", "findings.sarif"))).RootElement.GetProperty("runs")[0];
        JsonElement[] results = [.. run.GetProperty("results").EnumerateArray()];
        Assert.NotEmpty(results);
        JsonElement rules = run.GetProperty("tool").GetProperty("driver").GetProperty("rules");
        JsonElement artifacts = run.GetProperty("artifacts");
        foreach (JsonElement result in results)
        {
            JsonElement rule = rules[result.GetProperty("ruleIndex").GetInt32()];
            Assert.Equal(rule.GetProperty("id").GetString(), result.GetProperty("ruleId").GetString());
            Assert.Contains("Next step", rule.GetProperty("help").GetProperty("text").GetString(), StringComparison.Ordinal);
            JsonElement location = result.GetProperty("locations")[0].GetProperty("physicalLocation").GetProperty("artifactLocation");
            Assert.Equal(location.GetProperty("uri").GetString(), artifacts[location.GetProperty("index").GetInt32()].GetProperty("location").GetProperty("uri").GetString());
            Assert.True(File.Exists(Path.Combine(bundle.Path, Uri.UnescapeDataString(location.GetProperty("uri").GetString()!))));
            Assert.Equal(64, result.GetProperty("partialFingerprints").GetProperty("containerirFinding/v1").GetString()!.Length);
            Assert.Empty(result.GetProperty("suppressions").EnumerateArray());
        }

        Assert.Contains(results, result => result.GetProperty("locations")[0].GetProperty("physicalLocation").TryGetProperty("region", out _));
        Assert.Equal(results.Length, results.Select(result => result.GetProperty("guid").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task Are_sarif_the_multitool_takes() => FormatCheck.Sarif(await ExportAsync("sarif", "findings.sarif"));

    [Fact]
    public async Task Stay_in_every_form_when_suppressed_and_are_marked()
    {
        JsonElement[] before = await LinesAsync("ecs");
        JsonElement[] alerts = [.. before.Where(line => line.GetProperty("event").GetProperty("kind").GetString() == "alert")];
        Assert.NotEmpty(alerts);
        Assert.All(alerts, alert => Assert.False(alert.GetProperty("containerir").GetProperty("finding").GetProperty("suppressed").GetBoolean()));
        string rule = alerts[0].GetProperty("rule").GetProperty("id").GetString()!;
        string allow = Path.Combine(terminal.Folder, "allow.json");
        File.WriteAllText(allow, $$"""{"schema":"containerir-allow/1","allow":[{"id":"known","reason":"reviewed","rules":["{{rule}}"]}]}""");

        JsonElement[] after = await LinesAsync("ecs", "--allow", allow);

        Assert.Equal(before.Select(IdOf).Order(), after.Select(IdOf).Order());
        JsonElement[] suppressed = [.. after.Where(line => line.TryGetProperty("rule", out JsonElement of) && of.GetProperty("id").GetString() == rule)];
        Assert.All(suppressed, each => Assert.Equal("known: reviewed", each.GetProperty("containerir").GetProperty("finding").GetProperty("suppressed_by").GetString()));
        JsonElement[] ocsf = [.. (await LinesAsync("ocsf", "--allow", allow)).Where(line => line.GetProperty("class_uid").GetInt32() == 2004)];
        Assert.Equal(alerts.Length, ocsf.Length);
        Assert.Equal(suppressed.Length, ocsf.Count(line => line.GetProperty("status_id").GetInt32() == 3));
        string stix = File.ReadAllText(await ExportAsync("stix", "stix.json", "--allow", allow));
        Assert.Equal(suppressed.Length, stix.Split("\"suppressed\"").Length - 1);
        Assert.Contains("suppressed:known: reviewed", File.ReadAllText(await ExportAsync("case-uco", "case.jsonld", "--allow", allow)), StringComparison.Ordinal);
        JsonElement sarif = JsonDocument.Parse(File.ReadAllText(await ExportAsync("sarif", "findings.sarif", "--allow", allow))).RootElement.GetProperty("runs")[0];
        Assert.Equal(suppressed.Length, sarif.GetProperty("results").EnumerateArray().Count(result => result.GetProperty("suppressions").GetArrayLength() == 1));

        static string IdOf(JsonElement line) => line.GetProperty("event").GetProperty("id").GetString()!;
    }

    private async Task<JsonElement[]> LinesAsync(string format, params string[] more) =>
        [.. File.ReadLines(await ExportAsync(format, format + ".jsonl", more)).Select(line => JsonDocument.Parse(line).RootElement)];

    private async Task<string> ExportAsync(string format, string name, params string[] more)
    {
        string place = Path.Combine(terminal.Folder, "out", Guid.NewGuid().ToString("N"));
        Assert.True(await terminal.RunAsync(["export", format, bundle.Path, "--out", place, .. more]) == 0, terminal.Error);
        return Directory.EnumerateFiles(place, name, SearchOption.AllDirectories).Single();
    }
}
