using System.Globalization;
using System.Text.RegularExpressions;
using ContainerIR.Evidence.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace ContainerIR.Yaml;

/// <summary>
/// Builds trees from the events of YAML documents: playbooks, Sigma rules. The text is hostile: size, depth and number of nodes are limited; aliases, anchors and tags
/// are refused. What the parser cannot read ends the reading; every other fault is collected.
/// </summary>
internal sealed partial class YamlReader
{
    /// <summary>Longest text read, in characters.</summary>
    public const int MaxCharacters = 1_000_000;

    private const int MaxDepth = 32;
    private const int MaxNodes = 100_000;

    private readonly Parser parser;
    private readonly List<YamlFault> faults;
    private int nodes;

    private YamlReader(string text, List<YamlFault> faults)
    {
        parser = new Parser(new StringReader(text));
        this.faults = faults;
    }

    /// <summary>Reads the one document of a text.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="faults">Gets what is wrong.</param>
    /// <returns>Its root; null when the text cannot be read at all, which is a fault.</returns>
    public static YamlNode? Read(string text, List<YamlFault> faults)
    {
        List<YamlNode> documents = ReadAll(text, faults);
        if (documents.Count > 1)
        {
            faults.Add(new YamlFault(documents[1].Line, documents[1].Column, "a file holds one document; a second one begins here"));
        }
        else if (documents.Count == 0 && faults.Count == 0)
        {
            faults.Add(new YamlFault(1, 1, "the file is empty"));
        }

        return documents.FirstOrDefault();
    }

    /// <summary>Reads every document of a text.</summary>
    /// <exception cref="FormatException">Something is wrong with it; the message names the first line and column.</exception>
    public static List<YamlNode> ReadAll(string text)
    {
        List<YamlFault> faults = [];
        List<YamlNode> documents = ReadAll(text, faults);
        return faults.MinBy(fault => (fault.Line, fault.Column)) is { } first ? throw new FormatException($"line {first.Line}, column {first.Column}: {first.Problem}") : documents;
    }

    // None when the text cannot be read to its end.
    private static List<YamlNode> ReadAll(string text, List<YamlFault> faults)
    {
        if (text.Length > MaxCharacters)
        {
            faults.Add(new YamlFault(1, 1, $"the file has {text.Length} characters; at most {MaxCharacters} are read"));
            return [];
        }

        try
        {
            YamlReader reader = new(text, faults);
            List<YamlNode> documents = [];
            while (reader.parser.MoveNext())
            {
                if (reader.parser.Current is DocumentStart)
                {
                    reader.parser.MoveNext();
                    documents.Add(reader.ReadNode(0));
                }
            }

            return documents;
        }
        catch (YamlException failure)
        {
            faults.Add(new YamlFault((int)failure.Start.Line, (int)failure.Start.Column, "this is no YAML: " + DisplayText.Shorten(failure.Message, 300)));
            return [];
        }
        catch (TooMuchException failure)
        {
            faults.Add(new YamlFault(failure.Line, failure.Column, failure.Message));
            return [];
        }
    }

    // Leaves the parser on the last event of the node.
    private YamlNode ReadNode(int depth)
    {
        ParsingEvent current = parser.Current!;
        (int line, int column) = PlaceOf(current);
        if (++nodes > MaxNodes)
        {
            throw new TooMuchException($"the file has more than {MaxNodes} nodes", line, column);
        }

        if (depth > MaxDepth)
        {
            throw new TooMuchException($"the file is nested deeper than {MaxDepth} levels", line, column);
        }

        if (current is NodeEvent node)
        {
            if (!node.Anchor.IsEmpty)
            {
                faults.Add(Fault(node, "anchors are not taken: write it out"));
            }

            if (!node.Tag.IsEmpty)
            {
                faults.Add(Fault(node, "tags (!…) are not taken"));
            }
        }

        switch (current)
        {
            case Scalar scalar:
                return new YamlScalar(scalar.Value, scalar.Style == ScalarStyle.Plain ? KindOf(scalar.Value) : ScalarKind.Text, line, column);
            case SequenceStart:
                List<YamlNode> items = [];
                while (Next() is not SequenceEnd)
                {
                    items.Add(ReadNode(depth + 1));
                }

                return new YamlList(items, line, column);
            case MappingStart:
                return new YamlMap(ReadEntries(depth), line, column);
            default:
                // An alias.
                faults.Add(Fault(current, "aliases (*…) are not taken: write it out"));
                return new YamlScalar("", ScalarKind.Null, line, column);
        }
    }

    private List<YamlEntry> ReadEntries(int depth)
    {
        List<YamlEntry> entries = [];
        HashSet<string> seen = [];
        while (Next() is not MappingEnd)
        {
            YamlNode key = ReadNode(depth + 1);
            Next();
            YamlNode value = ReadNode(depth + 1);
            if (key is not YamlScalar { Kind: not ScalarKind.Null } text)
            {
                faults.Add(new YamlFault(key.Line, key.Column, "a key is plain text"));
            }
            else if (!seen.Add(text.Text))
            {
                faults.Add(new YamlFault(key.Line, key.Column, $"'{DisplayText.Shorten(text.Text, 60)}' stands here a second time"));
            }
            else
            {
                entries.Add(new YamlEntry(text, value));
            }
        }

        return entries;
    }

    private ParsingEvent Next()
    {
        parser.MoveNext();
        return parser.Current!;
    }

    private static YamlFault Fault(ParsingEvent at, string problem)
    {
        (int line, int column) = PlaceOf(at);
        return new YamlFault(line, column, problem);
    }

    private static (int Line, int Column) PlaceOf(ParsingEvent at) => ((int)at.Start.Line, (int)at.Start.Column);

    // YAML 1.2.2, section 10.3.2.
    private static ScalarKind KindOf(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => ScalarKind.Null,
        "true" or "True" or "TRUE" or "false" or "False" or "FALSE" => ScalarKind.Switch,
        _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) => ScalarKind.Integer,
        _ when NumberForm().IsMatch(text) => ScalarKind.Number,
        _ => ScalarKind.Text,
    };

    [GeneratedRegex(@"^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o[0-7]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\z", RegexOptions.NonBacktracking)]
    private static partial Regex NumberForm();

    private sealed class TooMuchException(string message, int line, int column) : Exception(message)
    {
        public int Line { get; } = line;

        public int Column { get; } = column;
    }
}
