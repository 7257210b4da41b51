using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>What a bundle's journal says was done, as rows of the timeline. The opening of an item and samples of the clock are left to the journal itself.</summary>
internal static class CustodyIndex
{
    private const int MaxFields = 6;

    public static void Add(long atNs, string name, JsonElement fields, long row, IndexWriter writer)
    {
        if (name is "item.open" or "clock.sample" or "host.facts")
        {
            return;
        }

        string told = name == "item.close"
            ? $"{fields.Object("item").Text("path")} {fields.Object("item").Text("status")}"
            : string.Join(", ", Texts(fields).Take(MaxFields));
        writer.AddToTimeline(atNs, DisplayText.Shorten(name, 40), TimelineSources.Custody, $"{DisplayText.Shorten(name, 40)}: {DisplayText.Escape(told)}", row);
    }

    private static IEnumerable<string> Texts(JsonElement fields)
    {
        if (fields.ValueKind != JsonValueKind.Object)
        {
            yield break;
        }

        foreach (JsonProperty field in fields.EnumerateObject())
        {
            switch (field.Value.ValueKind)
            {
                case JsonValueKind.String:
                    yield return $"{JsonFields.NameOf(field)} {field.Value.TextOrNull()}";
                    break;
                case JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False:
                    yield return $"{JsonFields.NameOf(field)} {field.Value.GetRawText()}";
                    break;
                default:
                    break;
            }
        }
    }
}
