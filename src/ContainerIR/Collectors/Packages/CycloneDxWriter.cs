using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Collectors.Packages;

/// <summary>Writes a software bill of materials in the form CycloneDX 1.6 (ECMA-424), JSON.</summary>
internal static class CycloneDxWriter
{
    /// <summary>Writes the document.</summary>
    /// <param name="json">Gets one object.</param>
    /// <param name="subject">The container.</param>
    /// <param name="packages">Its packages.</param>
    public static void Write(Utf8JsonWriter json, SbomSubject subject, IReadOnlyList<SbomPackage> packages)
    {
        json.WriteStartObject();
        json.WriteString("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
        json.WriteString("bomFormat", "CycloneDX");
        json.WriteString("specVersion", "1.6");
        json.WriteString("serialNumber", $"urn:uuid:{subject.SerialNumber:D}");
        json.WriteNumber("version", 1);
        json.WriteStartObject("metadata");
        json.WriteString("timestamp", subject.MadeAt.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
        json.WriteStartObject("tools");
        json.WriteStartArray("components");
        json.WriteStartObject();
        json.WriteString("type", "application");
        json.WriteString("name", "ContainerIR");
        json.WriteString("version", subject.ToolVersion);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartObject("component");
        json.WriteString("type", "container");
        json.WriteString("bom-ref", "container");
        json.WriteString("name", DisplayText.Escape(subject.ContainerName));
        json.WriteString("version", DisplayText.Escape(subject.ImageId));
        WriteProperties(json, [("containerir:container-id", subject.ContainerId), ("containerir:image-name", subject.ImageName)]);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartArray("components");
        if (subject.Distribution.Length > 0)
        {
            json.WriteStartObject();
            json.WriteString("type", "operating-system");
            json.WriteString("bom-ref", "os");
            json.WriteString("name", DisplayText.Escape(subject.Distribution));
            if (subject.DistributionVersion.Length > 0)
            {
                json.WriteString("version", DisplayText.Escape(subject.DistributionVersion));
            }

            json.WriteEndObject();
        }

        for (int i = 0; i < packages.Count; i++)
        {
            WritePackage(json, packages[i], i + 1);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WritePackage(Utf8JsonWriter json, SbomPackage package, int number)
    {
        FoundPackage found = package.Package;
        json.WriteStartObject();
        json.WriteString("type", "library");
        json.WriteString("bom-ref", string.Create(CultureInfo.InvariantCulture, $"package-{number}"));
        string name = found.Name;
        if (found.Kind == "maven" && name.Split(':', 2) is [var group, var artifact])
        {
            json.WriteString("group", DisplayText.Escape(group));
            name = artifact;
        }

        json.WriteString("name", DisplayText.Escape(name));
        json.WriteString("version", DisplayText.Escape(found.Version));
        json.WriteString("purl", package.Purl);
        json.WriteStartObject("evidence");
        json.WriteStartArray("occurrences");
        json.WriteStartObject();
        json.WriteString("location", found.Evidence);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        WriteProperties(
            json,
            [
                ("containerir:kind", found.Kind),
                ("containerir:origin", package.Origin),
                ("containerir:added-at-run-time", found.IsAddedAtRunTime ? "true" : "false"),
                ("containerir:layer-diff-id", package.DiffId),
                ("containerir:architecture", found.Architecture),
                ("containerir:source-package", found.Source),
                ("containerir:changed-files", package.ChangedFiles > 0 ? package.ChangedFiles.ToString(CultureInfo.InvariantCulture) : null),
            ]);
        json.WriteEndObject();
    }

    private static void WriteProperties(Utf8JsonWriter json, (string Name, string? Value)[] properties)
    {
        json.WriteStartArray("properties");
        foreach ((string name, string? value) in properties)
        {
            if (value is not null)
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                json.WriteString("value", DisplayText.Escape(value));
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
    }
}

/// <summary>What a bill of materials is of.</summary>
internal sealed record SbomSubject(
    string ContainerId, string ContainerName, string ImageId, string ImageName, string Distribution, string DistributionVersion, string ToolVersion, Guid SerialNumber, DateTimeOffset MadeAt);

/// <summary>A package of a bill of materials.</summary>
internal sealed record SbomPackage(FoundPackage Package, string Purl, string Origin, string? DiffId, int ChangedFiles);
