using System.Buffers;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cases;

/// <summary>The one rule for case ids: they become folder names, so they are 1 to 40 of letters, digits, <c>. _ -</c>, and no dot comes first.</summary>
public static class CaseId
{
    private const int MaxLength = 40;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Whether the text is a case id.</summary>
    public static bool IsValid(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length is > 0 and <= MaxLength && text[0] is not ('.' or '-') && !text.AsSpan().ContainsAnyExcept(Allowed);
    }

    /// <summary>Gives the text back when it is a case id.</summary>
    /// <exception cref="OperatorException">It is not.</exception>
    public static string Check(string text) => IsValid(text)
        ? text
        : throw new OperatorException(
            $"'{DisplayText.Shorten(text, 60)}' is not a case id.",
            "Use 1 to 40 of A-Z a-z 0-9 . _ - (neither dot nor hyphen first), for example IR-2026-014.");
}
