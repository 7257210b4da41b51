using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using ContainerIR.Yaml;

namespace ContainerIR.Analyzers.Sigma;

/// <summary>One <c>field|modifier|…: value</c> of a rule, compiled. Modifiers: Sigma specification 2.1, appendix "modifiers".</summary>
internal sealed class SigmaModifiers
{
    private static readonly TimeSpan RegexTime = TimeSpan.FromMilliseconds(200);
    private static readonly string[] TimeParts = ["minute", "hour", "day", "week", "month", "year"];
    private static readonly string[] Comparisons = ["lt", "lte", "gt", "gte"];
    private static readonly string[] Encodings = ["utf16", "utf16le", "utf16be", "wide"];
    private static readonly string[] Flags = ["all", "cased", "neq", "contains", "startswith", "endswith", "exists", "re", "cidr", "fieldref", "windash", "expand", "base64", "base64offset"];

    private readonly string field;
    private readonly List<string> modifiers;
    private readonly IReadOnlyDictionary<string, IReadOnlyList<string>> placeholders;

    private SigmaModifiers(string key, IReadOnlyDictionary<string, IReadOnlyList<string>> placeholders)
    {
        string[] parts = key.Split('|');
        (field, modifiers, this.placeholders) = (parts[0], [.. parts[1..]], placeholders);
        int regex = modifiers.IndexOf("re");
        string? unknown = modifiers.Where((modifier, index) =>
            !Flags.Contains(modifier) && !TimeParts.Contains(modifier) && !Comparisons.Contains(modifier) && !Encodings.Contains(modifier)
            && !(modifier is "i" or "m" or "s" && regex >= 0 && index > regex)).FirstOrDefault();
        if (unknown is not null)
        {
            throw new FormatException($"modifier {unknown} of {key} is not supported");
        }

        string[] kinds = [.. modifiers.Where(modifier => modifier is "re" or "cidr" or "fieldref" or "exists" || Comparisons.Contains(modifier))];
        if (kinds.Length > 1 || modifiers.Distinct().Count() != modifiers.Count)
        {
            throw new FormatException($"the modifiers of {key} do not go together");
        }

        bool isOfText = kinds.Length == 0;
        if (!isOfText && modifiers.Exists(modifier => modifier is "base64" or "base64offset" or "windash" || Encodings.Contains(modifier)))
        {
            throw new FormatException($"the modifiers of {key} do not go together");
        }

        if (kinds is ["cidr" or "exists" or "lt" or "lte" or "gt" or "gte"] && modifiers.Exists(modifier => modifier is "contains" or "startswith" or "endswith" or "cased"))
        {
            throw new FormatException($"the modifiers of {key} do not go together");
        }
    }

    private bool IsCased => modifiers.Contains("cased");

    private string? TimePart => modifiers.Find(TimeParts.Contains);

    /// <summary>Compiles a field with its values.</summary>
    /// <param name="key">Field and modifiers; a field without name stands for keywords.</param>
    /// <param name="value">A scalar or a list of scalars.</param>
    /// <param name="placeholders">Values for the modifier expand.</param>
    /// <exception cref="FormatException">It cannot be compiled; the message says why.</exception>
    public static SigmaTest Compile(string key, YamlNode value, IReadOnlyDictionary<string, IReadOnlyList<string>> placeholders)
    {
        SigmaModifiers compiler = new(key, placeholders);
        List<SigmaTest> tests = [];
        foreach (YamlNode each in value.Items ?? [value])
        {
            tests.Add(each.Text is null ? throw new FormatException($"{key}: line {each.Line}: a value must be text, a number, or a list of these") : compiler.OfValue(each));
        }

        if (tests.Count == 0)
        {
            throw new FormatException($"{key} has no values");
        }

        SigmaTest test = compiler.modifiers.Contains("all") ? new AllOf(tests) : tests.Count == 1 ? tests[0] : new SomeOf(tests);
        return compiler.modifiers.Contains("neq") ? new Not(test) : test;
    }

