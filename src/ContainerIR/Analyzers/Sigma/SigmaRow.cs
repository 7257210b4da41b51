using System.Globalization;
using System.Text;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers.Sigma;

/// <summary>A value of a normalised row.</summary>
/// <param name="Text">What rules are held against: the exact text, not the display form. Bytes that are no UTF-8 are U+FFFD here.</param>
/// <param name="Exact">The bytes where the text is not all of them; null else.</param>
internal readonly record struct SigmaValue(string Text, byte[]? Exact = null)
{
    public static SigmaValue OfBytes(byte[] bytes) => new(Encoding.UTF8.GetString(bytes), ByteJson.IsPlain(bytes) ? null : bytes);

    public SeenValue Seen(string name) => Exact is { } bytes ? SeenValue.OfBytes(name, bytes) : SeenValue.OfRaw(name, Text);
}

/// <summary>A row of a bundle in the names of schemas/sigma-row.schema.json.</summary>
/// <param name="views">What it is: a view of a source (<see cref="SigmaFields"/>), possibly more than one.</param>
/// <param name="place">Where it stands in the bundle.</param>
internal sealed class SigmaRow(string[] views, FindingPlace place)
{
    private readonly Dictionary<string, List<SigmaValue>> fields = new(StringComparer.Ordinal);

    public IReadOnlyList<string> Views => views;

    public FindingPlace Place => place;

    public IEnumerable<string> Names => fields.Keys;

    public IEnumerable<SigmaValue> Values => fields.Values.SelectMany(values => values);

    /// <summary>Values of a field; empty when the row has none.</summary>
    public IReadOnlyList<SigmaValue> this[string field] => fields.TryGetValue(field, out List<SigmaValue>? values) ? values : [];

    public void Add(string field, string? text)
    {
        if (text is { Length: > 0 })
        {
            Add(field, new SigmaValue(text));
        }
    }

    public void Add(string field, byte[]? bytes)
    {
        if (bytes is { Length: > 0 })
        {
            Add(field, SigmaValue.OfBytes(bytes));
        }
    }

    public void Add(string field, bool value) => Add(field, new SigmaValue(value ? "true" : "false"));

    public void Add(string field, long? value)
    {
        if (value is { } number)
        {
            Add(field, new SigmaValue(number.ToString(CultureInfo.InvariantCulture)));
        }
    }

    public void Add(string field, IEnumerable<string> texts)
    {
        foreach (string text in texts)
        {
            Add(field, text);
        }
    }

    public void Add(string field, SigmaValue value)
    {
        if (!fields.TryGetValue(field, out List<SigmaValue>? values))
        {
            fields[field] = values = [];
        }

        values.Add(value);
    }
}
