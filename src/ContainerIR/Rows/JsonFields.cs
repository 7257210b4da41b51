using System.Globalization;
using System.Text.Json;

namespace ContainerIR.Rows;

/// <summary>Properties of a row, read without trust: a property of the wrong kind is a missing one.</summary>
internal static class JsonFields
{
    public static string? Text(JsonElement row, string name) =>
        row.ValueKind == JsonValueKind.Object && row.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static long? Number(JsonElement row, string name) =>
        row.ValueKind == JsonValueKind.Object && row.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number : null;

    public static bool Flag(JsonElement row, string name) =>
        row.ValueKind == JsonValueKind.Object && row.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    public static DateTimeOffset? Time(JsonElement row, string name) =>
        Text(row, name) is { } text && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out DateTimeOffset time) ? time : null;

    /// <summary>An array of objects, strings or numbers; empty when it is none.</summary>
    public static List<T> List<T>(JsonElement row, string name, Func<JsonElement, T?> take)
        where T : notnull
    {
        List<T> list = [];
        if (row.ValueKind == JsonValueKind.Object && row.TryGetProperty(name, out JsonElement array) && array.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement element in array.EnumerateArray())
            {
                if (take(element) is { } item)
                {
                    list.Add(item);
                }
            }
        }

        return list;
    }

    public static List<string> Texts(JsonElement row, string name) => List(row, name, e => e.ValueKind == JsonValueKind.String ? e.GetString() : null);

    public static List<long> Numbers(JsonElement row, string name)
    {
        List<long> numbers = [];
        List(row, name, e =>
        {
            if (e.ValueKind == JsonValueKind.Number && e.TryGetInt64(out long number))
            {
                numbers.Add(number);
            }

            return (object?)null;
        });
        return numbers;
    }

    public static JsonElement Object(JsonElement row, string name) =>
        row.ValueKind == JsonValueKind.Object && row.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Object ? value : default;
}
