using System.Text.Json;
using ContainerIR.Acquisitions;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Collectors;
using ContainerIR.Exporters;
using ContainerIR.Tests.Collectors.Packages;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Exporters;

/// <summary>The bill of materials of a container with packages of several kinds.</summary>
public sealed class A_bill_of_materials(DebianApplication application) : IClassFixture<DebianApplication>
{
    [Fact]
    public async Task Is_valid_by_its_own_schema_and_names_what_came_later()
    {
        using SomeAcquisition acquisition = new();
        AcquisitionResult result = await acquisition.RunAsync(new()
        {
            Container = application.Container.Id,
            CaseId = SomeAcquisition.CaseId,
            Profile = Profile.Standard,
            Endpoint = RealEngine.Endpoint,
            Skip = ["network", "processes", "host-context", "layers", "logs"],
        });
        HandoutSource source = await HandoutSource.OpenAsync(new CaseHome(acquisition.Folder), result.BundlePath, AllowList.None, CancellationToken.None);

        ExportResult bag = await ExportRun.RunAsync(new CycloneDxExporter(), source, Path.Combine(acquisition.Folder, "out"), "test", TimeProvider.System, CancellationToken.None);

        Assert.Empty(bag.LeftOut);
        string file = Directory.EnumerateFiles(Path.Combine(bag.Folder, "data"), "*", SearchOption.AllDirectories).Single();
        JsonElement root = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        Assert.Equal(("CycloneDX", "1.6"), (root.GetProperty("bomFormat").GetString(), root.GetProperty("specVersion").GetString()));
        Dictionary<string, bool> components = root.GetProperty("components").EnumerateArray().GroupBy(each => $"{each.GetProperty("name").GetString()} {(each.TryGetProperty("version", out JsonElement version) ? version.GetString() : "")}")
            .ToDictionary(each => each.Key, each => each.Any(one => one.TryGetProperty("properties", out JsonElement properties) && properties.EnumerateArray().Any(property => property.GetProperty("name").GetString() == "containerir:added-at-run-time" && property.GetProperty("value").GetString() == "true")));
        Assert.All((string[])["app-package 1.2-3", "left-pad 1.3.0", "Flask_X 2.1", "rake 13.0.6"], name => Assert.Contains(name, components));
        Assert.False(components["app-package 1.2-3"]);
        Assert.True(components["late-package 0.9"]);
        Assert.True(components.Count > 60, $"{components.Count} packages of a Debian");
        FormatCheck.CycloneDx(file);
    }
}
