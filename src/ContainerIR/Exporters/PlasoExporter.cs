using System.Globalization;
using System.Text.Json;
using ContainerIR.Cases;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>
/// Files laid out as on a host, so that <c>log2timeline.py DIR</c> finds them by its own rules: the engine's log and configuration files below the path they
/// had, decompressed, byte for byte; and the bodyfile.
/// </summary>
internal sealed class PlasoExporter : IExporter
{
    private const int MaxPathCharacters = 400;

    public string Name => "plaso";

    public string Description => "log files below the paths they had, and a bodyfile: for log2timeline.py";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        HashSet<string> taken = [];
        Dictionary<string, string> hostPaths = PathsOfLogs(bundle);
        foreach (SealedItem item in bundle.Record.Items)
        {
            ct.ThrowIfCancellationRequested();
            if (HostPathOf(item, hostPaths) is { } path)
            {
                string place = Place(path, taken);
                using DerivedFile copy = folder.Create("root/" + place);
                RawCopy.Write(bundle, item, copy, ct);
            }
        }

        using DerivedFile body = folder.Create("mactime.body");
        MactimeExporter.Write(bundle, body, ct);
    }

    /// <summary>Item names of logs and the host paths logs.json gives for them.</summary>
    private static Dictionary<string, string> PathsOfLogs(VerifiedBundle bundle)
    {
        using JsonDocument? logs = bundle.Document("logs", "logs.json");
        Dictionary<string, string> paths = [];
        foreach (JsonElement file in logs?.RootElement.Items("files") ?? [])
        {
            if (file.Text("item") is { } item && file.Text("path") is { } path)
            {
                paths[item] = path;
            }
        }

        return paths;
    }

    private static string? HostPathOf(SealedItem item, Dictionary<string, string> logs)
    {
        // The item's path is data/NNNN-collector/NAME; logs.json names it NAME.
        string name = string.Join('/', item.Path.Split('/').Skip(2));
        return item.Status is "lost" or "refused" ? null
            : item.Collector == "logs" && logs.TryGetValue(name, out string? path) ? path
            : item.Collector == "configuration" && name.StartsWith("engine/", StringComparison.Ordinal) && item.Source.StartsWith('/') ? item.Source
            : null;
    }

    /// <summary>A path of harmless characters, once each. It came from a bundle, and a bundle comes from anybody.</summary>
    private static string Place(string hostPath, HashSet<string> taken)
    {
        string[] parts = [.. hostPath.Split('/', StringSplitOptions.RemoveEmptyEntries)
            .Select(part => string.Concat(part.Take(200).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-')))
            .Where(part => part.Trim('.').Length > 0)];
        string path = string.Join('/', parts);
        path = path.Length is > 0 and <= MaxPathCharacters ? path : "unnamed";
        string place = path;
        for (int i = 2; !taken.Add(place); i++)
        {
            place = string.Create(CultureInfo.InvariantCulture, $"{path}.{i}");
        }

        return place;
    }
}
