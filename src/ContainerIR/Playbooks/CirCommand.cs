using System.Text;
using ContainerIR.Actions;

namespace ContainerIR.Playbooks;

/// <summary>A command line of a foreign playbook that is one of ours: <c>cir do ACTION CONTAINER --name=value …</c>. It is taken apart, never handed to a shell.</summary>
internal sealed record CirCommand(string Action, Dictionary<string, string> With)
{
    /// <summary>Reads it; null when it is another command, or anything a shell would do more with.</summary>
    public static CirCommand? TryParse(string line, IReadOnlyList<IAction> actions)
    {
        if (Words(line) is not ["cir", "do", { } name, .. string[] rest] || actions.FirstOrDefault(each => each.Name == name) is not { } action)
        {
            return null;
        }

        Dictionary<string, string> with = [];
        const string container = "__container__:value";

        // The engine gives the container by itself; another one named here would be a trap.
        for (int i = rest is [container, ..] ? 1 : 0; i < rest.Length; i++)
        {
            if (!rest[i].StartsWith("--", StringComparison.Ordinal))
            {
                return null;
            }

            string[] parts = rest[i][2..].Split('=', 2);
            string parameterName = parts[0].Replace('-', '_');
            ActionParameter? parameter = action.Parameters.FirstOrDefault(each => each.Name == parameterName);
            string? value = parts.Length == 2 ? parts[1]
                : i + 1 < rest.Length && !rest[i + 1].StartsWith("--", StringComparison.Ordinal) ? rest[++i]
                : parameter is { Kind: ParameterKind.Switch } ? "true" : null;
            if (value is null)
            {
                return null;
            }

            if (parameterName == "container" && parameter is null)
            {
                if (value != container)
                {
                    return null;
                }
            }
            else if (!with.TryAdd(parameterName, value))
            {
                return null;
            }
        }

        return new CirCommand(name, with);
    }

    // Words with plain quotes; anything with meaning to a shell makes it no command of ours.
    private static string[]? Words(string line)
    {
        List<string> words = [];
        StringBuilder? word = null;
        char quote = '\0';
        foreach (char each in line)
        {
            if (quote != '\0')
            {
                if (each == quote)
                {
                    quote = '\0';
                }
                else if (each is '$' or '`' or '\\' or '\n')
                {
                    return null;
                }
                else
                {
                    word!.Append(each);
                }
            }
            else if (each is '"' or '\'')
            {
                quote = each;
                word ??= new StringBuilder();
            }
            else if (each is ' ' or '\t')
            {
                if (word is not null)
                {
                    words.Add(word.ToString());
                    word = null;
                }
            }
            else if (each is ';' or '&' or '|' or '<' or '>' or '$' or '`' or '(' or ')' or '\\' or '\n' or '\r' or '*' or '?' or '#' or '~' or '{' or '}' or '[' or ']' or '!')
            {
                return null;
            }
            else
            {
                (word ??= new StringBuilder()).Append(each);
            }
        }

        if (word is not null)
        {
            words.Add(word.ToString());
        }

        return quote == '\0' ? [.. words] : null;
    }
}
