using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace ContainerIR.Rows;

/// <summary>Fields of a JSON document that may be missing, of another type than promised, or hold broken text: asking never throws.</summary>
internal static class JsonFields
{
    /// <summary>A field of an object; null when it is no object, or has no such field, or it is null.</summary>
    public static JsonElement? Field(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A text field; null when missing or no text.</summary>
    public static string? Text(this JsonElement element, string name) => element.Field(name) is { } value ? value.TextOrNull() : null;

    /// <summary>The text of a string; null when it is none.</summary>
    public static string? TextOrNull(this JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate escape or broken UTF-8: its source form says more than a guess would.
            return Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(value)).Trim('"');
        }
    }

    /// <summary>A whole number, also where it is written as text; null else.</summary>
    public static long? Number(this JsonElement element, string name) => element.Field(name) switch
    {
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt64(out long number) => number,
        { ValueKind: JsonValueKind.String } value when long.TryParse(value.TextOrNull(), System.Globalization.CultureInfo.InvariantCulture, out long number) => number,
        _ => null,
    };

    /// <summary>Whether a field is true.</summary>
    public static bool Flag(this JsonElement element, string name) => element.Field(name) is { ValueKind: JsonValueKind.True };

    /// <summary>Elements of an array field; empty when missing or no array.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) =>
        element.Field(name) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray() : [];

    /// <summary>Texts of an array field; what is no text is left out.</summary>
    public static List<string> Texts(this JsonElement element, string name) => element.List(name, TextOrNull);

    /// <summary>Whole numbers of an array field; what is none is left out.</summary>
    public static List<long> Numbers(this JsonElement element, string name) =>
        [.. element.Items(name).Where(value => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _)).Select(value => value.GetInt64())];

    /// <summary>What can be taken of the elements of an array field; empty when missing or no array.</summary>
    public static List<T> List<T>(this JsonElement element, string name, Func<JsonElement, T?> take)
        where T : class => [.. element.Items(name).Select(take).OfType<T>()];

    /// <summary>An object field; an undefined element when missing or no object: fields asked of that are missing too.</summary>
    public static JsonElement Object(this JsonElement element, string name) => element.Field(name) is { ValueKind: JsonValueKind.Object } value ? value : default;

    /// <summary>Members of an object field; empty when missing or no object.</summary>
    public static IEnumerable<JsonProperty> Members(this JsonElement element, string name) =>
        element.Field(name) is { ValueKind: JsonValueKind.Object } value ? value.EnumerateObject() : [];

    /// <summary>Members of an object field whose values are text; the last of a name that stands twice.</summary>
    public static Dictionary<string, string> TextMembers(this JsonElement element, string name)
    {
        Dictionary<string, string> members = [];
        foreach (JsonProperty member in element.Members(name))
        {
            if (member.Value.TextOrNull() is { } value)
            {
                members[NameOf(member)] = value;
            }
        }

        return members;
    }

    /// <summary>Name of a member, also where its text is broken.</summary>
    public static string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            return Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8PropertyName(member));
        }
    }

    /// <summary>An instant, 100 ns exact; null when missing, broken, or the engines' word for never.</summary>
    public static DateTimeOffset? Time(this JsonElement element, string name) => element.Instant(name);

    /// <summary>An instant as engines write it; null when missing, broken, or the engines' word for never (year 1).</summary>
    public static DateTimeOffset? Instant(this JsonElement element, string name) =>
        element.Text(name) is { } text && Rfc3339.TryParse(Encoding.UTF8.GetBytes(text), out long nanoseconds)
            ? DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100)
            : null;
}
