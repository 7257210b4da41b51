using System.Globalization;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Runtimes;

/// <summary>What a list says of a container: enough to choose it by.</summary>
internal sealed record ContainerCandidate(string Id, string Name, string ImageName, ContainerState State);

/// <summary>
/// Chooses the one container a person means. Order, as the docker command has it: full id, then exact name, then id prefix. So a container named like the
/// start of another's id is found by its name, and a full id always means itself.
/// </summary>
internal static class ContainerMatch
{
    private const int MaxNamed = 10;
    private const int MaxNameCharacters = 64;

    /// <summary>Finds it.</summary>
    /// <exception cref="OperatorException">Several match: all are named. None matches: the closest are.</exception>
    public static ContainerCandidate Find(string idOrName, IReadOnlyList<ContainerCandidate> all)
    {
        string text = idOrName.Trim().TrimStart('/');
        string digits = text.StartsWith("sha256:", StringComparison.Ordinal) ? text["sha256:".Length..].ToLowerInvariant() : text.ToLowerInvariant();
        ContainerCandidate? exact = all.FirstOrDefault(one => one.Id == digits) ?? all.FirstOrDefault(one => one.Name == text && text.Length > 0);
        if (exact is not null)
        {
            return exact;
        }

        List<ContainerCandidate> matches = digits.Length > 0 ? [.. all.Where(one => one.Id.StartsWith(digits, StringComparison.Ordinal))] : [];
        string shown = DisplayText.Shorten(text, MaxNameCharacters);
        return matches.Count switch
        {
            1 => matches[0],
            > 1 => throw new OperatorException(
                $"{shown} is the start of {matches.Count} container ids:{Lines(matches)}",
                "Type more digits of the id, or the name."),
            _ => throw new OperatorException(
                all.Count == 0
                    ? $"There is no container {shown}: the engine has none at all."
                    : $"There is no container {shown}. Closest:{Lines(Closest(text, all))}",
                "List them all, also the stopped ones: cir containers"),
        };
    }

    private static string Lines(List<ContainerCandidate> candidates)
    {
        IEnumerable<string> lines = candidates.Take(MaxNamed).Select(one =>
            $"\n  {one.Id[..Math.Min(12, one.Id.Length)]}  {DisplayText.Shorten(one.Name, MaxNameCharacters)}  {DisplayText.Shorten(one.ImageName, MaxNameCharacters)}  {one.State.ToString().ToLowerInvariant()}");
        string more = candidates.Count > MaxNamed ? string.Create(CultureInfo.InvariantCulture, $"\n  and {candidates.Count - MaxNamed} more") : "";
        return string.Concat(lines) + more;
    }

    private static List<ContainerCandidate> Closest(string text, IReadOnlyList<ContainerCandidate> all) =>
        [.. all.OrderBy(one => Math.Min(Distance(text, one.Name), Distance(text, one.Id[..Math.Min(text.Length, one.Id.Length)]))).ThenBy(one => one.Name, StringComparer.Ordinal).Take(3)];

    /// <summary>Edits from one text to the other; a name that holds the text is close.</summary>
    private static int Distance(string wanted, string name) =>
        wanted.Length > 0 && name.Contains(wanted, StringComparison.OrdinalIgnoreCase) ? 1 : Spelling.Distance(wanted, name);
}
