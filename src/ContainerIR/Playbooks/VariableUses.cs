using System.Text;
using System.Text.RegularExpressions;

namespace ContainerIR.Playbooks;

/// <summary>
/// Variables in texts: <c>${name}</c> in authors' files, <c>__name__:value</c> in CACAO. A value is put in place of the use in one text, which stays one
/// argument or one line shown to a person: nothing here ever builds a command line.
/// </summary>
internal static partial class VariableUses
{
    private const int MaxResult = 64 * 1024;

    /// <summary>Names used in an author's text.</summary>
    public static IEnumerable<string> In(string text) => Authored().Matches(text).Select(match => match.Groups[1].Value);

    /// <summary>A use that was begun and is none, for example <c>${a b}</c>; null when all are well.</summary>
    public static string? Broken(string text)
    {
        string rest = Authored().Replace(text, "");
        int at = rest.IndexOf("${", StringComparison.Ordinal);
        return at < 0 ? null : YamlFields.Show(rest[at..]);
    }

    /// <summary>An author's text as CACAO writes it.</summary>
    public static string ToCacao(string text) => Authored().Replace(text, "__$1__:value");

    /// <summary>CACAO's text as an author writes it.</summary>
    public static string ToAuthored(string text) => Cacao().Replace(text, "$${$1}");

    /// <summary>Puts values in place; a variable without a value stays as it is written. Values are not looked at again.</summary>
    public static string Fill(string text, Func<string, string?> valueOf)
    {
        StringBuilder filled = new();
        int done = 0;
        foreach (Match match in Cacao().Matches(text))
        {
            filled.Append(text, done, match.Index - done).Append(valueOf(match.Groups[1].Value) ?? match.Value);
            done = match.Index + match.Length;
            if (filled.Length > MaxResult)
            {
                break;
            }
        }

        filled.Append(text, done, text.Length - done);
        return filled.Length > MaxResult ? filled.ToString(0, MaxResult) : filled.ToString();
    }

    [GeneratedRegex("\\$\\{([a-zA-Z][a-zA-Z0-9_]{0,99})\\}", RegexOptions.NonBacktracking)]
    private static partial Regex Authored();

    [GeneratedRegex("__([a-zA-Z_][a-zA-Z0-9_-]{0,199}?)__:value")]
    private static partial Regex Cacao();
}
