using System.Text.RegularExpressions;

namespace ContainerIR.Playbooks.Conditions;

/// <summary>Reads a condition. Anything it does not know is a fault that says where.</summary>
internal sealed partial class ConditionParser
{
    private const int MaxDepth = 40;
    private const int MaxTokens = 1000;

    private readonly List<Match> tokens;
    private int at;
    private int depth;

    private ConditionParser(List<Match> tokens) => this.tokens = tokens;

    /// <summary>Reads a condition in its compiled form.</summary>
    /// <param name="text">The expression.</param>
    /// <param name="fault">Why it is none; null when it is one.</param>
    public static Condition? TryParse(string text, out string? fault)
    {
        List<Match> tokens = [];
        int end = 0;
        while (end < text.Length)
        {
            Match token = Token().Match(text, end);
            if (!token.Success || token.Index != end || tokens.Count == MaxTokens)
            {
                fault = $"'{YamlFields.Show(text[end..])}' is not understood";
                return null;
            }

            if (!string.IsNullOrWhiteSpace(token.Value))
            {
                tokens.Add(token);
            }

            end = token.Index + token.Length;
        }

        try
        {
            ConditionParser parser = new(tokens);
            Condition condition = parser.ReadEither();
            fault = parser.at < tokens.Count ? $"'{YamlFields.Show(tokens[parser.at].Value)}' is one too many" : null;
            return fault is null ? condition : null;
        }
        catch (FormatException failure)
        {
            fault = failure.Message;
            return null;
        }
    }

    private Condition ReadEither()
    {
        if (++depth > MaxDepth)
        {
            throw new FormatException("it is nested too deep");
        }

        Condition condition = ReadBoth();
        while (Take("OR"))
        {
            condition = new Condition.Either(condition, ReadBoth());
        }

        depth--;
        return condition;
    }

    private Condition ReadBoth()
    {
        Condition condition = ReadOne();
        while (Take("AND"))
        {
            condition = new Condition.Both(condition, ReadOne());
        }

        return condition;
    }

    private Condition ReadOne()
    {
        if (Take("NOT"))
        {
            if (++depth > MaxDepth)
            {
                throw new FormatException("it is nested too deep");
            }

            Condition inner = ReadOne();
            depth--;
            return new Condition.Not(inner);
        }

        if (Take("("))
        {
            Condition inner = ReadEither();
            Expect(")");
            return inner;
        }

        Condition.Operand left = ReadOperand();
        if (left.Literal is not null)
        {
            throw new FormatException("a comparison begins with a variable or finding:rule, finding:severity, finding:score");
        }

        bool not = Take("NOT");
        string sign = Next("a comparison (= != < > <= >= IN LIKE MATCHES)").Value;
        sign = sign == "==" ? "=" : sign;
        if (sign is not ("=" or "!=" or "<" or ">" or "<=" or ">=" or "IN" or "LIKE" or "MATCHES"))
        {
            throw new FormatException($"'{YamlFields.Show(sign)}' is no comparison: there are = != < > <= >= IN LIKE MATCHES");
        }

        List<Condition.Operand> right = [];
        if (sign == "IN")
        {
            Expect("(");
            do
            {
                right.Add(ReadOperand());
            }
            while (Take(","));
            Expect(")");
        }
        else
        {
            right.Add(ReadOperand());
        }

        if (sign == "MATCHES")
        {
            if (right[0].Literal is not { } pattern)
            {
                throw new FormatException("MATCHES takes a pattern in quotes");
            }

            try
            {
                _ = new Regex(pattern, RegexOptions.NonBacktracking);
            }
            catch (Exception failure) when (failure is ArgumentException or NotSupportedException)
            {
                throw new FormatException($"'{YamlFields.Show(pattern)}' is no regular expression without look-around and back-references");
            }
        }

        Condition comparison = new Condition.Comparison(left, sign, right);
        return not ? new Condition.Not(comparison) : comparison;
    }

    private Condition.Operand ReadOperand()
    {
        Match token = Next("a variable or a value");
        return token switch
        {
            _ when token.Groups["variable"] is { Success: true } variable => new(null, variable.Value, null),
            _ when token.Groups["finding"] is { Success: true } finding => new(null, null, finding.Value),
            _ when token.Groups["text"] is { Success: true } text => new(text.Value.Replace("\\'", "'", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal), null, null),
            _ when token.Groups["number"].Success || token.Value is "true" or "false" => new(token.Value, null, null),
            _ => throw new FormatException($"'{YamlFields.Show(token.Value)}' is neither a variable nor a value: texts stand in single quotes"),
        };
    }

    private Match Next(string wanted) => at < tokens.Count ? tokens[at++] : throw new FormatException($"it ends where {wanted} should follow");

    private bool Take(string token)
    {
        if (at < tokens.Count && tokens[at].Value == token)
        {
            at++;
            return true;
        }

        return false;
    }

    private void Expect(string token)
    {
        if (!Take(token))
        {
            throw new FormatException(at < tokens.Count ? $"'{token}' should stand where '{YamlFields.Show(tokens[at].Value)}' stands" : $"'{token}' is missing at its end");
        }
    }

    [GeneratedRegex(
        """\G(?:\s+|__(?<variable>[a-zA-Z_][a-zA-Z0-9_-]*?)__:value|finding:(?<finding>rule|severity|score)\b|'(?<text>(?:[^'\\]|\\.)*)'|(?<number>-?[0-9]+(?:\.[0-9]+)?)|[A-Za-z]+|[!<>=]=|[=<>(),])""",
        RegexOptions.CultureInvariant)]
    private static partial Regex Token();
}
