using System.Text.Json;
using System.Text.RegularExpressions;
using ContainerIR.Rows;
using Xunit;

namespace ContainerIR.Tests.Collectors.Packages;

/// <summary>
/// The rules of bom-1.6.schema.json for what we write of it, as code: there is no validator of JSON Schema among our packages. The schema itself is applied by
/// tests/schemas/check-cyclonedx.sh where npm is.
/// </summary>
internal static partial class CycloneDxRules
{
    private static readonly string[] Root = ["$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components"];
    private static readonly string[] Component = ["type", "bom-ref", "group", "name", "version", "purl", "evidence", "properties"];

    public static void Check(byte[] document)
    {
        using JsonDocument sbom = JsonDocument.Parse(document);
        JsonElement root = sbom.RootElement;
        OnlyHas(root, Root);
        Assert.Equal(("http://cyclonedx.org/schema/bom-1.6.schema.json", "CycloneDX", "1.6"), (root.Text("$schema"), root.Text("bomFormat"), root.Text("specVersion")));
        Assert.Matches(Serial(), root.Text("serialNumber"));
        Assert.True(root.Number("version") >= 1);
        Assert.True(root.Object("metadata").GetProperty("timestamp").TryGetDateTimeOffset(out _));
        List<JsonElement> components = [.. root.Items("components"), root.Object("metadata").Object("component")];
        Assert.Equal(components.Count, components.Select(component => component.Text("bom-ref")).Distinct().Count());
        foreach (JsonElement component in components)
        {
            OnlyHas(component, Component);
            Assert.Contains(component.Text("type"), new[] { "library", "application", "container", "operating-system" });
            Assert.NotEmpty(component.Text("name")!);
            Assert.All(component.Items("properties"), property => OnlyHas(property, ["name", "value"]));
            Assert.All(component.Object("evidence").Items("occurrences"), occurrence => Assert.NotNull(occurrence.Text("location")));
        }
    }

    private static void OnlyHas(JsonElement element, string[] names) => Assert.All(element.EnumerateObject(), member => Assert.Contains(member.Name, names));

    [GeneratedRegex("^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    private static partial Regex Serial();
}
