using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>
/// Indicators of a STIX 2.1 bundle (OASIS Standard, 10 June 2021, 4.7 and 9): observation expressions joined by OR, each of comparisons joined by OR. What asks for
/// more (AND, FOLLOWEDBY, NOT, qualifiers, other objects) is named with its reason.
/// </summary>
internal static class StixIndicators
{
    private const int MaxPatternCharacters = 100_000;

    public static Indicators Read(byte[] json)
    {
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64 });
        JsonElement root = document.RootElement;
        JsonElement[] objects = root.Text("type") == "bundle" ? [.. root.Items("objects")] : [root];
        List<Indicator> all = [];
        List<string> notUnderstood = [];
        foreach (JsonElement each in objects.Where(each => each.ValueKind == JsonValueKind.Object && each.Text("type") == "indicator"))
        {
            string name = DisplayText.Shorten(string.Join(' ', ((string?[])[each.Text("id"), each.Text("name")]).Where(part => part is { Length: > 0 })), 300);
            if (each.Text("pattern_type") is { } type && type != "stix")
            {
                notUnderstood.Add($"{name}: its pattern is {DisplayText.Shorten(type, 40)}, not stix");
            }
            else if (each.Flag("revoked"))
            {
                notUnderstood.Add($"{name}: it is revoked");
            }
            else
            {
                try
                {
                    string pattern = each.Text("pattern") is { Length: <= MaxPatternCharacters } text ? text : throw new FormatException("it has no pattern, or a longer one than is read");
                    all.Add(new Indicator(name, StixPattern.Parse(pattern)));
                }
                catch (Exception problem) when (problem is FormatException or Evidence.OperatorException)
                {
                    notUnderstood.Add($"{name}: {DisplayText.Shorten(problem.Message, 200)}");
                }
            }
        }

        if (all.Count + notUnderstood.Count == 0)
        {
            throw new JsonException("it has no object of type indicator");
        }

        return new Indicators(all, notUnderstood);
    }
}
