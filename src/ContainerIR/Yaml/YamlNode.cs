namespace ContainerIR.Yaml;

/// <summary>A node of a YAML document, with the place where it begins (both from 1).</summary>
internal abstract record YamlNode(int Line, int Column)
{
    /// <summary>Text of a scalar; null for others.</summary>
    public virtual string? Text => null;

    /// <summary>Whether it is a scalar that means nothing; a quoted word never does.</summary>
    public virtual bool IsNull => false;

    /// <summary>Elements of a sequence; null for others.</summary>
    public virtual IReadOnlyList<YamlNode>? Items => null;

    /// <summary>Entries of a mapping; null for others.</summary>
    public virtual IReadOnlyList<YamlEntry>? Entries => null;

    /// <summary>The value of a key; null where it has none, and for others than mappings.</summary>
    public YamlNode? this[string key] => Entries?.FirstOrDefault(entry => entry.Key.Text == key)?.Value;

    /// <summary>Text of a key's value; null when missing, no scalar, or null.</summary>
    public string? TextOf(string key) => this[key] is { IsNull: false } value ? value.Text : null;

    /// <summary>Texts of a key's value that is a sequence, or of one scalar.</summary>
    public IEnumerable<string> TextsOf(string key) => (this[key] switch
    {
        { Items: { } items } => items.Select(item => item.Text),
        { Text: { } text } => [text],
        _ => [],
    }).OfType<string>();
}

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
internal sealed record YamlScalar(string Value, ScalarKind Kind, int Line, int Column) : YamlNode(Line, Column)
{
    public override string Text => Value;

    public override bool IsNull => Kind == ScalarKind.Null;
}

/// <summary>A sequence.</summary>
internal sealed record YamlList(IReadOnlyList<YamlNode> All, int Line, int Column) : YamlNode(Line, Column)
{
    public override IReadOnlyList<YamlNode> Items => All;
}

/// <summary>A mapping. Keys are text and stand once; the order is the author's.</summary>
internal sealed record YamlMap(IReadOnlyList<YamlEntry> All, int Line, int Column) : YamlNode(Line, Column)
{
    public override IReadOnlyList<YamlEntry> Entries => All;
}

/// <summary>A key and its value.</summary>
internal sealed record YamlEntry(YamlScalar Key, YamlNode Value);

/// <summary>What is wrong with a text, and where.</summary>
internal sealed record YamlFault(int Line, int Column, string Problem);
