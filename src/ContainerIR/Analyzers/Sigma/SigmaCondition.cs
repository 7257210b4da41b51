using System.Globalization;

namespace ContainerIR.Analyzers.Sigma;

/// <summary>
/// The condition of a rule: <c>not</c> before <c>and</c> before <c>or</c>, parentheses, <c>1 of x*</c>, <c>all of them</c>. <c>them</c> passes over names
/// that begin with an underscore (Sigma specification 2.1, "Condition").
/// </summary>
internal sealed class SigmaCondition
{
    private const int MaxDepth = 64;
    private const int MaxWords = 2000;

    private readonly IReadOnlyDictionary<string, SigmaTest> selections;
    private readonly List<string> words;
    private int at;

    private SigmaCondition(string text, IReadOnlyDictionary<string, SigmaTest> selections)
    {
        this.selections = selections;
        words = [.. Words(text)];
    }

    /// <exception cref="FormatException">It is none, or uses what is not supported.</exception>
    public static SigmaTest Parse(string text, IReadOnlyDictionary<string, SigmaTest> selections)
    {
        if (text.Contains('|', StringComparison.Ordinal))
        {
            throw new FormatException("aggregation in the condition ('|') is not supported: it is of more than one row");
        }

        SigmaCondition condition = new(text, selections);
        if (condition.words.Count is 0 or > MaxWords)
        {
            throw new FormatException($"the condition has no words, or more than {MaxWords}");
        }

        SigmaTest test = condition.Or(0);
        return condition.at == condition.words.Count ? test : throw new FormatException($"the condition goes on where it should end: {condition.words[condition.at]}");
    }

    private static IEnumerable<string> Words(string text)
    {
        int start = -1;
        for (int i = 0; i <= text.Length; i++)
        {
            bool isBreak = i == text.Length || char.IsWhiteSpace(text[i]) || text[i] is '(' or ')';
            if (isBreak && start >= 0)
            {
                yield return text[start..i];
                start = -1;
            }
            else if (!isBreak && start < 0)
            {
                start = i;
            }

            if (i < text.Length && text[i] is '(' or ')')
            {
                yield return text[i].ToString();
            }
        }
    }

    private SigmaTest Or(int depth)
    {
        List<SigmaTest> tests = [And(depth)];
        while (Take("or"))
        {
            tests.Add(And(depth));
        }

        return tests.Count == 1 ? tests[0] : new SomeOf(tests);
    }

    private SigmaTest And(int depth)
    {
        List<SigmaTest> tests = [Negated(depth)];
        while (Take("and"))
        {
            tests.Add(Negated(depth));
        }

        return tests.Count == 1 ? tests[0] : new AllOf(tests);
    }

    private SigmaTest Negated(int depth)
    {
        bool isNegated = false;
        while (Take("not"))
        {
            isNegated = !isNegated;
        }

        SigmaTest test = Primary(depth);
        return isNegated ? new Not(test) : test;
    }

    private SigmaTest Primary(int depth)
    {
        if (depth > MaxDepth)
        {
            throw new FormatException($"more than {MaxDepth} parentheses in each other");
        }

        if (Take("("))
        {
            SigmaTest inner = Or(depth + 1);
            return Take(")") ? inner : throw new FormatException("a parenthesis is not closed");
        }

        if (at == words.Count || words[at] is ")" || IsWord("and") || IsWord("or"))
        {
            throw new FormatException($"a name is missing {(at == words.Count ? "at the end of the condition" : $"before {words[at]}")}");
        }

        string word = words[at++];
        if (at < words.Count && IsWord("of"))
        {
            at++;
            return Quantified(word);
        }

        return selections.TryGetValue(word, out SigmaTest? test) ? test : throw new FormatException($"the condition names {word}, which the detection does not have");
    }

    private SomeOf Quantified(string quantity)
    {
        if (at == words.Count)
        {
            throw new FormatException($"nothing after '{quantity} of'");
        }

        string target = words[at++];
        SigmaTest[] chosen =
        [
            .. selections.Where(selection => target.Equals("them", StringComparison.OrdinalIgnoreCase)
                ? !selection.Key.StartsWith('_')
                : SigmaPattern.Of(target).IsMatch(selection.Key, cased: true)).Select(selection => selection.Value),
        ];
        if (chosen.Length == 0)
        {
            throw new FormatException($"'{quantity} of {target}' names nothing of the detection");
        }

        int least = quantity.ToLowerInvariant() switch
        {
            "all" => chosen.Length,
            "any" => 1,
            _ => int.TryParse(quantity, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0
                ? number : throw new FormatException($"'{quantity} of' is not supported"),
        };
        return new SomeOf(chosen, least);
    }

    private bool IsWord(string word) => at < words.Count && words[at].Equals(word, StringComparison.OrdinalIgnoreCase);

    private bool Take(string word)
    {
        bool isIt = IsWord(word);
        at += isIt ? 1 : 0;
        return isIt;
    }
}
