using System.Text.Json;
using ContainerIR.Cases;
using ContainerIR.Rows;

namespace ContainerIR.Playbooks.Actions;

/// <summary>The bundles of a case, as far as a step asks for them.</summary>
internal static class CaseBundles
{
    private const int MaxRecordBytes = 16 * 1024 * 1024;

    /// <summary>Bundles of a container (all of the case for an empty name), oldest first.</summary>
    public static IReadOnlyList<string> Of(CaseHome home, string caseId, string container)
    {
        using CaseStore store = CaseStore.OpenReadOnly(home, caseId);
        return [.. store.ListBundles()
            .Select(path => (Path: path, What: WhatOf(path)))
            .Where(bundle => container.Length == 0 || IsOf(bundle.What, container))
            .OrderBy(bundle => new DirectoryInfo(bundle.Path).CreationTimeUtc)
            .ThenBy(bundle => bundle.Path, StringComparer.Ordinal)
            .Select(bundle => bundle.Path)];
    }

    /// <summary>Whether a container of this name was replaced by another since the first bundle, and how many lives (start times) the bundles saw.</summary>
    public static (bool Replaced, int Lives) LivesOf(CaseHome home, string caseId, string container)
    {
        (string? Id, string? StartedAt)[] seen = [.. Of(home, caseId, container).Select(WhatOf).Select(what => (what.Id, what.StartedAt))];
        return (seen.Select(life => life.Id).Distinct().Count() > 1, seen.Distinct().Count());
    }

    private static bool IsOf((string? Id, string? Name, string? StartedAt) what, string container) =>
        what.Name == container.TrimStart('/') || (container.Length >= 4 && what.Id?.StartsWith(container, StringComparison.Ordinal) == true);

    private static (string? Id, string? Name, string? StartedAt) WhatOf(string bundle)
    {
        try
        {
            using FileStream file = new(Path.Combine(bundle, "custody.json"), FileMode.Open, FileAccess.Read);
            if (file.Length > MaxRecordBytes)
            {
                return default;
            }

            using JsonDocument document = JsonDocument.Parse(file);
            JsonElement what = document.RootElement.Object("record").Object("what");
            return (what.Text("container_id"), what.Text("name")?.TrimStart('/'), what.Text("started_at"));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            // An interrupted bundle has no record: it is of no container yet.
            return default;
        }
    }
}