    /// <summary>A keyword: found anywhere in any value of the row.</summary>
    public static SigmaTest Keyword(YamlNode value) => value.Text is { } text
        ? new AnyFieldPasses(Match(SigmaPattern.Of(text).Open(before: true, after: true), cased: false))
        : throw new FormatException($"line {value.Line}: a keyword must be text");

    private SigmaTest OfValue(YamlNode item)
    {
        string text = item.Text!;
        if (item.IsNull)
        {
            return modifiers.TrueForAll(modifier => modifier is "neq" or "all") && field.Length > 0
                ? new Not(new FieldPasses(field, value => value.Length > 0))
                : throw new FormatException($"{field}: null has no modifiers");
        }

        if (text.Length == 0 && field.Length > 0 && modifiers.Count == 0)
        {
            return new Not(new FieldPasses(field, value => value.Length > 0));
        }

        string kind = modifiers.Find(modifier => modifier is "re" or "cidr" or "fieldref" or "exists" || Comparisons.Contains(modifier)) ?? "";
        return kind switch
        {
            "exists" => text.ToLowerInvariant() switch
            {
                "true" or "yes" => new FieldExists(field),
                "false" or "no" => new Not(new FieldExists(field)),
                _ => throw new FormatException($"{field}|exists: true or false, not {text}"),
            },
            "re" => Passes(Expression(text)),
            "cidr" => Passes(Network(text)),
            "fieldref" => new FieldsCompare(field, text, Reference()),
            "lt" or "lte" or "gt" or "gte" => Passes(Comparison(kind, text)),
            _ when TimePart is { } part => Passes(Same(part, text)),
            _ => OfText(text),
        };
    }

    private SigmaTest OfText(string text)
    {
        SigmaTest[] tests = [.. Expanded(text).SelectMany(Encoded).Select(pattern => Passes(Match(Affixed(pattern), IsCased)))];
        return tests.Length == 1 ? tests[0] : new SomeOf(tests);
    }

    private SigmaTest Passes(Func<string, bool> test) => field.Length == 0 ? new AnyFieldPasses(test) : new FieldPasses(field, test);

    private static Func<string, bool> Match(SigmaPattern pattern, bool cased) => text => pattern.IsMatch(text, cased);

    private SigmaPattern Affixed(SigmaPattern pattern)
    {
        bool isPart = modifiers.Contains("contains") || (field.Length == 0 && !modifiers.Contains("startswith") && !modifiers.Contains("endswith"));
        return pattern.Open(isPart || modifiers.Contains("endswith"), isPart || modifiers.Contains("startswith"));
    }

    private IEnumerable<string> Expanded(string text)
    {
        if (!modifiers.Contains("expand"))
        {
            return [text];
        }

        int start = text.IndexOf('%', StringComparison.Ordinal), end = start < 0 ? -1 : text.IndexOf('%', start + 1);
        if (end < 0)
        {
            throw new FormatException($"{field}|expand: {text} has no %placeholder%");
        }

        string name = text[(start + 1)..end];
        return placeholders.TryGetValue(name, out IReadOnlyList<string>? values)
            ? values.Select(value => text[..start] + value + text[(end + 1)..])
            : throw new FormatException($"{field}|expand: the placeholder {name} has no values; give them in {SigmaRuleSet.PlaceholderFile} in the rules' folder");
    }

    private IEnumerable<SigmaPattern> Encoded(string text)
    {
        List<SigmaPattern> patterns = [SigmaPattern.Of(text)];
        byte[]? bytes = null;
        foreach (string modifier in modifiers)
        {
            if (modifier == "windash")
            {
                patterns = [.. patterns.Select(pattern => pattern.WithAnyDash())];
            }
            else if (Encodings.Contains(modifier))
            {
                string plain = Plain(patterns);
                bytes = modifier switch
                {
                    "utf16be" => Encoding.BigEndianUnicode.GetBytes(plain),
                    "utf16" => [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(plain)],
                    _ => Encoding.Unicode.GetBytes(plain),
                };
                patterns = [SigmaPattern.OfLiteral(Encoding.Latin1.GetString(bytes))];
            }
            else if (modifier is "base64" or "base64offset")
            {
                byte[] content = bytes ?? Encoding.UTF8.GetBytes(Plain(patterns));
                patterns = [.. (modifier == "base64" ? [Convert.ToBase64String(content)] : Offsets(content)).Select(SigmaPattern.OfLiteral)];
                bytes = null;
            }
        }

        return patterns;
    }

