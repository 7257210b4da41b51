using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace ContainerIR.Analyzers.Sigma;

/// <summary>
/// A node of a YAML document, read from the parser's events: bounded in depth and number, without anchors, aliases and tags, so that a hostile file can
/// neither grow nor choose types.
/// </summary>
internal sealed record YamlItem(long Line, long Column)
{
    private const int MaxDepth = 32;
    private const int MaxNodes = 100_000;

    /// <summary>Text of a scalar; null for lists and maps.</summary>
    public string? Text { get; private init; }

    /// <summary>Whether a scalar stands without quotes: only then a word can mean null.</summary>
    public bool IsPlain { get; private init; }

    /// <summary>Elements of a list; null for others.</summary>
    public IReadOnlyList<YamlItem>? Items { get; private init; }

    /// <summary>Members of a map in order; null for others.</summary>
    public IReadOnlyList<KeyValuePair<string, YamlItem>>? Members { get; private init; }

    public bool IsNull => Text is "" or "~" or "null" or "Null" or "NULL" && IsPlain;

    public YamlItem? this[string key] => Members?.FirstOrDefault(member => member.Key == key).Value;

    /// <summary>Text of a member; null when missing, or no scalar, or null.</summary>
    public string? TextOf(string key) => this[key] is { IsNull: false } value ? value.Text : null;

    /// <summary>Texts of a member that is a list, or of one scalar.</summary>
    public IEnumerable<string> TextsOf(string key) => (this[key] switch
    {
        { Items: { } items } => items.Select(item => item.Text),
        { Text: { } text } => [text],
        _ => [],
    }).OfType<string>();

    /// <summary>All documents of a file.</summary>
    /// <exception cref="FormatException">It is no YAML, or uses what is not taken; the message names line and column.</exception>
    public static List<YamlItem> ReadAll(string text)
    {
        try
        {
            Parser parser = new(new StringReader(text));
            List<YamlItem> documents = [];
            int nodes = 0;
            while (parser.MoveNext())
            {
                if (parser.Current is DocumentStart)
                {
                    parser.MoveNext();
                    documents.Add(Read(parser, 0, ref nodes));
                }
            }

            return documents;
        }
        catch (YamlException failure)
        {
            throw new FormatException($"line {failure.Start.Line}, column {failure.Start.Column}: {failure.Message}", failure);
        }
    }

    private static YamlItem Read(Parser parser, int depth, ref int nodes)
    {
        ParsingEvent now = parser.Current!;
        (long line, long column) = (now.Start.Line, now.Start.Column);
        if (++nodes > MaxNodes || depth > MaxDepth)
        {
            throw new FormatException($"line {line}, column {column}: more than {MaxDepth} levels or {MaxNodes} values");
        }

        if (now is NodeEvent { Anchor.IsEmpty: false } or AnchorAlias)
        {
            throw new FormatException($"line {line}, column {column}: anchors and aliases are not taken");
        }

        switch (now)
        {
            case Scalar scalar:
                return new YamlItem(line, column) { Text = scalar.Value, IsPlain = scalar.Style == ScalarStyle.Plain };
            case SequenceStart:
                List<YamlItem> items = [];
                while (parser.MoveNext() && parser.Current is not SequenceEnd)
                {
                    items.Add(Read(parser, depth + 1, ref nodes));
                }

                return new YamlItem(line, column) { Items = items };
            case MappingStart:
                List<KeyValuePair<string, YamlItem>> members = [];
                HashSet<string> keys = new(StringComparer.Ordinal);
                while (parser.MoveNext() && parser.Current is not MappingEnd)
                {
                    YamlItem key = Read(parser, depth + 1, ref nodes);
                    if (key.Text is null || !keys.Add(key.Text))
                    {
                        throw new FormatException($"line {key.Line}, column {key.Column}: {(key.Text is null ? "a key that is no text" : $"the key {key.Text} stands twice")}");
                    }

                    parser.MoveNext();
                    members.Add(new(key.Text, Read(parser, depth + 1, ref nodes)));
                }

                return new YamlItem(line, column) { Members = members };
            default:
                throw new FormatException($"line {line}, column {column}: {now.GetType().Name} where a value is due");
        }
    }
}
