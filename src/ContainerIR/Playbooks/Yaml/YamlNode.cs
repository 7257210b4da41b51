namespace ContainerIR.Playbooks.Yaml;

/// <summary>A node of a YAML document, with the place where it begins (both from 1).</summary>
internal abstract record YamlNode(int Line, int Column);

/// <summary>What a scalar is by the core schema of YAML 1.2; a quoted one is always text.</summary>
internal enum ScalarKind
{
    Text,
    Integer,
    Number,
    Switch,
    Null,
}

/// <summary>A scalar.</summary>
internal sealed record YamlScalar(string Text, ScalarKind Kind, int Line, int Column) : YamlNode(Line, Column);

/// <summary>A sequence.</summary>
internal sealed record YamlList(IReadOnlyList<YamlNode> Items, int Line, int Column) : YamlNode(Line, Column);

/// <summary>A mapping. Keys are text and stand once; the order is the author's.</summary>
internal sealed record YamlMap(IReadOnlyList<YamlEntry> Entries, int Line, int Column) : YamlNode(Line, Column)
{
    /// <summary>The value of a key; null when it has none.</summary>
    public YamlNode? this[string key] => Entries.FirstOrDefault(entry => entry.Key.Text == key)?.Value;
}

/// <summary>A key and its value.</summary>
internal sealed record YamlEntry(YamlScalar Key, YamlNode Value);