    private string Plain(List<SigmaPattern> patterns) =>
        patterns is [{ IsLiteral: true } only] ? only.Literal : throw new FormatException($"{field}: wildcards cannot be encoded");

    // What stays the same of the base64 form whatever stands before: at each of the three offsets without the characters the neighbours decide.
    private static IEnumerable<string> Offsets(byte[] content)
    {
        int[] starts = [0, 2, 3], ends = [0, 3, 2];
        for (int offset = 0; offset < 3; offset++)
        {
            string encoded = Convert.ToBase64String([.. new byte[offset], .. content]);
            yield return encoded[starts[offset]..^ends[(content.Length + offset) % 3]];
        }
    }

    // Without backtracking where the expression allows it; else with a time limit only.
    private Func<string, bool> Expression(string text)
    {
        string whole = (modifiers.Contains("startswith") ? "^(?:" : "(?:") + text + (modifiers.Contains("endswith") ? ")$" : ")");
        RegexOptions options = RegexOptions.CultureInvariant;
        options |= modifiers.Contains("i") ? RegexOptions.IgnoreCase : 0;
        options |= modifiers.Contains("m") ? RegexOptions.Multiline : 0;
        options |= modifiers.Contains("s") ? RegexOptions.Singleline : 0;
        try
        {
            Regex regex = Make(whole, options);
            return regex.IsMatch;
        }
        catch (ArgumentException failure)
        {
            throw new FormatException($"{field}|re: {failure.Message}", failure);
        }
    }

    private static Regex Make(string text, RegexOptions options)
    {
        try
        {
            return new Regex(text, options | RegexOptions.NonBacktracking, RegexTime);
        }
        catch (NotSupportedException)
        {
            return new Regex(text, options, RegexTime);
        }
    }

    private Func<string, bool> Network(string text) => IPNetwork.TryParse(text, out IPNetwork network)
        ? value => IPAddress.TryParse(value, out IPAddress? address) && network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)
        : throw new FormatException($"{field}|cidr: {text} is no network");

    private Func<string, string, bool> Reference()
    {
        StringComparison how = IsCased ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;
        return modifiers.Contains("contains") ? (value, other) => value.Contains(other, how)
            : modifiers.Contains("startswith") ? (value, other) => value.StartsWith(other, how)
            : modifiers.Contains("endswith") ? (value, other) => value.EndsWith(other, how)
            : (value, other) => value.Equals(other, how);
    }

    private Func<string, bool> Comparison(string kind, string text)
    {
        double bound = Number(text) ?? throw new FormatException($"{field}|{kind}: {text} is no number");
        Func<double, bool> compare = kind switch
        {
            "lt" => number => number < bound,
            "lte" => number => number <= bound,
            "gt" => number => number > bound,
            _ => number => number >= bound,
        };
        string? part = TimePart;
        return value => (part is null ? Number(value) : PartOf(part, value)) is { } number && compare(number);
    }

    private Func<string, bool> Same(string part, string text)
    {
        double wanted = Number(text) ?? throw new FormatException($"{field}|{part}: {text} is no number");
        return value => PartOf(part, value) == wanted;
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) ? number : null;

    private static double? PartOf(string part, string text)
    {
        DateTimeOffset at;
        if (Number(text) is { } seconds and > -62_135_596_800 and < 253_402_300_799)
        {
            at = DateTimeOffset.FromUnixTimeMilliseconds((long)(seconds * 1000));
        }
        else if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out at))
        {
            return null;
        }

        return part switch
        {
            "minute" => at.Minute,
            "hour" => at.Hour,
            "day" => at.Day,
            "week" => ISOWeek.GetWeekOfYear(at.UtcDateTime),
            "month" => at.Month,
            _ => at.Year,
        };
    }
}
