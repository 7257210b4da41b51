using System.Globalization;
using System.Text.RegularExpressions;
using ContainerIR.Actions;
using ContainerIR.Evidence.Text;
using ContainerIR.Yaml;

namespace ContainerIR.Playbooks;

/// <summary>Takes typed values from a mapping; every value that is not as it should be becomes a fault, and reading goes on.</summary>
internal sealed class YamlFields(YamlMap map, List<PlaybookFault> faults)
{
    public const int MaxText = 4000;

    public YamlMap Map => map;

    public static string Show(string text) => DisplayText.Shorten(text, 60);

    public void Fault(YamlNode at, string problem) => faults.Add(new PlaybookFault(at.Line, at.Column, problem));

    public void OnlyKeys(string what, params ReadOnlySpan<string> known)
    {
        foreach (YamlEntry entry in map.Entries)
        {
            if (!known.Contains(entry.Key.Text))
            {
                string near = "";
                foreach (string each in known)
                {
                    near = entry.Key.Text.Length <= 40 && Spelling.Distance(each, entry.Key.Text) <= 2 ? $" (is '{each}' meant?)" : near;
                }

                Fault(entry.Key, $"{what} has no key '{Show(entry.Key.Text)}'{near}");
            }
        }
    }

    public bool Has(string key) => map[key] is not null;

    public string? Text(string key, bool required = false, Regex? form = null, string? formWords = null, int max = MaxText)
    {
        if (map[key] is not { } node)
        {
            if (required)
            {
                Fault(map, $"'{key}' is missing");
            }

            return null;
        }

        if (TextOf(node, $"'{key}'", max) is not { } text)
        {
            return null;
        }

        if (form is not null && !form.IsMatch(text))
        {
            Fault(node, $"'{key}' is '{Show(text)}': it must be {formWords}");
            return null;
        }

        return text;
    }

    public string? TextOf(YamlNode node, string what, int max = MaxText)
    {
        if (node is not YamlScalar { Kind: ScalarKind.Text } scalar)
        {
            Fault(node, node is YamlScalar other && other.Text.Length > 0 ? $"{what} must be text: write \"{Show(other.Text)}\" in quotes" : $"{what} must be text");
            return null;
        }

        if (scalar.Text.Length == 0 || scalar.Text.Length > max)
        {
            Fault(node, $"{what} must have 1 to {max.ToString(CultureInfo.InvariantCulture)} characters");
            return null;
        }

        return scalar.Text;
    }

    public string? Choice(string key, IReadOnlyList<string> choices, bool required = false)
    {
        string? text = Text(key, required);
        if (text is not null && !choices.Contains(text))
        {
            Fault(map[key]!, $"'{key}' is '{Show(text)}': it must be one of {string.Join(", ", choices)}");
            return null;
        }

        return text;
    }

    public long? Number(string key, long least, long most, bool required = false)
    {
        if (map[key] is not { } node)
        {
            if (required)
            {
                Fault(map, $"'{key}' is missing");
            }

            return null;
        }

        if (node is YamlScalar { Kind: ScalarKind.Integer } scalar && long.Parse(scalar.Text, CultureInfo.InvariantCulture) is var number && number >= least && number <= most)
        {
            return number;
        }

        Fault(node, $"'{key}' must be a whole number from {least} to {most}");
        return null;
    }

    public bool? Switch(string key)
    {
        if (map[key] is not { } node)
        {
            return null;
        }

        if (node is YamlScalar { Kind: ScalarKind.Switch } scalar)
        {
            return scalar.Text[0] is 't' or 'T';
        }

        Fault(node, $"'{key}' must be true or false");
        return null;
    }

    public TimeSpan? Span(string key)
    {
        if (map[key] is not { } node)
        {
            return null;
        }

        if (node is YamlScalar { Kind: ScalarKind.Text } scalar && Spans.TryParseTime(scalar.Text, out TimeSpan span))
        {
            return span;
        }

        Fault(node, $"'{key}' must be a span of time such as 500ms, 30s, 15m, 4h, 2d (at most 30 days)");
        return null;
    }

    public IReadOnlyList<string> Texts(string key, Regex? form = null, string? formWords = null, int max = 64)
    {
        if (map[key] is not { } node)
        {
            return [];
        }

        if (node is not YamlList list || list.Items.Count == 0 || list.Items.Count > max)
        {
            Fault(node, $"'{key}' must be a list of 1 to {max} texts");
            return [];
        }

        List<string> texts = [];
        foreach (YamlNode item in list.Items)
        {
            if (TextOf(item, $"each of '{key}'", 200) is { } text)
            {
                if (form is not null && !form.IsMatch(text))
                {
                    Fault(item, $"'{Show(text)}' in '{key}' must be {formWords}");
                }
                else if (texts.Contains(text))
                {
                    Fault(item, $"'{Show(text)}' stands twice in '{key}'");
                }
                else
                {
                    texts.Add(text);
                }
            }
        }

        return texts;
    }

    public YamlFields? Fields(string key) => map[key] is { } node ? FieldsOf(node, $"'{key}'") : null;

    public YamlFields? FieldsOf(YamlNode node, string what)
    {
        if (node is YamlMap inner)
        {
            return new YamlFields(inner, faults);
        }

        Fault(node, $"{what} must be a mapping (key: value)");
        return null;
    }
}
