using ContainerIR.Evidence.Text;
using ContainerIR.Yaml;

namespace ContainerIR.Analyzers.Sigma;

/// <summary>Rule files of Sigma 2.x (SigmaHQ/sigma-specification 2.1) made into tests. Every rule of a file gives a rule or the reason why not.</summary>
internal sealed class SigmaRuleReader(IReadOnlyDictionary<string, IReadOnlyList<string>> placeholders, Func<string, Rule?> catalogue)
{
    private const int MaxTitle = 200;
    private const int MaxText = 500;

    private static readonly string[] OfManyRows = ["correlation", "filter", "action"];
    private static readonly string[] Reserved = ["condition", "timeframe"];

    /// <summary>Reads one file.</summary>
    /// <param name="file">Its name, display form.</param>
    /// <param name="text">Its content.</param>
    public IEnumerable<SigmaOutcome> Read(string file, string text)
    {
        List<YamlNode> documents;
        string? broken = null;
        try
        {
            documents = YamlReader.ReadAll(text);
        }
        catch (FormatException failure)
        {
            (documents, broken) = ([], failure.Message);
        }

        if (broken is not null || documents.Count == 0)
        {
            yield return new SigmaOutcome(file, "", null, broken ?? "it has no rule");
        }

        foreach (YamlNode document in documents)
        {
            string title = DisplayText.Shorten(document.TextOf("title") ?? "", MaxTitle);
            SigmaRule? rule = null;
            string? reason = null;
            try
            {
                rule = Compile(file, title, document);
            }
            catch (FormatException failure)
            {
                reason = DisplayText.Shorten(failure.Message, MaxText);
            }

            yield return new SigmaOutcome(file, title, rule, reason);
        }
    }

    private SigmaRule Compile(string file, string title, YamlNode document)
    {
        if (document.Entries is null)
        {
            throw new FormatException("it is no rule: not a map");
        }

        string? other = OfManyRows.FirstOrDefault(key => document[key] is not null);
        if (other is not null)
        {
            throw new FormatException($"'{other}' is not supported: only rules on single rows are");
        }

        if (document.TextOf("status") is "unsupported")
        {
            throw new FormatException("its status is 'unsupported'");
        }

        if (title.Length == 0)
        {
            throw new FormatException("it has no title");
        }

        string view = ViewOf(document["logsource"]);
        YamlNode detection = document["detection"] ?? throw new FormatException("it has no detection");
        IReadOnlyList<YamlEntry> parts = detection.Entries ?? throw new FormatException("it has no detection");
        if (detection["timeframe"] is not null)
        {
            throw new FormatException("'timeframe' is not supported: it is of more than one row");
        }

        List<string> fields = [];
        Dictionary<string, SigmaTest> selections = new(StringComparer.Ordinal);
        foreach ((string name, YamlNode value) in parts.Select(part => (part.Key.Text, part.Value)))
        {
            if (!Reserved.Contains(name))
            {
                selections[name] = Selection(name, value, fields);
            }
        }

        string[] conditions = [.. detection.TextsOf("condition")];
        SigmaTest[] tests = [.. conditions.Select(condition => SigmaCondition.Parse(condition, selections))];
        string[] distinct = [.. fields.Distinct()];
        return new SigmaRule
        {
            Meaning = MeaningOf(file, title, document),
            View = view,
            Condition = tests.Length switch
            {
                0 => throw new FormatException("the detection has no condition"),
                1 => tests[0],
                _ => new SomeOf(tests),
            },
            Lowerings = [.. (document["containerir"]?["lowered"]?.Items ?? []).Select(item => Lowering(item, selections))],
            Fields = distinct,
            Notes = [.. distinct.Where(field => !SigmaFields.Of[view].Contains(field)).Select(field => $"rows of {view} have no field {DisplayText.Shorten(field, 64)}: what needs it is never true")],
        };
    }

    private static string ViewOf(YamlNode? source)
    {
        string? product = source?.TextOf("product"), category = source?.TextOf("category"), service = source?.TextOf("service");
        return SigmaFields.ViewOf(product, category, service) ?? throw new FormatException(
            $"no rows of a bundle are of its log source (product {product ?? "none"}, category {category ?? "none"}, service {service ?? "none"})");
    }

    private SigmaTest Selection(string name, YamlNode value, List<string> fields)
    {
        if (value.Entries is not null)
        {
            return Map(name, value, fields);
        }

        if (value.Items is { Count: > 0 } items)
        {
            SigmaTest[] tests = [.. items.Select(item => item.Entries is null ? SigmaModifiers.Keyword(item) : Map(name, item, fields))];
            return tests.Length == 1 ? tests[0] : new SomeOf(tests);
        }

        return value is { Text: not null, IsNull: false } ? SigmaModifiers.Keyword(value) : throw new FormatException($"{name} has no content");
    }

    private AllOf Map(string name, YamlNode map, List<string> fields)
    {
        if (map.Entries!.Count == 0)
        {
            throw new FormatException($"{name} has no content");
        }

        List<SigmaTest> tests = [];
        foreach ((string key, YamlNode value) in map.Entries.Select(entry => (entry.Key.Text, entry.Value)))
        {
            tests.Add(SigmaModifiers.Compile(key, value, placeholders));
            string field = key.Split('|')[0];
            if (field.Length > 0)
            {
                fields.Add(field);
            }

            if (key.Split('|').Contains("fieldref"))
            {
                fields.AddRange((value.Items ?? [value]).Select(item => item.Text).OfType<string>());
            }
        }

        return new AllOf(tests);
    }

    private static SigmaLowering Lowering(YamlNode item, Dictionary<string, SigmaTest> selections) => new(
        SigmaCondition.Parse(item.TextOf("when") ?? throw new FormatException("a lowering has no 'when'"), selections),
        SeverityOf(item.TextOf("level") ?? "low"),
        DisplayText.Shorten(item.TextOf("because") ?? throw new FormatException("a lowering has no 'because'"), MaxText));

    private Rule MeaningOf(string file, string title, YamlNode document)
    {
        if (document["containerir"]?.TextOf("rule") is { } number && catalogue(number) is { } known)
        {
            return known;
        }

        string[] techniques =
        [
            .. document.TextsOf("tags").Where(tag => tag.StartsWith("attack.t", StringComparison.OrdinalIgnoreCase) && tag.Length > 8 && char.IsAsciiDigit(tag[8]))
                .Select(tag => DisplayText.Shorten(tag["attack.".Length..].ToUpperInvariant(), 16)),
        ];
        string falsePositives = string.Join("; ", document.TextsOf("falsepositives"));
        return new Rule(
            DisplayText.Shorten(document.TextOf("id") ?? document.TextOf("name") ?? title, 64),
            title,
            SeverityOf(document.TextOf("level") ?? "medium"),
            techniques,
            DisplayText.Shorten(document.TextOf("description") ?? title, MaxText),
            falsePositives.Length == 0 ? "The rule names none." : DisplayText.Shorten(falsePositives, MaxText),
            $"Read the rule ({file}) and the row; acquire before anything is stopped.");
    }

    private static Severity SeverityOf(string level) => level.ToLowerInvariant() switch
    {
        "informational" or "info" => Severity.Info,
        "low" => Severity.Low,
        "medium" => Severity.Medium,
        "high" => Severity.High,
        "critical" => Severity.Critical,
        _ => throw new FormatException($"its level is none of informational, low, medium, high, critical: {level}"),
    };
}
