using System.Globalization;
using ContainerIR.Actions;

namespace ContainerIR.Playbooks;

/// <summary>Values of action parameters: whether a text is of a parameter's kind.</summary>
internal static class ParameterValue
{
    /// <summary>Why a value does not fit; null when it does.</summary>
    public static string? Fault(ActionParameter parameter, string value)
    {
        if (value.Length > 4000 || value.Any(char.IsControl))
        {
            return "must be one line of at most 4000 characters";
        }

        if (parameter.Choices is { } choices)
        {
            string[] parts = parameter.Kind == ParameterKind.List ? value.Split(',') : [value];
            if (parts.Any(part => !choices.Contains(part)))
            {
                return "must be one of " + string.Join(", ", choices);
            }
        }

        return parameter.Kind switch
        {
            ParameterKind.Number when !long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) => "must be a whole number",
            ParameterKind.Switch when value is not ("true" or "false") => "must be true or false",
            ParameterKind.Size when !Spans.TryParseSize(value, out _) => "must be a size such as 8GiB",
            ParameterKind.Duration when !Spans.TryParseTime(value, out _) => "must be a span of time such as 30s, 15m, 4h",
            _ => null,
        };
    }

    /// <summary>The parameters with defaults filled in, checked.</summary>
    /// <param name="action">The action.</param>
    /// <param name="given">Values by name, variables replaced.</param>
    /// <param name="faults">Gets a sentence for each fault.</param>
    public static IReadOnlyDictionary<string, string> Complete(IAction action, IReadOnlyDictionary<string, string> given, List<string> faults)
    {
        Dictionary<string, string> with = [];
        foreach (ActionParameter parameter in action.Parameters)
        {
            if ((given.GetValueOrDefault(parameter.Name) ?? parameter.Default) is { } value)
            {
                if (Fault(parameter, value) is { } fault)
                {
                    faults.Add($"'{parameter.Name}' of {action.Name} {fault}");
                }

                with[parameter.Name] = value;
            }
            else if (parameter.Required)
            {
                faults.Add($"{action.Name} needs '{parameter.Name}': {parameter.Help}");
            }
        }

        foreach (string unknown in given.Keys.Where(name => action.Parameters.All(parameter => parameter.Name != name)))
        {
            faults.Add($"{action.Name} has no parameter '{YamlFields.Show(unknown)}'");
        }

        return with;
    }
}
