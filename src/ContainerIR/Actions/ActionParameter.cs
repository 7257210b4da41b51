namespace ContainerIR.Actions;

/// <summary>The form of a parameter's value; values travel as text.</summary>
internal enum ParameterKind
{
    /// <summary>Any text of one line.</summary>
    Text,

    /// <summary>A whole number.</summary>
    Number,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Switch,

    /// <summary>Bytes, with an optional unit of 1024: <c>8GiB</c>.</summary>
    Size,

    /// <summary>A span of time: <c>30s</c>, <c>15m</c>, <c>4h</c>.</summary>
    Duration,

    /// <summary>Several texts, separated by commas.</summary>
    List,
}

/// <summary>One parameter of an action, as the command line, the playbook loader and the playbook schema know it.</summary>
/// <param name="Name">Lower case with underscores, as in a playbook; the command line writes it with dashes.</param>
/// <param name="Kind">The form of its value.</param>
/// <param name="Help">What it means, in one line.</param>
/// <param name="Required">Whether the action refuses to run without it.</param>
/// <param name="Default">What holds when it is not given; <see langword="null"/> when nothing does.</param>
/// <param name="Choices">The only values allowed; <see langword="null"/> when any of its kind is.</param>
internal sealed record ActionParameter(
    string Name, ParameterKind Kind, string Help, bool Required = false, string? Default = null, IReadOnlyList<string>? Choices = null);
