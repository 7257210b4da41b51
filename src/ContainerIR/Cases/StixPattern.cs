using System.Text;
using System.Text.RegularExpressions;

namespace ContainerIR.Cases;

/// <summary>A STIX pattern of comparisons joined by OR, as questions to a case. One pass over the text, no recursion.</summary>
internal static partial class StixPattern
{
    private const int MaxComparisons = 10_000;

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="FormatException">It is none, or asks for more than single comparisons.</exception>
    /// <exception cref="Evidence.OperatorException">A value is not what its object holds.</exception>
    public static IReadOnlyList<SearchQuery> Parse(string pattern)
    {
        List<SearchQuery> queries = [];
        Tokens tokens = new(pattern);
        do
        {
            tokens.Take("[");
            do
            {
                queries.AddRange(Comparison(tokens));
                if (queries.Count > MaxComparisons)
                {
                    throw new FormatException($"it has more than {MaxComparisons} comparisons");
                }
            }
            while (tokens.Takes("OR"));
            tokens.Take("]");
        }
        while (tokens.Takes("OR"));
        tokens.End();
        return queries;
    }

    private static IEnumerable<SearchQuery> Comparison(Tokens tokens)
    {
        string path = tokens.Next();
        string word = tokens.Next();
        List<string> values = [];
        if (word == "IN")
        {
            tokens.Take("(");
            do
            {
                values.Add(tokens.Text());
            }
            while (tokens.Takes(","));
            tokens.Take(")");
        }
        else
        {
            values.Add(tokens.Text());
        }

        return word switch
        {
            "=" or "IN" => values.Select(value => Equal(path, value)),
            "LIKE" => [Like(path, values[0])],
            "MATCHES" => [SearchQuery.OfRegex(values[0], KindsOf(path))],
            _ => throw new FormatException($"the comparison {word} is not searched"),
        };
    }

    private static SearchQuery Equal(string path, string value) => path switch
    {
        _ when path.StartsWith("file:hashes.", StringComparison.Ordinal) => SearchQuery.OfHash(value),
        "ipv4-addr:value" or "ipv6-addr:value" => SearchQuery.OfAddress(WithoutMask(value)),
        "domain-name:value" => Indicators.IsDomain(value) ? SearchQuery.OfDomain(value.TrimEnd('.')) : throw new FormatException($"{value} is not a domain"),
        "file:name" => SearchQuery.OfRegex($"(^|/){Regex.Escape(value)}$", KindsOf(path)),
        "process:command_line" => SearchQuery.OfWhole(value, KindsOf(path)!),
        "url:value" => SearchQuery.OfText(value),
        _ => throw Unknown(path),
    };

    // A mask of the whole length is the address itself.
    private static string WithoutMask(string value) => value.Split('/') is not [var address, var mask] ? value
        : mask == (address.Contains(':', StringComparison.Ordinal) ? "128" : "32") ? address : throw new FormatException($"{value} is a network: only single addresses are searched");

    // % is any text, _ any character; ends are fixed (STIX 2.1, 9.6.1). SQL's patterns know no letters' case here.
    private static SearchQuery Like(string path, string pattern)
    {
        StringBuilder regex = new(path == "file:name" ? "(^|/)" : "^");
        foreach (char each in pattern)
        {
            _ = each switch
            {
                '%' => regex.Append(".*"),
                '_' => regex.Append('.'),
                _ => regex.Append(Regex.Escape(each.ToString())),
            };
        }

        // Where the text is a part of what is searched, its ends are not those of the row.
        string[]? kinds = KindsOf(path);
        string whole = regex.Append('$').ToString();
        return SearchQuery.OfRegex(kinds is null ? whole.TrimStart('^').TrimEnd('$') : whole, kinds);
    }

    private static string[]? KindsOf(string path) => path switch
    {
        "file:name" => [TextKinds.Path, TextKinds.Process],
        "process:command_line" => [TextKinds.Process],
        "domain-name:value" or "url:value" => null,
        _ => throw Unknown(path),
    };

    private static FormatException Unknown(string path) => new($"{path} is not searched that way");

    private sealed partial class Tokens(string pattern)
    {
        private int at;

        // String literals with \' and \\, paths with quoted parts, words, operators.
        [GeneratedRegex(@"\G\s*(?:(?<text>'(?:[^'\\]|\\['\\])*')|(?<path>[A-Za-z0-9_\-]+:[A-Za-z0-9_\-.\[\]*]*(?:'[^']*'[A-Za-z0-9_\-.]*)*)|(?<other>[A-Za-z]+|!=|<=|>=|[\[\](),=<>]))")]
        private static partial Regex Token();

        public string Next()
        {
            string? token = Peek(out int end);
            at = end;
            return token ?? throw new FormatException($"it cannot be read at character {at + 1}");
        }

        public bool Takes(string word)
        {
            if (Peek(out int end) != word)
            {
                return false;
            }

            at = end;
            return true;
        }

        public void Take(string word)
        {
            if (Next() is var found && found != word)
            {
                throw new FormatException($"{found} stands where {word} is searched for: only comparisons joined by OR are");
            }
        }

        public string Text() => Next() is ['\'', .. var text, '\''] ? text.Replace(@"\'", "'", StringComparison.Ordinal).Replace(@"\\", @"\", StringComparison.Ordinal) : throw new FormatException("a value is not a text");

        public void End()
        {
            if (pattern.AsSpan(at).Trim().Length > 0)
            {
                throw new FormatException($"{(Peek(out _) ?? "what follows")} is not searched: only comparisons joined by OR are");
            }
        }

        private string? Peek(out int end)
        {
            Match found = Token().Match(pattern, at);
            end = found.Success ? found.Index + found.Length : at;
            return found.Success ? found.Value.Trim() : null;
        }
    }
}
